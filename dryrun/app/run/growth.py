"""A run's scores while they come in: each part of the store is read once, and no row again.

The cost of a look depends on what is new, not on what there is. The exact figures, with anchors
and everything else that enters a verdict, are `load_results`'s.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dryrun.analysis.figures.redraw import PromptSums, mean_interval
from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, is_valid
from dryrun.core.arrays import Floats, Ints
from dryrun.core.records import SampleOutcome
from dryrun.core.text import one_line, visible
from dryrun.engine.ledger import NewParts
from dryrun.report.build import WITHHELD, Reasons, failed_words, no_grade_words
from dryrun.report.charts.precision import RunningMean
from dryrun.report.fields import Reason
from dryrun.store.partition import Partition, has_result
from dryrun.store.runs import Run
from dryrun.store.schemas import NO_ERRORS

READINGS = 60
"""Points of the running mean, over the whole run."""
LEAST_PROMPTS = 5
"""Prompts with a score from which an interval says something."""
NEWEST = 3
HEADS, HEAD = 500, 300
"""Beginnings of responses that are kept for when their grades come, and their characters."""
SMALL_PART, LATEST_PARTS = 2_000, 3
"""Texts are read from parts of at most `SMALL_PART` rows, from the `LATEST_PARTS` newest at a time."""
CENTER = 0.5

Places = Ints


@dataclass(frozen=True, slots=True)
class Newest:
    """A response that was graded a moment ago. Texts are from outside, cut, on one line.

    Attributes
    ----------
    row : int
        Of the dataset, from 1.
    topic : str or None
    prompt, response : str
    score : float
    """

    row: int
    topic: str | None
    prompt: str
    response: str
    score: float


@dataclass(frozen=True, slots=True)
class Growth:
    """What a run's scores say at one moment.

    Attributes
    ----------
    counts : tuple of int
        Scores in each of the histogram's 20 bins.
    scores : int
        Responses with a score.
    mean, std : float or None
    readings : tuple of RunningMean
        The running mean, the newest last.
    newest : tuple of Newest
        The newest first.
    reasons : tuple of Reason
        Why responses have no score, those of earlier sessions that are being tried again included.
    """

    counts: tuple[int, ...] = (0,) * (len(HISTOGRAM_EDGES) - 1)
    scores: int = 0
    mean: float | None = None
    std: float | None = None
    readings: tuple[RunningMean, ...] = ()
    newest: tuple[Newest, ...] = ()
    reasons: tuple[Reason, ...] = ()


class GrowingRun:
    """Reads a run as it grows; may be asked by several threads."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._config = run.config()
        self._busy = threading.Lock()
        self._planned: _Planned | None = None
        self.latest = Growth()

    def look(self) -> Growth:
        """What there is now; while another thread looks, what it saw last.

        Raises
        ------
        DryRunError
            A file of the run cannot be read.
        """
        if self._busy.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._busy.release()
        return self.latest

    def _look(self) -> None:
        if self._planned is None:
            planned = self._run.plan()
            if planned is None:
                return
            self._planned = _Planned(self._run, *planned, self._config.reward_range)
        if self._planned.read_new():
            self.latest = self._planned.growth()


class _Planned:
    """Everything that is known of a run's rows, by their place among the keys of its plan, sorted."""

    def __init__(
        self, run: Run, plan: pa.Table, samples: Partition, grades: Partition, scale: tuple[float, float]
    ) -> None:
        self._samples, self._grades, self._scale = NewParts(samples), NewParts(grades), scale
        self._grade_keys, first, rows = np.unique(
            np.array(plan["grade_key"].to_pylist(), dtype="S"), return_index=True, return_counts=True
        )
        self._rows = rows.astype(np.float64)
        self._sample_of = np.array(plan["sample_key"].to_pylist(), dtype=object)[first]
        self._sample_keys = np.unique(self._sample_of.astype("S"))
        self._prompt = plan["prompt"].to_numpy()[first]
        heads = run.prompt_columns(["key", "row", "topic", "item"])
        _, unit = np.unique(np.array(heads["key"].to_pylist(), dtype=object), return_inverse=True)
        self._unit = unit[self._prompt]
        self._head = heads.select(["row", "topic"]).append_column(
            "prompt", pa.array(list(map(_asked, heads["item"].to_pylist())), pa.string())
        )
        count, total, square = np.zeros((3, int(unit.max()) + 1))
        self._sums = PromptSums(count, total, square, CENTER)
        self._counts = np.zeros(len(HISTOGRAM_EDGES) - 1, np.int64)
        self._graded = np.zeros(self._grade_keys.size, bool)
        self._step = max(1, plan.num_rows // READINGS)
        self._readings: list[RunningMean] = []
        self._wrong: dict[str, str] = {}
        self._withheld: set[str] = set()
        self._reasons = Reasons()
        self._heads: OrderedDict[str, str] = OrderedDict()
        self._newest: deque[Newest] = deque(maxlen=NEWEST)

    def read_new(self) -> bool:
        """Take in the parts that came since the last time; whether there was any."""
        grades = self._grades.listed()  # first: whatever is graded by now is among the samples listed next
        samples = self._samples.listed()
        self._read_samples(samples)
        for path in grades:
            table = self._grades.partition.read_part(path, ["key", "outcome", "reward", "errors"])
            if table is not None:
                self._take_grades(table)
        return bool(grades or samples)

    def growth(self) -> Growth:
        """The figures of what was taken in."""
        scores, now = float(self._sums.count.sum()), self._reading()
        newest, reasons = tuple(reversed(self._newest)), self._reasons.commonest()
        if not scores:
            return Growth(newest=newest, reasons=reasons)
        off, square = float(self._sums.total.sum()) / scores, float(self._sums.square.sum())
        variance = (square - scores * off * off) / (scores - 1) if scores > 1 else None
        return Growth(
            counts=tuple(self._counts.tolist()),
            scores=round(scores),
            mean=round(CENTER + off, 12),  # else 0.695 is 0.70 here and 0.69 on Results
            std=None if variance is None else math.sqrt(max(variance, 0.0)),
            readings=(*self._readings, *([now] if now else [])),
            newest=newest,
            reasons=reasons,
        )

    def _read_samples(self, parts: list[Path]) -> None:
        partition = self._samples.partition
        for number, path in enumerate(parts):
            head = partition.read_part(path, ["key", "outcome", "error"])
            if head is None:
                continue
            wanted = head.filter(pa.array(_places(head["key"], self._sample_keys) >= 0))
            self._take_failures(wanted)
            if number >= len(parts) - LATEST_PARTS and head.num_rows <= SMALL_PART:
                self._keep_heads(partition.read_part(path, ["key", "text", "tool_calls"]))

    def _take_failures(self, samples: pa.Table) -> None:
        """Calls that failed or were withheld are counted; one that is answered after all is taken back."""
        answered = has_result(samples)
        for key in samples.filter(answered)["key"].to_pylist() if self._wrong else ():
            self._put_right(key)
        withheld = pc.equal(samples["outcome"], SampleOutcome.FILTERED.value)
        for row in samples.filter(pc.or_(pc.invert(answered), withheld)).to_pylist():
            if row["outcome"] == SampleOutcome.FILTERED.value:
                self._withheld.add(row["key"])
                self._put_wrong(row["key"], WITHHELD)
            else:
                self._put_wrong(row["key"], failed_words(row["error"]))

    def _put_wrong(self, key: str, words: str) -> None:
        self._put_right(key)
        self._wrong[key] = words
        self._reasons.add(words)

    def _put_right(self, key: str) -> None:
        if (words := self._wrong.pop(key, None)) is not None:
            self._reasons.add(words, -1)

    def _keep_heads(self, samples: pa.Table | None) -> None:
        for row in samples.to_pylist()[-HEADS:] if samples is not None else ():
            self._heads[row["key"]] = _head(row["text"] or row["tool_calls"] or "")
        while len(self._heads) > HEADS:
            self._heads.popitem(last=False)

    def _take_grades(self, grades: pa.Table) -> None:
        places = _places(grades["key"], self._grade_keys)
        known = places >= 0
        places, grades = places[known], grades.filter(pa.array(known))
        bare = pc.invert(has_result(grades)).to_numpy()
        for row in grades.filter(pa.array(bare)).to_pylist():
            if row["errors"] != NO_ERRORS:  # of a withheld response the sample says so
                self._put_wrong(row["key"], no_grade_words(row["errors"]))
        for key in grades.filter(pa.array(~bare))["key"].to_pylist() if self._wrong else ():
            self._put_right(key)
        score = self._scores(grades["reward"])
        score[bare] = np.nan
        self._add(places, score)
        self._note_newest(places, score)

    def _scores(self, reward: pa.ChunkedArray) -> Floats:
        low, high = self._scale
        score: Floats = (pc.cast(reward, pa.float64()).to_numpy() - low) / (high - low)
        return score

    def _add(self, places: Places, score: Floats) -> None:
        """Enter the scores that are new, a reading of the mean at every step."""
        fresh = is_valid(score) & ~self._graded[places]
        if self._withheld:
            fresh &= ~np.isin(self._sample_of[places], list(self._withheld))
        _, first = np.unique(places, return_index=True)  # a key may stand twice in a merged part
        once = np.zeros(places.size, bool)
        once[first] = True
        fresh &= once
        places, score = places[fresh], score[fresh]
        self._graded[places] = True
        for start in range(0, places.size, self._step):
            self._enter(places[start : start + self._step], score[start : start + self._step])

    def _enter(self, places: Places, score: Floats) -> None:
        unit, rows, off = self._unit[places], self._rows[places], score - CENTER
        before = int(self._sums.count.sum()) // self._step
        for sums, values in (
            (self._sums.count, rows),
            (self._sums.total, rows * off),
            (self._sums.square, rows * off**2),
        ):
            np.add.at(sums, unit, values)
        self._counts += bin_counts(np.repeat(score, rows.astype(np.int64)), HISTOGRAM_EDGES)
        reading = self._reading()
        if reading is not None and reading.scores // self._step > before:
            self._readings.append(reading)

    def _reading(self) -> RunningMean | None:
        scored = self._sums.count > 0
        if scored.sum() < LEAST_PROMPTS:
            return None
        sums = self._sums
        seen = PromptSums(sums.count[scored], sums.total[scored], sums.square[scored], CENTER)
        interval = mean_interval(seen)
        scores = float(seen.count.sum())
        mean = float(CENTER + seen.total.sum() / scores)
        return interval and RunningMean(round(scores), mean, interval.low, interval.high)

    def _note_newest(self, places: Places, score: Floats) -> None:
        """Keep the last graded responses whose beginnings are known."""
        last = [at for at in np.flatnonzero(is_valid(score))[-HEADS:] if self._key(places[at]) in self._heads]
        for at in last[-NEWEST:]:
            prompt = self._head.slice(int(self._prompt[places[at]]), 1).to_pylist()[0]
            response = self._heads[self._key(places[at])]
            self._newest.append(
                Newest(prompt["row"] + 1, prompt["topic"], prompt["prompt"], response, float(score[at]))
            )

    def _key(self, place: int) -> str:
        return str(self._sample_of[place])


def _places(keys: pa.ChunkedArray, known: NDArray[np.bytes_]) -> Places:
    """The place of each key among the sorted keys; -1 for an unknown key."""
    asked = np.array(keys.to_pylist(), dtype="S")
    places = np.searchsorted(known, asked).astype(np.int64)
    places[places == known.size] = 0
    return np.where(known[places] == asked, places, -1) if known.size else np.full(asked.size, -1)


def _asked(item: str) -> str:
    """The beginning of a row's last message."""
    content = orjson.loads(item)["messages"][-1].get("content")
    return _head(content if isinstance(content, str) else orjson.dumps(content).decode())


def _head(text: str) -> str:
    return one_line(visible(text[: 4 * HEAD]), HEAD)
