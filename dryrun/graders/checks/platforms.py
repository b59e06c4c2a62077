"""What a training platform refuses, or treats differently, in a grader and rows that run here.

Sources: OpenAI's grader and reinforcement guides, Azure's RFT and data pages, Bedrock's RFT pages,
TRL's and verl's own code; as of November 2026.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from dryrun.core.records import Item, Prompt
from dryrun.graders.format.conventions import VOICES, Convention
from dryrun.graders.format.findings import Finding, RowCount, Severity
from dryrun.graders.format.python_source import imports_of, syntax_tree
from dryrun.graders.kinds.judge import LabelModelSpec
from dryrun.graders.kinds.judge_spec import JudgeSpec
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.kinds.text_similarity import Metric, TextSimilaritySpec
from dryrun.graders.specs import GraderSpec
from dryrun.models.model_list import ModelInfo


class Platform(StrEnum):
    """Where the training will run."""

    OPENAI = "openai"
    AZURE = "azure"
    BEDROCK = "bedrock"
    FIREWORKS = "fireworks"
    TOGETHER = "together"
    TRL = "trl"
    VERL = "verl"
    VERIFIERS = "verifiers"
    NEMO_GYM = "nemo_gym"


class RowFeature(StrEnum):
    """What a row may have that not every place takes."""

    TOOLS = "tools or tool calls"
    IMAGES = "parts other than text in a message"


RUNS_OPENAI_GRADERS = (Platform.OPENAI, Platform.AZURE)

_IMAGE = """
numpy scipy sympy pandas rapidfuzz sklearn rouge_score deepdiff jsonschema pydantic yaml nltk sqlparse
rdkit skbio ast_grep_py
"""
IMAGE = frozenset(_IMAGE.split())
"""Packages of the service's image 2025-05-08 beside the standard library, by import name."""

OWN_FUNCTION = {
    Platform.BEDROCK: "an AWS Lambda function",
    Platform.FIREWORKS: "an eval-protocol function",
    Platform.TOGETHER: "a Python function of a completion and a target",
    Platform.TRL: "Python reward functions",
    Platform.VERL: "a Python function compute_score",
    Platform.VERIFIERS: "rewards of a Python taskset",
    Platform.NEMO_GYM: "a resources server with verify",
}

HOME = {
    Platform.BEDROCK: Convention.BEDROCK,
    Platform.FIREWORKS: Convention.EVAL_PROTOCOL,
    Platform.TRL: Convention.TRL,
    Platform.VERL: Convention.VERL,
    Platform.VERIFIERS: Convention.VERIFIERS,
}
"""By which convention a platform calls reward functions, where it is not OpenAI's."""

LIMITS = {Platform.OPENAI: (1, 50_000), Platform.BEDROCK: (100, 20_000)}
"""Fewest and most training rows."""

VALIDATION = {Platform.OPENAI: (0, 1_000), Platform.AZURE: (1, 1_000_000)}
"""Fewest and most validation rows."""

_TEXT_ALONE = "the files hold text; images need a processor and a column of their own"
CANNOT: Mapping[Platform, Mapping[RowFeature, str]] = {
    Platform.BEDROCK: {RowFeature.IMAGES: "the models that it trains this way read text"},
    Platform.TOGETHER: {
        RowFeature.TOOLS: "the reward of its single-turn recipe sees the text of a response",
        RowFeature.IMAGES: "its recipes train on text",
    },
    Platform.TRL: {
        RowFeature.TOOLS: "tools there are Python functions of the training script",
        RowFeature.IMAGES: _TEXT_ALONE,
    },
    Platform.VERL: {
        RowFeature.TOOLS: "tools there are classes in a file of their own",
        RowFeature.IMAGES: _TEXT_ALONE,
    },
    Platform.VERIFIERS: {
        RowFeature.TOOLS: "tools there are servers of the taskset",
        RowFeature.IMAGES: _TEXT_ALONE,
    },
    Platform.NEMO_GYM: {
        RowFeature.TOOLS: "its resources server has to run the tools",
        RowFeature.IMAGES: _TEXT_ALONE,
    },
}
"""What rows a place cannot take, and why."""


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
    count = len(prompts) if rows is None else rows
    findings = [
        *check_rows(prompts, platform),
        *_check_features(prompts, platform),
        *check_count(count, platform),
    ]
    if platform in RUNS_OPENAI_GRADERS:
        return [*check_hosted_grader(spec, platform), *findings]
    return [*_check_home(spec, platform), *findings]


def row_features(item: Item) -> set[RowFeature]:
    """What a row has that not every place takes."""
    messages = item["messages"]
    called = any(message.get("tool_calls") or message.get("role") == "tool" for message in messages)
    parts = [part for message in messages for part in _parts(message)]
    features = {RowFeature.TOOLS} if item.get("tools") or called else set()
    return features | ({RowFeature.IMAGES} if any(part != "text" for part in parts) else set())


def _parts(message: Mapping[str, Any]) -> list[str]:
    content = message.get("content")
    return (
        [str(part.get("type")) for part in content if isinstance(part, Mapping)]
        if isinstance(content, list)
        else []
    )


def _check_features(prompts: Sequence[Prompt], platform: Platform) -> Iterator[Finding]:
    for feature, why in CANNOT.get(platform, {}).items():
        having = RowCount.of(prompt.row for prompt in prompts if feature in row_features(prompt.item))
        if having.total:
            what = f"{having.total:,} of {len(prompts):,} rows have {feature} {having}."
            yield Finding(Severity.ERROR, "rows", what, f"{platform} cannot take them: {why}.")


def _check_home(spec: GraderSpec, platform: Platform) -> Iterator[Finding]:
    """Whether a grader is what a platform that has its own convention takes."""
    own = spec.convention if isinstance(spec, PythonSpec) else None
    if own is not None and own is HOME.get(platform):
        return
    is_not = "no grader in OpenAI's JSON" if own is None else f"no function by {VOICES[own].name} convention"
    what = f"{platform} takes {is_not} but {OWN_FUNCTION[platform]}."
    fix = f"`export --to {platform}` writes one, or says why it cannot."
    yield Finding(Severity.NOTE, "$", what, fix)


def retired_judges(spec: GraderSpec, models: Sequence[ModelInfo], endpoint: str) -> list[Finding]:
    """Judges that an endpoint does not list, or announces to shut down.

    Parameters
    ----------
    spec : GraderSpec
    models : sequence of ModelInfo
        From `dryrun.models.model_list.list_models`.
    endpoint : str
        Base URL, for the sentences.
    """
    dates = {model.id: model.shutdown_date for model in models}
    findings = []
    for where, part in spec.walk():
        if not isinstance(part, JudgeSpec):
            continue
        if part.model not in dates:
            what = f"{endpoint} lists no model {part.model!r}: it may be retired."
            findings.append(Finding(Severity.WARNING, f"{where}.model", what, "Name a model it lists."))
        elif date := dates[part.model]:
            what = f"{part.model} shuts down on {date}, as {endpoint} says."
            fix = "Choose a judge that outlives the training."
            findings.append(Finding(Severity.WARNING, f"{where}.model", what, fix))
    return findings


def check_hosted_grader(spec: GraderSpec, platform: Platform) -> Iterator[Finding]:
    """Findings for a host that runs OpenAI's graders itself."""
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


def check_rows(prompts: Sequence[Prompt], platform: Platform) -> Iterator[Finding]:
    """What is wrong with the roles of messages, and rows without anything for a grader."""
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


def check_count(rows: int, platform: Platform) -> Iterator[Finding]:
    """Whether these are too few training rows, or too many."""
    low, high = LIMITS.get(platform, (rows, rows))
    if not low <= rows <= high:
        what = f"the dataset has {rows:,} rows; {platform} takes {low:,} to {high:,}."
        yield Finding(Severity.ERROR, "rows", what, "Add rows." if rows < low else "Train on fewer rows.")


def _roles(prompt: Prompt) -> list[str]:
    return [str(message.get("role")) for message in prompt.messages]
