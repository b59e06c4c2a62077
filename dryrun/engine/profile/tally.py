"""From a run to counts: how often each prompt was answered right, its tokens, its flags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dryrun.analysis.observations import Observations
from dryrun.analysis.training.profile import PromptCounts, RowFlag
from dryrun.analysis.training.record import choose_outcome, own_rewards
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.records import Prompt, SampleOutcome
from dryrun.dataset import dataset_from_items
from dryrun.dataset.row_marks import RowMarks, row_marks
from dryrun.probes.anchors import run_references
from dryrun.probes.read_responses import read_all
from dryrun.probes.reference_scores import load_reference_grades
from dryrun.store.results import Results

AT_A_TIME = 10_000
"""Responses whose texts are in memory at once."""
REFUSALS = (SampleOutcome.REFUSED.value, SampleOutcome.FILTERED.value)
DECIMALS = 6


def tally(results: Results, outcome: str = "") -> PromptCounts:
    """Count a run's responses, one row for each prompt, in sample order.

    Parameters
    ----------
    results : Results
    outcome : str
        What says that a response is right, as `choose_outcome` reads it; ``""``: guessed.

    Returns
    -------
    PromptCounts
        `alike` and the flags about other rows are those of `with_marks`: here each row is alone.

    Raises
    ------
    DryRunError
        The outcome is not a part of the grades.
    """
    seen = results.observations()
    right = choose_outcome(seen, outcome).right(seen)
    score = own_rewards(seen)
    own = np.isfinite(score) & np.isfinite(right) & _counted_once(results, seen.prompt)
    units, unit_of = np.unique(np.array(results.keys, dtype=object), return_inverse=True)
    sums = _Sums(seen.prompt, len(units))
    values = np.where(own, score, 0.0)
    lowest, highest = np.full(len(units), np.inf), np.full(len(units), -np.inf)
    np.minimum.at(lowest, seen.prompt[own], score[own])
    np.maximum.at(highest, seen.prompt[own], score[own])
    read = _read(results, seen, right, own)
    head = results.run.prompt_columns(["row"])["row"].to_numpy()
    names, topic = np.unique(np.array(results.topics, dtype=object).astype(str), return_inverse=True)
    counts = PromptCounts(
        key=np.array(results.keys, dtype="S32"),
        row=head.astype(np.int64),
        topic=topic.astype(np.int64),
        right=sums.of(np.where(own, right, 0.0)).astype(np.int64)[unit_of],
        tried=sums.of(own).astype(np.int64)[unit_of],
        total=sums.of(values)[unit_of],
        square=sums.of(values * values)[unit_of],
        differs=(highest - lowest > 10**-DECIMALS)[unit_of],
        prompt_tokens=sums.mean(_column(results, "prompt_tokens"))[unit_of],
        completion_tokens=sums.mean(_column(results, "completion_tokens"))[unit_of],
        reference=_reference_scores(results),
        alike=head.astype(np.int64),
        flags=_flags(seen, sums, read)[unit_of],
        topics=tuple(names.tolist()),
    )
    return replace(counts, flags=counts.flags | _unstable_rows(seen, counts.row))


def _counted_once(results: Results, prompt: Ints) -> Bools:
    """Which rollouts count: rows that repeat a prompt share its responses, and each of these is one."""
    samples = results.rollouts["sample_key"].combine_chunks().dictionary_encode().indices.to_numpy()
    pairs = np.column_stack([prompt, samples])
    _, first = np.unique(pairs, axis=0, return_index=True)
    once = np.zeros(len(pairs), bool)
    once[first] = True
    return once


class _Sums:
    """Sums over the rollouts of each prompt."""

    def __init__(self, prompt: Ints, prompts: int) -> None:
        self._prompt, self._prompts = prompt, prompts

    def of(self, value: Floats | Bools) -> Floats:
        """The sum; shape ``(prompts,)``."""
        return np.bincount(self._prompt, value, self._prompts).astype(np.float64)

    def mean(self, value: Floats) -> Floats:
        """The mean of what is not NaN; NaN where all is."""
        known = np.isfinite(value)
        often = self.of(known)
        sums, unknown = self.of(np.where(known, value, 0.0)), np.full(often.size, np.nan)
        means: Floats = np.divide(sums, often, out=unknown, where=often > 0)
        return means


def _column(results: Results, name: str) -> Floats:
    values: Floats = results.rollouts[name].cast(pa.float64()).to_numpy()
    return values


def _flags(seen: Observations, sums: _Sums, read: tuple[Bools, Bools]) -> Ints:
    right_unpaid, unstable = read
    without = np.isin(seen.outcome, [SampleOutcome.FAILED.value]) | (
        ~np.isfinite(seen.score) & ~np.isin(seen.outcome, REFUSALS)
    )
    marks = (
        (RowFlag.RIGHT_UNPAID, right_unpaid),
        (RowFlag.UNSTABLE, unstable),
        (RowFlag.CUT_OFF, seen.outcome == SampleOutcome.TRUNCATED.value),
        (RowFlag.REFUSED, np.isin(seen.outcome, REFUSALS)),
        (RowFlag.NO_SCORE, without),
    )
    flags = [flag.value * (sums.of(where.astype(bool)) > 0).astype(np.int64) for flag, where in marks]
    total: Ints = np.sum(flags, axis=0)
    return total


def _unstable_rows(seen: Observations, row: Ints) -> Ints:
    """The flag of rows whose second grading came out otherwise; observed rows count from 1."""
    return RowFlag.UNSTABLE.value * np.isin(row + 1, np.array(seen.unstable, np.int64)).astype(np.int64)


def _reference_scores(results: Results) -> Floats:
    kept = load_reference_grades(results.run)
    scores = {} if kept is None else kept.scores(results.config.reward_range)
    return np.array([scores.get(key, np.nan) for key in results.keys], np.float64)


def _read(results: Results, seen: Observations, right: Floats, own: Bools) -> tuple[Bools, Bools]:
    """Per rollout: right to a careful reader and unpaid; the same text had another outcome before."""
    unpaid, unstable = np.zeros(own.size, bool), np.zeros(own.size, bool)
    prompts = results.run.prompts()
    references = {prompt.key: text for prompt, text in run_references(results.run, prompts)}
    place = results.rollouts["prompt"].to_numpy()
    outcomes: dict[tuple[int, int], float] = {}
    for rows, texts in _texts(results, np.flatnonzero(own)):
        wrong: list[tuple[int, tuple[Prompt, str]]] = []
        for row, text in zip(rows, texts, strict=True):
            if text is None:
                continue
            name = (int(seen.prompt[row]), hash(text))
            unstable[row] = outcomes.setdefault(name, right[row]) != right[row]
            if right[row] == 0.0 and prompts[place[row]].key in references and text:
                wrong.append((row, (prompts[place[row]], text)))
        says = read_all([pair for _, pair in wrong], references)
        unpaid[[row for (row, _), correct in zip(wrong, says, strict=True) if correct]] = True
    return unpaid, unstable


def _texts(results: Results, rows: NDArray[np.intp]) -> Iterator[tuple[list[int], list[str | None]]]:
    """The texts of these rollouts, a part at a time; None where there is none to read."""
    planned = results.run.plan()
    if planned is None:
        return
    _, samples, _ = planned
    for start in range(0, len(rows), AT_A_TIME):
        some = rows[start : start + AT_A_TIME]
        keys = results.rollouts["sample_key"].take(pa.array(some)).combine_chunks()
        table = samples.read(["key", "text", "tool_calls"], keys)
        # What a tool call says is not in the text: such a response is not read.
        texts = [
            text if calls in ("[]", None) else None for text, calls in _pairs(table, "text", "tool_calls")
        ]
        known = dict(zip(table["key"].to_pylist(), texts, strict=True))
        yield some.tolist(), [known.get(key) for key in keys.to_pylist()]


def _pairs(table: pa.Table, first: str, second: str) -> Iterator[tuple[str | None, str | None]]:
    yield from zip(table[first].to_pylist(), table[second].to_pylist(), strict=True)


def with_marks(counts: PromptCounts, marks: RowMarks) -> PromptCounts:
    """The counts with what other rows make of each.

    Parameters
    ----------
    counts : PromptCounts
        Its rows are positions in what `marks` looked at.
    marks : RowMarks
    """
    at = counts.row
    pairs = (
        (RowFlag.REPEATED, marks.repeated),
        (RowFlag.NEAR_DUPLICATE, marks.near),
        (RowFlag.CONTRADICTION, marks.contradicts),
        (RowFlag.ANSWER_IN_PROMPT, marks.answer_in_prompt),
    )
    flags = sum((flag.value * where[at].astype(np.int64) for flag, where in pairs), counts.flags)
    return replace(counts, alike=marks.alike[at], flags=flags)


def with_own_marks(results: Results, counts: PromptCounts) -> PromptCounts:
    """The same for a run whose dataset is not at hand: its drawn rows are compared with one another."""
    order = np.argsort(counts.row, kind="stable")
    prompts = results.run.prompts()
    marks = row_marks(dataset_from_items([prompts[place].item for place in order]))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    marked = with_marks(replace(counts, row=places), marks)
    return replace(marked, row=counts.row, alike=counts.row[order][marked.alike])
