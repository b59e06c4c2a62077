"""``export``: rows, grader and job in the form of the place where the training will run."""

from __future__ import annotations

import argparse
from pathlib import Path

from dryrun.cli import options as shared
from dryrun.cli.output import write_out
from dryrun.core.errors import DryRunError
from dryrun.core.text import note, plural, say
from dryrun.engine.profile.stored import is_profile, open_profile
from dryrun.graders.checks.platforms import Platform
from dryrun.report import report_of
from dryrun.report.export.material import material_of_run, split_of_folder, split_prompts
from dryrun.report.export.place import Export, export_to
from dryrun.report.export.places import PLACES, file_tree
from dryrun.report.training_set.chosen import set_archive
from dryrun.store.partition import write_aside
from dryrun.store.results import load_results
from dryrun.store.runs import Run

REFUSED = 2


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``export``."""
    command.add_argument("run", help="the id of a run, or of a profile with --rows, see `runs`")
    command.add_argument(
        "--to", required=True, choices=[place.value for place in PLACES], help="where the training will run"
    )
    command.add_argument("--out", type=Path, metavar="PATH", help="a folder, or a .zip file")
    command.add_argument(
        "--rows",
        type=Path,
        metavar="FOLDER",
        help="holds train.jsonl and validation.jsonl (default: the run's prompts, a tenth for validation)",
    )
    command.add_argument(
        "--check", action="store_true", help="say what would be written and what is refused, write nothing"
    )
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Say what the place cannot take, then write; 2 where it takes nothing."""
    if options.out is None and not options.check:
        raise DryRunError("Give --out FOLDER or --out FILE.zip, or --check to write nothing.")
    results = load_results(_run(options))
    split = split_prompts(results) if options.rows is None else split_of_folder(options.rows)
    material = material_of_run(results, report_of(results).verdict, split)
    export = export_to(PLACES[Platform(options.to)], material)
    for finding in export.findings:
        say(finding)
    if export.refused:
        say(f"Nothing is written: {export.place.title} cannot take this.")
        return REFUSED
    files = export.files()
    rows = f"{plural(len(export.material.train), 'row')} to train on"
    say(f"{export.place.title}: {rows}, {len(export.material.validation):,} for validation.")
    say(file_tree(files))
    if options.check:
        for line in export.checklist():
            say(f"- {line}")
    else:
        _write(export, files, options.out)
    return 0


def _run(options: argparse.Namespace) -> Run:
    """The run; of a profile a sample of it, whose grader and lengths are those of all."""
    if not is_profile(options.run):
        return shared.run_of(options)
    if options.rows is None:
        name = options.run
        raise DryRunError(f"First choose the rows: training-set {name} --out FOLDER; then --rows FOLDER.")
    return open_profile(shared.store_of(options), options.run).sample()


def _write(export: Export, files: dict[str, bytes], out: Path) -> None:
    if out.suffix.lower() == ".zip":
        write_out(out, set_archive(iter(files.items())))
    else:
        if out.exists() and not out.is_dir():
            raise DryRunError(f"--out {out}: is a file. Give a folder, or a name that ends in .zip.")
        for name, content in files.items():
            write_aside(out / name, content)
    note(f"Written to {out}. {export.place.title}: see README.md.")
