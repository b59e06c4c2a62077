"""The baseline of a run: verdict and prompts of an earlier run, in a file that is committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, ValidationError

from dryrun.analysis.figures.comparison import Difference, paired_difference, unpaired_difference
from dryrun.analysis.figures.groups import DECIMALS
from dryrun.core.config import Verdict
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.text import figure, percent, writable
from dryrun.report.fields import Report
from dryrun.report.figures import Record
from dryrun.store.results import Results

RANK: Mapping[Verdict, int] = {"GO": 1, "INVALID": 0, "NO-GO": 0}

Scores = Mapping[str, Sequence[float]]
"""By the key of each prompt, the scores of its responses on 0..1."""


class PromptFigures(Record):
    """One prompt: the mean of its scores on 0..1, and whether they differ; None with fewer than two."""

    mean: float
    differ: bool | None


class Baseline(Record):
    """The figures of an earlier run; `prompts` goes by the key of the row."""

    verdict: Verdict
    conditions: tuple[str, ...]
    """Codes of what stood before training."""
    dataset: Annotated[str, AfterValidator(writable)]
    model: Annotated[str, AfterValidator(writable)]
    rollouts: int | None
    prompts: dict[str, PromptFigures]
    format: Literal[1] = 1

    @classmethod
    def of(cls, report: Report, scores: Scores) -> Baseline:
        """The baseline that later runs are held against."""
        return cls(
            verdict=report.verdict,
            conditions=tuple(condition.code for condition in report.diagnosis.conditions),
            dataset=report.run.dataset,
            model=report.run.model,
            rollouts=report.run.rollouts,
            prompts={key: _figures(values) for key, values in sorted(scores.items()) if values},
        )

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Read it from its file.

        Raises
        ------
        DryRunError
            The file cannot be read, or is not a baseline.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise DryRunError(
                f"{path}: cannot be read ({error.strerror}). `gate --write-baseline` writes a baseline."
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the top level"
            raise DryRunError(
                f"{path}: not a baseline ({first['msg']}, at {where}). `gate --write-baseline` writes one."
            ) from error

    def to_json(self) -> str:
        """Indented, so that a change reads well in a diff."""
        return self.model_dump_json(indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Change:
    """A run against its baseline.

    Attributes
    ----------
    before, now : str
        Verdicts.
    new_conditions : tuple of str
        What stands before training now and did not.
    mean : Difference or None
        Of the prompts' means; None where fewer than two prompts can be compared.
    differ : Difference or None
        Of the share of prompts whose scores differ, which is what group-relative training learns from;
        None also where the number of responses to a prompt has changed.
    """

    before: Verdict
    now: Verdict
    new_conditions: tuple[str, ...]
    mean: Difference | None
    differ: Difference | None

    @property
    def worse(self) -> str:
        """The ways in which the run is surely worse, as a sentence; ``""`` where there are none."""
        if RANK[self.now] < RANK[self.before]:
            return f"The verdict was {self.before} and is {self.now}."
        if self.new_conditions:
            return f"New before training: {', '.join(self.new_conditions)}."
        if self.differ is not None and self.differ.high < 0:
            return f"Fewer prompts can teach: {self._shares()}."
        return ""

    @property
    def words(self) -> str:
        """The change in sentences."""
        if self.mean is None:
            return "The baseline shares too few prompts with this run to be compared."
        kind = "the same prompts" if self.mean.paired else "other prompts"
        mean = self.mean
        words = (
            f"Mean {figure(mean.first)} before, {figure(mean.second)} now "
            f"(change {mean.value:+.3f}, 95 % {mean.low:+.3f} to {mean.high:+.3f}, {kind})."
        )
        return f"{words} Prompts whose scores differ: {self._shares()}." if self.differ else words

    def _shares(self) -> str:
        differ = self.differ
        if differ is None:
            return ""
        return (
            f"{percent(differ.first)} before, {percent(differ.second)} now "
            f"(95 % of the change: {100 * differ.low:+.0f} to {100 * differ.high:+.0f} points)"
        )


def change(baseline: Baseline, report: Report, scores: Scores) -> Change:
    """Hold a run against its baseline, in pairs over the prompts that both have.

    Where fewer than two prompts are shared, both are compared as samples of other prompts.
    """
    now = Baseline.of(report, scores)
    known = set(baseline.conditions)
    same_size = baseline.rollouts == now.rollouts
    return Change(
        before=baseline.verdict,
        now=now.verdict,
        new_conditions=tuple(
            condition.step for condition in report.diagnosis.conditions if condition.code not in known
        ),
        mean=_difference(baseline, now, "mean"),
        differ=_difference(baseline, now, "differ") if same_size else None,
    )


def stored_scores(results: Results) -> Scores:
    """The scores of a stored run, on 0..1."""
    scores: dict[str, list[float]] = {}
    places = results.rollouts["prompt"].to_pylist()
    for place, score in zip(places, results.observations().score.tolist(), strict=True):
        if np.isfinite(score):
            scores.setdefault(results.keys[place], []).append(score)
    return scores


def answered_scores(answer: Mapping[str, Any], report: Report) -> Scores:
    """The scores in what `run_dry_run` returned, on 0..1."""
    low, high = report.run.reward_range
    scores: dict[str, list[float]] = {}
    for sample in answer["samples"]:
        if sample["score"] is not None:
            score = (sample["score"] - low) / (high - low)
            scores.setdefault(fingerprint(sample["prompt"]), []).append(score)
    return scores


def _figures(values: Sequence[float]) -> PromptFigures:
    rounded = {round(value, DECIMALS) for value in values}
    mean = round(float(np.mean(values)), DECIMALS)
    return PromptFigures(mean=mean, differ=len(rounded) > 1 if len(values) > 1 else None)


def _difference(before: Baseline, now: Baseline, name: str) -> Difference | None:
    numbers = {key: place for place, key in enumerate(sorted({*before.prompts, *now.prompts}))}
    (first, first_prompt), (second, second_prompt) = (
        _column(side.prompts, name, numbers) for side in (before, now)
    )
    shared = np.intersect1d(first_prompt, second_prompt)
    measure = paired_difference if shared.size >= 2 else unpaired_difference
    return measure(first, first_prompt, second, second_prompt)


def _column(
    prompts: Mapping[str, PromptFigures], name: str, numbers: Mapping[str, int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """One figure of each prompt that has it, and the prompts' numbers."""
    values = {numbers[key]: getattr(figures, name) for key, figures in prompts.items()}
    known = {number: float(value) for number, value in values.items() if value is not None}
    return np.array(list(known.values()), np.float64), np.array(list(known), np.int64)
