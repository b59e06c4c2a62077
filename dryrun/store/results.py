"""What a run has stored so far: rows joined into figures, single samples to read, two runs side by side."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.analysis.figures.coverage import LEAST_PROMPTS, cut_prompts, largest_count, text_bytes
from dryrun.analysis.observations import Observations
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint, grader_fingerprint
from dryrun.core.records import (
    ANSWERED_BY,
    COUNTED_AS,
    GRADED_AGAIN,
    REMARK,
    Grade,
    GradeOutcome,
    Prompt,
    Sample,
    SampleOutcome,
)
from dryrun.core.text import inert
from dryrun.store.partition import Partition
from dryrun.store.runs import Run
from dryrun.store.schemas import GRADES, PLAN, SAMPLES, grade_from_row, prompts_from_table, sample_from_row

SAMPLE_FIGURES = ["key", "outcome", "characters", "prompt_tokens", "completion_tokens", "seconds", "note"]
GRADE_FIGURES = ["key", "outcome", "reward", "errors", "sub_rewards"]
MOST_PARTS = 32
"""Parts of a reward that are looked at; a grader that names a new one in each grade has no parts."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """One rollout as a person reads it.

    Attributes
    ----------
    prompt : Prompt
    sample : Sample
    grade : Grade or None
        None while it has not been graded.
    """

    prompt: Prompt
    sample: Sample
    grade: Grade | None


@dataclass(frozen=True, slots=True)
class Results:
    """The rollouts of a run that have ended, in sample order.

    Attributes
    ----------
    run : Run
    config : RunConfig
    rollouts : pyarrow.Table
        One row per ended rollout: the plan's columns (`dryrun.store.schemas.PLAN`), ``outcome``,
        ``characters``, ``prompt_tokens``, ``completion_tokens``, ``seconds``, ``note``, ``grade_outcome``,
        ``reward``, ``errors``, ``sub_rewards``. No texts: those are read one by one.
    topics, keys : list of str
        Topic and item key of each prompt, in sample order.
    pending : int
        Rollouts that have not ended.
    skipped : tuple of str
        Parts of the store that could not be read, one sentence each.
    texts : bool
        Whether single rollouts may be read.
    """

    run: Run
    config: RunConfig
    rollouts: pa.Table
    topics: list[str]
    keys: list[str]
    pending: int
    skipped: tuple[str, ...]
    texts: bool = True

    @property
    def duplicate_rows(self) -> int:
        """Drawn rows that repeat an earlier one."""
        return len(self.keys) - len(set(self.keys))

    def sealed(self) -> Results:
        """The same for who may see figures only: no text can be read, and topics are numbered."""
        numbers = {name: f"Topic {number}" for number, name in enumerate(sorted({*self.topics} - {""}), 1)}
        topics = [numbers.get(name, "") for name in self.topics]
        model = self.config.model.model_copy(update={"base_url": None})
        dataset = self.config.dataset.model_copy(update={"system": None})
        config = self.config.model_copy(update={"grader": {}, "model": model, "dataset": dataset})
        return replace(self, config=config, topics=topics, skipped=(), texts=False)

    def observations(self) -> Observations:
        """The figures the analysis works on, on the run's reward range mapped to 0..1.

        Equal prompts (duplicated rows) share a prompt number: they are one unit, asked more often.
        """
        prompt = self.rollouts["prompt"].to_numpy().astype(np.int64)
        _, unit = np.unique(np.array(self.keys, dtype=object), return_inverse=True)
        low, high = self.config.reward_range
        reward = _floats(self.rollouts["reward"])
        tokens = _floats(self.rollouts["completion_tokens"])
        characters = _floats(self.rollouts["characters"])
        score = (reward - low) / (high - low)
        score[self.withheld() | self.cut()] = np.nan
        return Observations(
            score=score,
            prompt=unit.astype(np.int64)[prompt],
            topic=np.array(self.topics, dtype=object)[prompt],
            outcome=np.array(self.rollouts["outcome"].to_pylist(), dtype=object),
            length=characters if np.isnan(tokens).any() else tokens,
            grader_error=self._grader_errors(reward),
            unstable=self._unstable(),
            commonest_error=self._commonest_error(),
            truths=pc.sum(self._remarked(COUNTED_AS)).as_py() or 0,
            parts=self._parts(np.isfinite(reward)),
            answered_by=self._answered_by(),
            reward_range=(low, high),
        )

    @property
    def grading(self) -> tuple[str, tuple[float, float]]:
        """What decides the scores: the grader's fingerprint, and the scale they are read on."""
        return grader_fingerprint(self.config), self.config.reward_range

    def withheld(self) -> Bools:
        """Which rollouts a content filter of the endpoint withheld: they have no score."""
        withheld = pc.equal(self.rollouts["outcome"], SampleOutcome.FILTERED.value)
        return np.array(withheld.to_pylist(), bool)

    def cut(self) -> Bools:
        """Which rollouts answer a prompt that the server cut to its context: they have no score."""
        tokens, prompt = _floats(self.rollouts["prompt_tokens"]), self.rollouts["prompt"].to_numpy()
        most = largest_count(tokens)
        if np.unique(prompt[most]).size < LEAST_PROMPTS:
            return np.zeros(tokens.shape, bool)
        shorter = np.flatnonzero(np.isfinite(tokens) & ~most)[:COMPARED]
        positions = np.concatenate([np.flatnonzero(most), shorter])
        prompts = self._prompts(prompt[positions].tolist())
        size = {index: text_bytes(asked.messages) for index, asked in prompts.items()}
        sizes = np.array([size[index] for index in prompt[positions]], float)
        per_token = sizes[most.sum() :] / np.maximum(tokens[shorter], 1.0)
        usual = float(np.median(per_token)) if per_token.size else None
        cut = np.zeros(tokens.shape, bool)
        cut[most] = cut_prompts(tokens[most], sizes[: most.sum()], usual)
        return cut

    def _grader_errors(self, reward: Floats) -> Bools:
        """Which grades carry an error that is more than a remark."""
        errors = [text or "{}" for text in self.rollouts["errors"].to_pylist()]
        remarks = [text != "{}" and set(json.loads(text)) == {REMARK} for text in errors]
        return np.array([text != "{}" for text in errors], bool) & ~(
            np.array(remarks, bool) & np.isfinite(reward)
        )

    def _commonest_error(self) -> str:
        """What most of the failing grades say; its sort alone where each says something else."""
        if not self.texts:  # a grader's words may repeat the prompt
            return ""
        counted = Counter(text for text in self.rollouts["errors"].to_pylist() if text and text != "{}")
        occurrences: Counter[str] = Counter()
        for text, count in counted.items():
            for name, words in orjson.loads(text).items():
                occurrences[str(words)] += count if name != REMARK else 0
        sorts: Counter[str] = Counter()
        for words, count in occurrences.items():
            sorts[_sort_of(words)] += count
        if not occurrences.total():
            return ""
        sort, count = sorts.most_common(1)[0]
        words = max((error for error in occurrences if _sort_of(error) == sort), key=occurrences.__getitem__)
        return inert(words if 2 * occurrences[words] >= count else sort)

    def _answered_by(self) -> tuple[tuple[str, int], ...]:
        """The models that answered, ``""`` for the one asked for or none named; none of a sealed run."""
        named: Counter[str] = Counter()
        answered = pc.equal(self.rollouts["outcome"], SampleOutcome.ANSWERED.value)
        for note in self.rollouts["note"].filter(answered).value_counts().to_pylist() if self.texts else ():
            words = (note["values"] or "").partition(ANSWERED_BY)[2].removeprefix("another model, ")
            named[words.partition("; ")[0].strip("'\"")] += note["counts"]
        return tuple((inert(name), count) for name, count in named.most_common())

    def _parts(self, rewarded: Bools) -> dict[str, Floats]:
        """The parts of the rewards by name; NaN where a grade has none or no reward."""
        written = self.rollouts["sub_rewards"].to_pylist()
        parts: dict[str, Floats] = {}
        for place in np.flatnonzero(rewarded):
            text = written[place]
            for name, value in orjson.loads(text).items() if text and text != "{}" else ():
                if name not in parts and len(parts) == MOST_PARTS:
                    continue
                part = parts.setdefault(name, np.full(len(written), np.nan))
                part[place] = value if isinstance(value, int | float) else np.nan
        return parts

    def _remarked(self, words: str) -> pa.ChunkedArray:
        """Whose errors say this."""
        return pc.fill_null(pc.match_substring(self.rollouts["errors"], words), False)

    def _unstable(self) -> tuple[int, ...]:
        """Dataset rows (from 1) of rollouts whose second grading came out otherwise."""
        prompts = self.rollouts["prompt"].filter(self._remarked(GRADED_AGAIN))
        if not len(prompts):
            return ()
        rows = self.run.prompt_columns(["row"])["row"].take(prompts)
        return tuple(row + 1 for row in rows.to_pylist())

    def inspect(self, indices: Sequence[int]) -> list[Inspected]:
        """The rollouts at these positions of `rollouts`, whole, in the given order.

        Raises
        ------
        DryRunError
            Only figures may be seen.
        """
        if not self.texts:
            raise DryRunError("Only the figures of this run may be seen, no prompts and no responses.")
        planned = self.run.plan()
        if planned is None or not len(indices):
            return []
        _, samples, grades = planned
        rows = self.rollouts.take(pa.array(indices, pa.int64()))
        sample_rows = _by_key(samples, SAMPLES.names, rows["sample_key"])
        grade_rows = _by_key(grades, GRADES.names, rows["grade_key"])
        prompts = self._prompts(rows["prompt"].to_pylist())
        return [
            Inspected(
                prompts[row["prompt"]],
                _sample(row, sample_rows),
                grade_from_row(grade_rows[row["grade_key"]]) if row["grade_key"] in grade_rows else None,
            )
            for row in rows.select(PLAN.names).to_pylist()
        ]

    def _prompts(self, indices: Sequence[int]) -> dict[int, Prompt]:
        wanted = sorted(set(indices))
        table = self.run.prompt_columns().take(pa.array(wanted, pa.int64()))
        return dict(zip(wanted, prompts_from_table(table), strict=True))


COMPARED = 200
"""Shorter prompts whose bytes per token are looked at."""


def load_results(run: Run) -> Results:
    """Join what the run's partitions hold now.

    A rollout has ended when its call failed for good in this run, or its response has a grade or
    was tried to be graded; the others are pending and enter no figure.
    """
    head = run.prompt_columns(["key", "topic"])
    planned = run.plan()
    config = run.config()
    topics, keys = head["topic"].to_pylist(), head["key"].to_pylist()
    if planned is None:
        total = len(keys) * config.sampling.rollouts
        nothing = _join(*(schema.empty_table() for schema in (PLAN, SAMPLES, GRADES)))
        return Results(run, config, nothing, topics, keys, total, ())
    plan, samples, grades = planned
    joined = _join(
        plan,
        samples.read(SAMPLE_FIGURES, plan["sample_key"]),
        grades.read(GRADE_FIGURES, plan["grade_key"]),
    )
    failed = pc.equal(joined["outcome"], SampleOutcome.FAILED.value)
    graded = pc.is_valid(joined["grade_outcome"])
    ended = joined.filter(
        pc.fill_null(pc.or_(failed, pc.and_(graded, pc.is_valid(joined["outcome"]))), False)
    )
    skipped = (*samples.skipped, *grades.skipped)
    return Results(run, config, ended, topics, keys, joined.num_rows - ended.num_rows, skipped)


def _join(plan: pa.Table, samples: pa.Table, grades: pa.Table) -> pa.Table:
    sampled = samples.take(pc.index_in(plan["sample_key"], value_set=samples["key"].combine_chunks()))
    graded = grades.take(pc.index_in(plan["grade_key"], value_set=grades["key"].combine_chunks()))
    joined = plan
    for name in SAMPLE_FIGURES[1:]:
        joined = joined.append_column(name, sampled[name])
    joined = joined.append_column("grade_outcome", graded["outcome"])
    reward = pc.if_else(pc.equal(graded["outcome"], GradeOutcome.UNGRADED.value), None, graded["reward"])
    joined = joined.append_column("reward", reward).append_column("errors", graded["errors"])
    return joined.append_column("sub_rewards", graded["sub_rewards"])


def _by_key(partition: Partition, columns: list[str], keys: pa.ChunkedArray) -> dict[str, dict[str, object]]:
    table = partition.read(columns, keys.combine_chunks())
    return {row["key"]: row for row in table.to_pylist()}


def _sort_of(error: str) -> str:
    """``"line 2: KeyError"`` of ``"line 2: KeyError: 'answer'"``."""
    sort = re.match(r"(?:line \d+: )?[^\s:]+", error)
    return sort[0] if sort else ""


def _sample(row: Mapping[str, Any], stored: Mapping[str, Mapping[str, Any]]) -> Sample:
    """The stored sample of a rollout; one that failed where its file was damaged or pruned since."""
    key = row["sample_key"]
    if key in stored:
        return sample_from_row(stored[key])
    error = "This response is gone: its file was damaged or deleted. The same command, or Resume, asks again."
    return Sample(key, row["rollout"], SampleOutcome.FAILED, error=error)


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = pc.cast(column, pa.float64()).to_numpy()
    return values


@dataclass(frozen=True, slots=True)
class Side:
    """One run's scores with prompts numbered in common."""

    results: Results
    seen: Observations
    prompt: Ints


def sides(first: Results, second: Results) -> tuple[Side, Side]:
    """Both runs' scores; equal messages have equal prompt numbers, whatever else the rows hold."""
    names = [_asked(results) for results in (first, second)]
    numbers = {name: number for number, name in enumerate(sorted({*names[0], *names[1]}))}
    made = []
    for results, own in zip((first, second), names, strict=True):
        of_prompt = np.array([numbers[name] for name in own], dtype=np.int64)
        at = results.rollouts["prompt"].to_numpy().astype(np.int64)
        made.append(Side(results, results.observations(), of_prompt[at]))
    return made[0], made[1]


def _asked(results: Results) -> list[str]:
    """What names each prompt as the model sees it."""
    items = results.run.prompt_columns(["item"])["item"].to_pylist()
    fields = (orjson.loads(item) for item in items)
    return [fingerprint([item.get("messages"), item.get("tools")]) for item in fields]
