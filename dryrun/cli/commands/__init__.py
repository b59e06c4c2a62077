"""The commands of ``python -m dryrun``, a file each.

A command is a name and a line of help in `dryrun.cli.main.COMMANDS`, and a module of the same name in this
folder, or in the one that `IN_FOLDER` there names, with ``add_arguments(parser)`` and ``execute(options) ->
exit code``. Only the module of the command that was given is imported, so that it may import what it likes at
the top and ``--help`` stays quick.
"""
