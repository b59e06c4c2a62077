"""A whole dataset profiled: few responses to every row, more where the class is undecided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from dryrun.analysis.training.profile import DatasetProfile, PromptCounts, joined_counts, profile_of
from dryrun.core.arrays import Ints
from dryrun.core.config import MAX_ROLLOUTS, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.core.text import plural
from dryrun.dataset import Dataset
from dryrun.dataset.row_marks import row_marks
from dryrun.engine.budget import Budget, tokens_of
from dryrun.engine.prepare import Prepared, prepare
from dryrun.engine.profile.count import count_run, kept_counts
from dryrun.engine.profile.shards import SHARD_ROWS, Shards
from dryrun.engine.profile.tally import with_marks
from dryrun.engine.work import work_on
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus

OnShard = Callable[[RunStatus], None]
SPENT = (
    *("attempts", "answers", "judged", "batched", "abandoned", "prompt_tokens", "completion_tokens"),
    *("judge_prompt_tokens", "judge_completion_tokens", "batch_prompt_tokens", "batch_completion_tokens"),
)
"""Fields of a status that say what was spent."""


@dataclass(frozen=True, slots=True)
class Stages:
    """How many responses a prompt gets.

    Attributes
    ----------
    first : int
        Responses to every prompt.
    most : int
        Responses to a prompt whose class stays undecided: `first` is doubled until then.
    group : int
        Responses to a prompt in training.
    shard_rows : int
        Rows that are asked, and held in memory, at once.
    """

    first: int = 2
    most: int = 8
    group: int = 8
    shard_rows: int = SHARD_ROWS

    def rounds(self) -> list[int]:
        """Responses to a prompt after each round.

        Raises
        ------
        DryRunError
            A number is out of range.
        """
        if not 1 <= self.first <= self.most <= MAX_ROLLOUTS:
            raise DryRunError(
                f"{self.first} responses first and at most {self.most} cannot be: give 1 to {MAX_ROLLOUTS}, "
                "the first no larger than the most."
            )
        steps = [self.first]
        while steps[-1] < self.most:
            steps.append(min(2 * steps[-1], self.most))
        return steps


@dataclass(frozen=True, slots=True)
class WholeProfile:
    """The profile of a whole dataset, as far as it got.

    Attributes
    ----------
    profile : DatasetProfile
        One row for each row of the dataset that has counts, in the order of the file.
    spent : RunStatus
        What all shards have spent together.
    complete : bool
        Whether every row was asked.
    message : str
        Why it is not complete, or why undecided prompts got no more; ``""`` otherwise.
    outcome : str
        What says that a response is right.
    """

    profile: DatasetProfile
    spent: RunStatus
    complete: bool
    message: str
    outcome: str


class Hands(Protocol):
    """Work on several shards at once, somewhere."""

    def asked(
        self, profiler: Profiler, todo: Iterable[tuple[int, Ints]], responses: int
    ) -> AsyncIterator[tuple[int, PromptCounts]]:
        """Ask these rows for up to `responses` responses each; give each shard's counts as it is done.

        Raises
        ------
        DryRunError
            The model, the grader, the disk or a worker gave up; the same call goes on.
        """


@dataclass
class Profiler:
    """One session of a whole profile.

    Parameters
    ----------
    store : Store
        The data directory.
    dataset : Dataset
    grader : mapping or str
        As for `dryrun.engine.prepare.prepare`.
    options : mapping
        Further arguments of `prepare`: ``model``, ``sampling`` (its seed alone counts), ``reward_range``,
        ``grade_timeout``, ``judge``, ``cut_reasoning``.
    stages : Stages
    budget : Budget
        Over all shards and sessions.
    outcome : str
        What says that a response is right; ``""``: guessed on the first shard.
    work : mapping
        Arguments of `dryrun.engine.work.work_on`: ``api_key``, ``judge_key``, ``batch``.
    notify : callable, optional
        Gets the status of the shard that is worked on, with its number in the message.
    hands : Hands, optional
        Work on several shards at once. Default: one after the other, in this process.

    Attributes
    ----------
    shards : Shards
    spent_by : dict
        The status of each run of each shard, by its id.
    message : str
        Why there is not more; ``""`` while there may be.
    """

    store: Store
    dataset: Dataset
    grader: Mapping[str, Any] | str
    options: Mapping[str, Any] = field(default_factory=dict)
    stages: Stages = field(default_factory=Stages)
    budget: Budget = field(default_factory=Budget)
    outcome: str = ""
    work: Mapping[str, Any] = field(default_factory=dict)
    notify: OnShard = lambda _: None
    hands: Hands | None = None

    def __post_init__(self) -> None:
        first = self.prepared(np.zeros(1, np.int64), self.stages.first)
        self.shards = Shards.of(self.store, self.dataset, first.config, self.stages.shard_rows)
        self.spent_by = {run.id: status for run, status in self.shards.statuses()}
        self.message = ""

    def plan_words(self) -> str:
        """What will be asked, in one sentence."""
        rows, shards, stages = len(self.shards.order), len(self.shards), self.stages
        more = f", up to {stages.most} where the class is undecided" if stages.most > stages.first else ""
        return (
            f"{plural(rows, 'different row')} in {plural(shards, 'shard')}, {stages.first} responses to "
            f"each{more}: {rows * stages.first:,} responses first. Ctrl-C stops; the same command goes on."
        )

    async def run(self) -> WholeProfile:
        """Ask what is left to ask, and profile what there is.

        Raises
        ------
        DryRunError
            The model, the grader or the disk gave up; the same call goes on.
        """
        first, *more = self.stages.rounds()
        every = ((shard, self.shards.rows(shard)) for shard in range(len(self.shards)))
        done = {shard: counts async for shard, counts in self._asked(every, first)}
        parts = dict(sorted(done.items()))
        complete = len(parts) == len(self.shards)
        for responses in more if complete else ():
            if not await self._more(parts, responses):
                break
        whole = self._profile(list(parts.values()))
        return WholeProfile(whole, self.spent(), complete, self.message, self.shards.outcome() or "")

    def spent(self, without: str = "") -> RunStatus:
        """What the runs of all shards have spent, less the run with this id."""
        others = [status for name, status in self.spent_by.items() if name != without]
        sums = {name: sum(getattr(status, name) for status in others) for name in SPENT}
        return RunStatus(RunState.INTERRUPTED, **sums)

    async def _more(self, parts: dict[int, PromptCounts], responses: int) -> bool:
        """One more round for undecided prompts, into `parts`; whether there may be another."""
        chosen = self.shards.round(responses)
        if chosen is None:
            chosen = _undecided(joined_counts(list(parts.values())), self.stages.group)
            self.shards.keep_round(responses, chosen)
        allowed = self._allowed(responses, parts)
        if len(chosen) > allowed:
            self.message = (
                f"The budget has room to ask {allowed:,} of {len(chosen):,} undecided prompts up to "
                f"{responses} times. A higher budget goes on."
            )
        wanted = chosen[:allowed]
        rows = {shard: counts.row[np.isin(counts.row, wanted)] for shard, counts in parts.items()}
        todo = [(shard, some) for shard, some in sorted(rows.items()) if len(some)]
        done = 0
        async for shard, better in self._asked(todo, responses):
            parts[shard] = _updated(parts[shard], better)
            done += 1
        return bool(len(wanted)) and done == len(todo) and len(chosen) <= allowed

    async def _asked(
        self, todo: Iterable[tuple[int, Ints]], responses: int
    ) -> AsyncIterator[tuple[int, PromptCounts]]:
        """Shards with these rows asked so often, as they are done; fewer once the budget is spent."""
        if self.hands is not None:
            async for shard, counts in self.hands.asked(self, todo, responses):
                yield shard, counts
            return
        for shard, rows in todo:
            counted = await self._shard(shard, rows, responses)
            if counted is None:
                return
            yield shard, counted

    def _allowed(self, responses: int, parts: Mapping[int, PromptCounts]) -> int:
        """The number of prompts that the budget lets go up to `responses`, by what a response cost so far."""
        here = {run.id for run, _ in self.shards.statuses() if run.config().sampling.rollouts >= responses}
        spent = {name: status for name, status in self.spent_by.items() if name not in here}
        sums = {name: sum(getattr(status, name) for status in spent.values()) for name in SPENT}
        before = RunStatus(RunState.INTERRUPTED, **sums)
        answers = max(before.answers, 1)
        each = responses // 2  # a round doubles, or less
        calls, tokens = before.all_calls, tokens_of(before)
        cost = self.budget.prices.cost(before) or 0.0
        rooms = [
            (cap - used) / (used / answers * each) if used else np.inf
            for cap, used in (
                (self.budget.calls, calls),
                (self.budget.tokens, tokens),
                (self.budget.cost, cost),
            )
            if cap is not None
        ]
        most = sum(len(part.row) for part in parts.values())
        return int(max(min([most, *rooms]), 0))

    async def _shard(self, shard: int, rows: Ints, responses: int) -> PromptCounts | None:
        """Ask these rows of a shard for up to `responses` each, and count; None once the budget is spent."""
        prepared = self.prepared(rows, responses)
        run = self.shards.run(shard, prepared)
        status = run.status()
        if status.state is not RunState.FINISHED or status.worth_resuming:
            worked = await self._work(run, shard, responses)
            if worked is None:
                return None
            status = worked
        counts = self.counts_of(run)
        return await self._counted(run) if counts is None else counts

    def counts_of(self, run: Run) -> PromptCounts | None:
        """The counts of a run that has ended, if they are there."""
        return kept_counts(run, self.right_words() or "")

    def right_words(self) -> str | None:
        """What says that a response is right; None before it is known."""
        return self.outcome or self.shards.outcome()

    async def _counted(self, run: Run) -> PromptCounts:
        counts, words = await count_run(run, self.right_words())
        self.know(words)
        return counts

    def know(self, words: str) -> None:
        """Keep what says that a response is right, once it was guessed."""
        if self.shards.outcome() is None:
            self.shards.keep_outcome(words)

    async def _work(self, run: Run, shard: int, responses: int) -> RunStatus | None:
        budget = self._left(run)
        if budget is None:
            self.message = self.message or "The budget is spent. A higher one goes on."
            return None
        words = f"Shard {shard + 1:,} of {len(self.shards):,}, {responses} responses each: "

        def notify(status: RunStatus) -> None:
            self.notify(replace(status, message=words + status.message))

        status = await work_on(run, notify=notify, budget=budget, check=False, **self.work)
        self.spent_by[run.id] = status
        if status.capped:
            self.message = status.message
            return None
        if status.state is not RunState.FINISHED:
            raise DryRunError(status.message)
        return run.status()

    def _left(self, run: Run) -> Budget | None:
        """What this run may spend: the budget less what the other runs have; None if that is nothing."""
        budget, others = self.budget, self.spent(run.id)
        cost = budget.prices.cost(others) or 0.0
        used = {"calls": others.all_calls, "tokens": tokens_of(others), "cost": cost}
        left = {name: getattr(budget, name) for name in used}
        left = {name: None if cap is None else cap - used[name] for name, cap in left.items()}
        if any(cap is not None and cap <= 0 for cap in left.values()):
            return None
        return budget.model_copy(update=left)

    def prepared(self, rows: Ints, responses: int) -> Prepared:
        sampling = self.options.get("sampling") or SamplingConfig()
        more = {**self.options, "sampling": sampling.model_copy(update={"rollouts": responses})}
        return prepare(self.dataset, self.grader, rows=rows.tolist(), **more)

    def _profile(self, parts: Sequence[PromptCounts]) -> DatasetProfile:
        """Every row of the dataset that has counts; equal rows have those of the one that was asked."""
        if not parts:
            raise DryRunError(f"No prompt has been asked yet. {self.message}".strip())
        counts = joined_counts(parts)
        digests = self.dataset.row_digests
        _, which = np.unique(digests, axis=0, return_inverse=True)
        place = np.full(int(which.max()) + 1, -1, np.int64)
        which = which.reshape(-1)
        place[which[counts.row]] = np.arange(len(counts.row))
        rows = np.flatnonzero(place[which] >= 0)
        whole = replace(counts.at(place[which[rows]]), row=rows)
        return profile_of(with_marks(whole, row_marks(self.dataset)), self.stages.group)


def _undecided(counts: PromptCounts, group: int) -> Ints:
    """Rows whose class more responses could change, those first whose class is least decided."""
    profile = profile_of(counts, group)
    places = np.flatnonzero(profile.undecided)
    need = np.nan_to_num(profile.sure[places], nan=0.0)
    order = np.lexsort((counts.key[places], need))
    rows: Ints = counts.row[places][order]
    return rows


def _updated(counts: PromptCounts, better: PromptCounts) -> PromptCounts:
    """`counts` with the rows of `better` in their place."""
    both = joined_counts([counts, better])
    places = np.arange(len(counts.row))
    where = {row: place for place, row in enumerate(better.row.tolist(), len(counts.row))}
    chosen = np.array([where.get(row, place) for place, row in zip(places, counts.row.tolist(), strict=True)])
    kept = both.at(chosen)
    # Only the first round grades references.
    reference = np.where(np.isnan(kept.reference), counts.reference, kept.reference)
    return replace(kept, reference=reference)
