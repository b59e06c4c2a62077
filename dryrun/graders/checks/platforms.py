"""What a training platform refuses, or treats differently, of a grader and rows that run here.

Sources: OpenAI's grader and reinforcement guides, Azure's RFT and data pages, Bedrock's RFT pages,
TRL's and verl's own code; as of November 2026.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum

from dryrun.core.records import Prompt
from dryrun.graders.format.conventions import VOICES, Convention
from dryrun.graders.format.findings import Finding, RowCount, Severity
from dryrun.graders.format.python_source import imports_of, syntax_tree
from dryrun.graders.format.specs import GraderSpec
from dryrun.graders.kinds.judge import JudgeSpec, LabelModelSpec
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.kinds.text_similarity import Metric, TextSimilaritySpec
from dryrun.models.model_list import ModelInfo


class Platform(StrEnum):
    """Where the training will run."""

    OPENAI = "openai"
    AZURE = "azure"
    BEDROCK = "bedrock"
    FIREWORKS = "fireworks"
    TRL = "trl"
    VERL = "verl"


RUNS_OPENAI_GRADERS = (Platform.OPENAI, Platform.AZURE)

_IMAGE = """
numpy scipy sympy pandas rapidfuzz sklearn rouge_score deepdiff jsonschema pydantic yaml nltk sqlparse
rdkit skbio ast_grep_py
"""
IMAGE = frozenset(_IMAGE.split())
"""What the service's image 2025-05-08 holds beside the standard library, by import name."""

OWN_FUNCTION = {
    Platform.BEDROCK: "an AWS Lambda function",
    Platform.FIREWORKS: "an eval-protocol function",
    Platform.TRL: "Python reward functions",
    Platform.VERL: "a Python function compute_score",
}

HOME = {
    Platform.BEDROCK: Convention.BEDROCK,
    Platform.FIREWORKS: Convention.EVAL_PROTOCOL,
    Platform.TRL: Convention.TRL,
    Platform.VERL: Convention.VERL,
}
"""By which convention a platform calls reward functions, where it is not OpenAI's."""

LIMITS = {Platform.OPENAI: (1, 50_000), Platform.BEDROCK: (100, 20_000)}
"""Fewest and most training rows."""


def check_platform(
    spec: GraderSpec, prompts: Sequence[Prompt], platform: Platform, rows: int | None = None
) -> list[Finding]:
    """What `platform` would refuse or treat differently.

    Parameters
    ----------
    spec : GraderSpec
    prompts : sequence of Prompt
    platform : Platform
    rows : int, optional
        Rows of the whole dataset. Default: `prompts`.
    """
    found = [*_check_rows(prompts, platform), *_check_count(len(prompts) if rows is None else rows, platform)]
    if platform in RUNS_OPENAI_GRADERS:
        return [*_check_graders(spec, platform), *found]
    return [*_check_home(spec, platform), *found]


def _check_home(spec: GraderSpec, platform: Platform) -> Iterator[Finding]:
    """Whether a grader is what a platform that has its own convention takes."""
    own = spec.convention if isinstance(spec, PythonSpec) else None
    if own is HOME[platform]:
        return
    is_not = "no grader in OpenAI's JSON" if own is None else f"no function by {VOICES[own].name} convention"
    what = f"{platform} takes {is_not} but {OWN_FUNCTION[platform]}."
    fix = "Write the same rule there, and compare both on a few rows before training."
    yield Finding(Severity.NOTE, "$", what, fix)


def retired_judges(spec: GraderSpec, models: Sequence[ModelInfo], endpoint: str) -> list[Finding]:
    """Judges that an endpoint does not list, or says will shut down.

    Parameters
    ----------
    spec : GraderSpec
    models : sequence of ModelInfo
        From `dryrun.models.model_list.list_models`.
    endpoint : str
        Base URL, for the sentences.
    """
    dates = {model.id: model.shutdown_date for model in models}
    found = []
    for where, part in spec.walk():
        if not isinstance(part, JudgeSpec):
            continue
        if part.model not in dates:
            what = f"{endpoint} lists no model {part.model!r}: it may be retired."
            found.append(Finding(Severity.WARNING, f"{where}.model", what, "Name a model it lists."))
        elif date := dates[part.model]:
            what = f"{part.model} shuts down on {date}, as {endpoint} says."
            fix = "Choose a judge that outlives the training."
            found.append(Finding(Severity.WARNING, f"{where}.model", what, fix))
    return found


def _check_graders(spec: GraderSpec, platform: Platform) -> Iterator[Finding]:
    if isinstance(spec, LabelModelSpec):
        fix = "Put it into a multi grader, or ask for a score (score_model)."
        yield Finding(Severity.ERROR, "$.type", f"{platform} trains with no label_model alone.", fix)
    for where, part in spec.walk():
        if getattr(part, "pass_threshold", None) is not None:
            what = "pass_threshold changes no reward: training pays the grade itself."
            yield Finding(
                Severity.NOTE, f"{where}.pass_threshold", what, "It is for reports; leave it or not."
            )
        if isinstance(part, TextSimilaritySpec) and part.evaluation_metric is Metric.COSINE:
            what = f"{platform} has cosine for evals only, not for fine-tuning."
            fix = "Use fuzzy_match, a rouge metric or a judge."
            yield Finding(Severity.ERROR, f"{where}.evaluation_metric", what, fix)
        if isinstance(part, PythonSpec) and part.convention is not None:
            what = f"{platform} calls grade(sample, item) and nothing else; this is {part.convention}'s."
            fix = "Write the rule as grade(sample, item)."
            yield Finding(Severity.ERROR, f"{where}.convention", what, fix)
        elif isinstance(part, PythonSpec):
            yield from _check_imports(part, where, platform)


def _check_imports(part: PythonSpec, where: str, platform: Platform) -> Iterator[Finding]:
    for name in sorted(imported(part.source)):
        if name not in IMAGE and name not in sys.stdlib_module_names:
            what = f"imports {name}, which {platform}'s image does not hold (2025-05-08)."
            fix = f"It holds the standard library and {', '.join(sorted(IMAGE))}."
            yield Finding(Severity.ERROR, f"{where}.source", what, fix)


def imported(source: str) -> set[str]:
    """Top-level names of the packages a source imports, anywhere in it."""
    return set(imports_of(ast.walk(syntax_tree(source))))


def _check_rows(prompts: Sequence[Prompt], platform: Platform) -> Iterator[Finding]:
    if platform in RUNS_OPENAI_GRADERS:
        system = RowCount.of(prompt.row for prompt in prompts if "system" in _roles(prompt))
        if system.total:
            severity = Severity.ERROR if platform is Platform.AZURE else Severity.WARNING
            what = f"{system.total:,} of {len(prompts):,} rows have a message with the role system {system}."
            yield Finding(severity, "messages", what, f"{platform} has developer instead: rename the role.")
    if platform is Platform.AZURE:
        ends = RowCount.of(prompt.row for prompt in prompts if _roles(prompt)[-1:] != ["user"])
        if ends.total:
            what = f"{ends.total:,} of {len(prompts):,} rows do not end with a message of the user {ends}."
            yield Finding(Severity.ERROR, "messages", what, "Azure refuses them: end with the question.")
    bare = RowCount.of(
        prompt.row for prompt in prompts if not set(prompt.item) - {"messages", "tools", "topic"}
    )
    if bare.total:
        what = f"{bare.total:,} of {len(prompts):,} rows hold nothing but messages {bare}."
        fix = "A grader has nothing to compare with: add a reference answer."
        yield Finding(Severity.WARNING, "rows", what, fix)


def _check_count(rows: int, platform: Platform) -> Iterator[Finding]:
    low, high = LIMITS.get(platform, (rows, rows))
    if not low <= rows <= high:
        what = f"the dataset has {rows:,} rows; {platform} takes {low:,} to {high:,}."
        yield Finding(Severity.ERROR, "rows", what, "Add rows." if rows < low else "Train on a part of it.")


def _roles(prompt: Prompt) -> list[str]:
    return [str(message.get("role")) for message in prompt.messages]
