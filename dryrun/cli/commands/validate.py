"""``validate``: what is wrong or suspicious about a grader, alone and against a dataset."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from dryrun.cli import options as shared
from dryrun.cli.dataset_options import FORMATS, add_columns, add_dataset, file_or_hub, read_given
from dryrun.cli.output import new_file, write_out
from dryrun.core.blocking import run_blocking
from dryrun.core.config import SamplingConfig
from dryrun.core.errors import DatasetError, DryRunError, GraderError
from dryrun.core.records import Prompt
from dryrun.core.text import plural, say
from dryrun.dataset import Dataset
from dryrun.dataset.audit import AuditFinding, audit
from dryrun.dataset.draw import draw
from dryrun.graders import Finding, GraderSpec, Severity, check_against, load_grader
from dryrun.graders.checks.against_rows import check_batches
from dryrun.graders.checks.platforms import Platform, check_platform, retired_judges
from dryrun.models.model_list import list_models
from dryrun.probes.reference_scores import ceiling
from dryrun.report.gate.sarif import Annotation, grader_annotations, line_named, problem_annotations, sarif

PROBLEMS = 2
MOST_ROWS = 500
"""Rows the checks look at; drawn as a run draws them."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``validate``."""
    shared.add_grader(command)
    add_dataset(command, words=f"{FORMATS} to check it against")
    command.add_argument(
        "--validation",
        type=file_or_hub,
        metavar="FILE",
        help="rows kept for validation, to find those in both",
    )
    command.add_argument(
        "--platform", choices=[platform.value for platform in Platform], help="where you train"
    )
    command.add_argument("--response-format", action="store_true", help="the job has a response format")
    command.add_argument(
        "--sarif", type=new_file((".sarif", ".json")), metavar="FILE", help="write the findings as SARIF"
    )
    command.add_argument("--ceiling", action="store_true", help="also grade the reference answers themselves")
    add_columns(command)
    shared.add_rows(command, MOST_ROWS, "look at")
    shared.add_timeout(command)
    shared.add_judge(command)


def execute(options: argparse.Namespace) -> int:
    """Print every finding; 0 if none forbids a run."""
    marks: list[Annotation] = []
    try:
        return _validate(options, marks)
    except DatasetError as error:
        marks += problem_annotations(error.problems, "dataset", Path(options.dataset))
        raise
    except GraderError as error:
        marks += problem_annotations(error.problems, "grader", options.grader)
        raise
    finally:
        if options.sarif is not None:
            write_out(options.sarif, sarif(marks, Path.cwd()).encode(), "--sarif")


def _validate(options: argparse.Namespace, marks: list[Annotation]) -> int:
    spec = load_grader(shared.grader(options))
    say(spec.describe())
    dataset = _dataset(options, marks)
    prompts = _prompts(dataset, options)
    findings = (
        check_against(spec, prompts, options.response_format) if prompts else check_against_nothing(spec)
    )
    if options.platform:
        findings += check_platform(
            spec, prompts, Platform(options.platform), dataset.ref.rows if dataset else None
        )
    findings += _judges(spec, options)
    findings += run_blocking(check_batches(spec, prompts, options.grade_timeout))
    order = list(Severity)
    findings = shared.of_grader_file(dict.fromkeys(findings), options)
    findings.sort(key=lambda finding: order.index(finding.severity))
    for finding in findings:
        say(finding)
    marks += grader_annotations(findings, options.grader)
    sound = not any(finding.severity is Severity.ERROR for finding in findings)
    if options.ceiling:
        sound = _ceiling(spec, prompts, options) and sound
    count = plural(len(findings), "finding") if findings else "No finding"
    say(f"{count} about the grader.")
    return 0 if sound else PROBLEMS


def check_against_nothing(spec: GraderSpec) -> list[Finding]:
    """What can be said without rows: findings about rows say nothing here."""
    return [finding for finding in check_against(spec, [], False) if "no row can fill" not in finding.what]


def _dataset(options: argparse.Namespace, marks: list[Annotation]) -> Dataset | None:
    """The dataset to check against, once its own suspicions are printed."""
    if options.dataset is None:
        for option in ("ceiling", "validation"):
            if getattr(options, option):
                raise DryRunError(f"--{option} needs --dataset: the rows that are looked at.")
        return None
    dataset = read_given(options, options.dataset, options.rows)
    kept = options.validation
    validation = None if kept is None else read_given(options, kept, options.rows)
    for mark in _suspicions(dataset, audit(dataset, validation), Path(options.dataset)):
        say(f"dataset: {mark.words}")
        marks.append(mark)
    return dataset


def _suspicions(dataset: Dataset, suspected: Sequence[AuditFinding], file: Path) -> Iterator[Annotation]:
    """What does not forbid the dataset; a row of JSONL is a line of its own."""
    lines = file.suffix.lower() == ".jsonl"
    for warning in dataset.warnings:
        yield Annotation("dataset", Severity.WARNING, warning, file, line_named(warning))
    for finding in suspected:
        line = min(finding.rows) + 1 if lines and finding.rows else 1
        yield Annotation(finding.code.value, Severity.WARNING, finding.sentence, file, line)


def _prompts(dataset: Dataset | None, options: argparse.Namespace) -> list[Prompt]:
    if dataset is None:
        return []
    return dataset.prompts(draw(dataset, SamplingConfig(size=options.rows)))


def _judges(spec: GraderSpec, options: argparse.Namespace) -> list[Finding]:
    """Of retired judges, where the endpoint says which models it has."""
    if not spec.asks_models:
        return []
    access = shared.judge_access(options)
    with contextlib.suppress(DryRunError):
        models = run_blocking(list_models(access.config.base_url, access.api_key))
        return retired_judges(spec, models, access.config.base_url)
    what = f"{access.config.base_url} did not list its models, so whether the judge is there is unknown."
    return [Finding(Severity.NOTE, "$", what, "Check --judge-base-url and the key.")]


def _ceiling(spec: GraderSpec, prompts: list[Prompt], options: argparse.Namespace) -> bool:
    judge = shared.judge_for(spec, options)
    field, timeout = options.reference_field, options.grade_timeout
    check = run_blocking(ceiling(spec, prompts, field=field, grade_timeout=timeout, judge=judge))
    for sentence in check.sentences():
        say(f"ceiling: {sentence}")
    return check.sound
