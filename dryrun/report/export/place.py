"""A place to train: what it takes, what it cannot take, and the files that it needs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from string import Template
from typing import Any

from dryrun.core.records import Prompt
from dryrun.core.text import code_span
from dryrun.graders.checks.platforms import (
    CANNOT,
    HOME,
    RUNS_OPENAI_GRADERS,
    VALIDATION,
    Platform,
    check_count,
    check_hosted_grader,
    check_rows,
    row_features,
)
from dryrun.graders.format.findings import Finding, RowCount, Severity
from dryrun.graders.kinds.python import PythonSpec
from dryrun.report.export.grader_code import cannot_generate, grader_code, packages_of
from dryrun.report.export.material import Material
from dryrun.report.training_set.chosen import to_jsonl

Named = Iterator[tuple[str, bytes]]
"""Files by their paths."""
FROM_ZERO_TO_ONE = (Platform.BEDROCK, Platform.FIREWORKS, Platform.TOGETHER)
"""Places whose pages ask for rewards from 0 to 1."""
GRADED = "graded.jsonl"
ABOUT = {
    "README.md": "checklist and commands",
    "grader.json": "the grader as it was dry-run",
    "reward.py": "the grader as this place calls it",
    "requirements.txt": "what reward.py needs",
    "train.jsonl": "the training rows",
    "validation.jsonl": "rows kept apart for validation",
    GRADED: "responses of the dry run with their rewards; --check grades them again",
    "train.parquet": "the training rows",
    "validation.parquet": "rows kept apart for validation",
    "start_job.py": "starts the job; --check sends nothing",
    "test_reward.py": "the grader as an evaluator",
    "app.py": "the server that grades",
    "dry_run.yaml": "the server's configuration, and an agent's",
    "grpo_config.json": "fields for the recipe's configuration",
    "__init__.py": "loads the rows and the reward",
    "pyproject.toml": "makes the folder a package",
    "train.py": "starts the training; --check starts nothing",
}
"""What each file is, by its name."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place to train.

    Attributes
    ----------
    platform : Platform
    title : str
        As people call it.
    files : callable
        The files of a training, the grader's JSON and the README apart.
    takes : tuple of str
        Names of the `TrainingSizes` that its files set. The host decides the others.
    """

    platform: Platform
    title: str
    files: Callable[[Material], Named]
    takes: tuple[str, ...] = ()

    def guide(self) -> tuple[list[str], list[str]]:
        """What to look at before it is started, and how to check and start it, a line each."""
        checklist, commands = template(f"guide_{self.platform}.md").template.split("\n\n")
        return [line.removeprefix("- ") for line in checklist.splitlines()], commands.splitlines()


@dataclass(frozen=True, slots=True)
class Export:
    """What a place would get, and what it cannot take.

    Attributes
    ----------
    place : Place
    material : Material
        Rows as they will be written: roles renamed, rows left out that the place cannot take.
    findings : tuple of Finding
        Errors: nothing can be written. Warnings: something is left out.
    """

    place: Place
    material: Material
    findings: tuple[Finding, ...] = field(default=())

    @property
    def refused(self) -> bool:
        """Whether nothing can be written."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def files(self) -> dict[str, bytes]:
        """All files by their paths. Without a clock or a key in them: equal exports are equal bytes."""
        grader = json.dumps(self.material.grader.raw, indent=2, ensure_ascii=False).encode() + b"\n"
        written = {"grader.json": grader, **dict(self.place.files(self.material))}
        return {"README.md": self._readme(written).encode(), **written}

    def checklist(self) -> list[str]:
        """What to look at before the training is started."""
        material = self.material
        verdict = (
            [] if material.verdict == "GO" else [f"The verdict is {material.verdict}: see its causes first."]
        )
        notes = [
            f"{finding.what[:1].upper()}{finding.what[1:]} {finding.fix}".strip() for finding in self.findings
        ]
        set_here = self.place.takes
        sizes = [words for name, words in material.sizes.reasons.items() if name in set_here]
        return [*verdict, material.model_advice, *self.place.guide()[0], *notes, *sizes]

    def _readme(self, written: Mapping[str, bytes]) -> str:
        rows = "\n".join(f"| `{name}` | {described(name)} |" for name in written)
        material = self.material
        return template("README.md").substitute(
            title=self.place.title,
            run=material.run[:8],
            dataset=code_span(material.dataset),
            date=time.strftime("%d %b %Y", time.localtime(material.started)),
            verdict=material.verdict,
            train=f"{len(material.train):,}",
            validation=f"{len(material.validation):,}",
            files=rows,
            checklist="\n".join(f"- [ ] {line}" for line in self.checklist()),
            commands="\n".join(f"    {line}" for line in self.place.guide()[1]),
        )


def described(path: str) -> str:
    """What the file at a path is."""
    return ABOUT[path.rpartition("/")[2]]


def export_to(place: Place, material: Material) -> Export:
    """What this place would get; nothing is written, and findings name everything that it cannot take."""
    platform = place.platform
    train, left_out = _taken(material.train, platform)
    validation, _ = _taken(material.validation, platform)
    renamed = [*_renamed(material.train, platform)]
    if platform in RUNS_OPENAI_GRADERS:
        train, validation = _as_developer(train), _as_developer(validation)
    most = VALIDATION.get(platform, (0, len(validation)))[1]
    kept = replace(material, train=train, validation=validation[:most])
    findings = [
        *_grader_findings(kept, platform),
        *left_out,
        *renamed,
        *check_count(len(train), platform),
        *_validation_findings(validation, platform),
        *check_rows([*train, *kept.validation], platform),
        *_scale(kept, platform),
        *_reasoning(kept, platform),
    ]
    return Export(place, kept, tuple(findings))


def _grader_findings(material: Material, platform: Platform) -> Iterator[Finding]:
    spec = material.grader
    if platform in RUNS_OPENAI_GRADERS:
        yield from check_hosted_grader(spec, platform)
    elif not is_own(material, platform):
        yield from cannot_generate(spec)


def is_own(material: Material, platform: Platform) -> bool:
    """Whether the grader is a function by this place's own convention: its file is handed over as it is."""
    spec = material.grader
    entry = spec.entry if isinstance(spec, PythonSpec) else None
    return entry is not None and entry.convention is HOME.get(platform)


def _taken(prompts: tuple[Prompt, ...], platform: Platform) -> tuple[tuple[Prompt, ...], list[Finding]]:
    """The rows that this place takes, and which it does not."""
    findings = []
    left: set[int] = set()
    for feature, why in CANNOT.get(platform, {}).items():
        places = [place for place, prompt in enumerate(prompts) if feature in row_features(prompt.item)]
        if places:
            count = RowCount.of(prompts[place].row for place in places)
            what = f"{count.total:,} of {len(prompts):,} rows have {feature} {count} and are left out: {why}."
            findings.append(Finding(Severity.WARNING, "rows", what))
        left |= set(places)
    kept = tuple(prompt for place, prompt in enumerate(prompts) if place not in left)
    if prompts and not kept:
        findings.append(Finding(Severity.ERROR, "rows", f"no row is left that {platform} takes."))
    return kept, findings


def _renamed(prompts: tuple[Prompt, ...], platform: Platform) -> Iterator[Finding]:
    if platform not in RUNS_OPENAI_GRADERS:
        return
    count = sum(any(message.get("role") == "system" for message in prompt.messages) for prompt in prompts)
    if count:
        what = f"the role system of {count:,} of {len(prompts):,} rows is written as developer."
        yield Finding(Severity.NOTE, "messages", what, "This place has no such role.")


def _as_developer(prompts: tuple[Prompt, ...]) -> tuple[Prompt, ...]:
    return tuple(replace(prompt, item=_developer(prompt.item)) for prompt in prompts)


def _developer(item: Mapping[str, Any]) -> dict[str, Any]:
    messages = [
        {**message, "role": "developer"} if message.get("role") == "system" else message
        for message in item["messages"]
    ]
    return {**item, "messages": messages}


def _validation_findings(validation: tuple[Prompt, ...], platform: Platform) -> Iterator[Finding]:
    low, high = VALIDATION.get(platform, (0, len(validation)))
    if len(validation) < low:
        what = "there is no validation row, and this place starts no job without one."
        yield Finding(
            Severity.ERROR, "validation", what, "Run more prompts, or choose a share for validation."
        )
    elif len(validation) > high:
        what = f"of {len(validation):,} validation rows the first {high:,} are written, all it takes."
        yield Finding(Severity.WARNING, "validation", what)


def _scale(material: Material, platform: Platform) -> Iterator[Finding]:
    low, high = material.reward_range
    if platform in FROM_ZERO_TO_ONE and not 0 <= low <= high <= 1:
        what = f"this place asks for rewards from 0 to 1; this grader pays {low:g} to {high:g}."
        yield Finding(Severity.WARNING, "$", what, "Rescale it in a multi grader's formula.")


def _reasoning(material: Material, platform: Platform) -> Iterator[Finding]:
    if not material.cut_reasoning or not (platform in RUNS_OPENAI_GRADERS or is_own(material, platform)):
        return
    what = "the dry run graded what follows the reasoning (</think> and the like); here the grader gets all."
    fix = "Where the model's reasoning is no part of its response, there is nothing to do."
    yield Finding(Severity.WARNING, "$", what, fix)


def reward_files(material: Material, platform: Platform, folder: str = "") -> Named:
    """``reward.py``: the grader's own file where it has this place's convention, else a new one around it."""
    spec = material.grader
    if isinstance(spec, PythonSpec) and is_own(material, platform):
        code = spec.source
    else:
        wrapper = template(f"reward_{platform}.py").template
        about = f"The reward of a training on {platform}."
        code = grader_code(spec, wrapper, about, cut_reasoning=material.cut_reasoning)
    yield f"{folder}reward.py", code.encode("utf-8", "replace")
    packages = packages_of(spec) or ["# reward.py needs nothing but Python"]
    yield f"{folder}requirements.txt", "".join(f"{name}\n" for name in packages).encode()


def graded_file(material: Material) -> Named:
    """``graded.jsonl``: stored responses with the place of their row among the training rows."""
    places = {prompt.key: place for place, prompt in enumerate(material.train)}
    rows = [
        {"row": places[graded.key], "response": graded.text, "reward": graded.reward}
        for graded in material.graded
        if graded.key in places
    ]
    if rows:
        yield GRADED, to_jsonl(rows)


def function_of(material: Material, otherwise: str) -> str:
    """The name of the function in ``reward.py``."""
    entry = material.grader.entry if isinstance(material.grader, PythonSpec) else None
    return otherwise if entry is None else entry.function


def template(name: str) -> Template:
    """A text of ``templates/export``, with ``$names`` to fill."""
    file = resources.files("dryrun.report").joinpath("templates", "export", f"{name}.txt")
    return Template(file.read_text(encoding="utf-8"))


def filled(name: str, function: str = "", **values: object) -> bytes:
    """A template with its names filled in: values as Python has them, the function's name as it is."""
    shown = {key: repr(value) for key, value in values.items()}
    return template(name).substitute(shown, function=function).encode()
