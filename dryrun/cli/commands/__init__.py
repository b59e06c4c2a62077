"""The commands of ``python -m dryrun``, a file each.

A command is a name and a line of help in `COMMANDS`, and a module of the same name in this folder, or in
the one that `IN_FOLDER` names, with ``add_arguments(parser)`` and ``execute(options) -> exit code``. Only
the module of the command that was given is imported, so that it may import what it likes at the top and
``--help`` stays quick.
"""

from __future__ import annotations

COMMANDS = {
    "run": "sample, generate, grade, judge; the same command resumes",
    "report": "judge a stored run again, e.g. under other thresholds",
    "regrade": "score a run's stored responses with another grader; the model is never called",
    "grade": "try a grader on one response: reward, parts, filled templates, errors",
    "probe": "check the grader: grade right, wrong and worthless answers made from your rows",
    "validate": "check a grader alone, against a dataset, for a platform; grade the reference answers",
    "import": "grade and judge responses generated elsewhere: TRL, verl, verifiers, OpenAI or Azure evals",
    "runs": "list the stored runs, delete some",
    "stop": "end a live run early and keep what is done",
    "plan": "what a sample of a given size will be able to tell, before anything is spent",
    "compare": "two runs side by side: two graders on the same responses, or two runs over prompts",
    "profile": "a row a prompt: pass rate, class, chance of a mixed group; of a run or the whole dataset",
    "training-set": "choose the rows to train on by their profile, with a control and a validation split",
    "forecast": "tokens, hours and dollars of training on this, and whether the trainer's settings fit",
    "outcome": "how a training went, from its log: predicted against actual, over all runs with a score",
    "export": "rows, grader and job in the form of OpenAI, Azure, Bedrock, Fireworks, TRL, verl and others",
    "gate": "may a pipeline go on to training? Exit code, JUnit XML, Markdown, a baseline",
    "labels": "people's labels of a run's responses: what they say of the grader, out to a file, in from one",
    "cache": "list, merge and prune the stored responses and grades",
}

IN_FOLDER = dict.fromkeys(("profile", "training-set", "forecast", "outcome", "export", "gate"), "training")
"""Commands whose module is in a folder of this one: what comes after a verdict."""


def module_of(command: str) -> str:
    """The name of the module that holds a command."""
    folders = [*filter(None, [IN_FOLDER.get(command)]), command.replace("-", "_")]
    return ".".join(["dryrun.cli.commands", *folders])
