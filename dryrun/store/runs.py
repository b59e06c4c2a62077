"""Runs on disk: what was asked, how far the run got, whether somebody works on it.

Layout of ``runs/<run id>/``::

    config.json      the RunConfig; never changes
    prompts.parquet  the chosen prompts in sample order; never changes
    plan.parquet     the keys of every sample and grade the run is made of
    scale.json       lowest and highest reward, where nobody declared a scale and some lay off it
    status.json      where it stands, replaced at every flush
    attempts/        a row for every call that was made, those that failed included
    batches/         what was submitted to a Batch API (see `dryrun.engine.batch_records`)
    outcome.json     how trainings went that came after (see `dryrun.store.trainings`)
    stop             there while somebody asks the run to stop early
    lock             held by the process that is working on it
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.records import ABANDONED, Prompt, RunState
from dryrun.store.disk import lock, unwritable
from dryrun.store.order import when_made
from dryrun.store.partition import Partition, Store, table_bytes, write_aside
from dryrun.store.schemas import ATTEMPTS, prompt_table, prompts_from_table
from dryrun.store.shared import registry

NO_PARQUET = "it is missing, torn or no Parquet"
SCALE = "scale.json"
RUN_ID = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands, as plain numbers.

    Attributes
    ----------
    state : RunState
    total : int
        Rollouts the run is made of.
    sampled : int
        Rollouts with a response (reused ones included).
    graded : int
        Rollouts with a reward (reused ones included).
    failed, ungraded : int
        Rollouts whose call or whose grading failed for now; tried again on resume.
    refused : int
        Of `failed`, those whose request the endpoint rejects (400 and the like): not worth another try.
    reused : int
        Responses that were already stored and cost no call.
    calls : int
        Responses asked of the model in this session of the run.
    message : str
        One sentence: what it is doing, or why it ended.
    started, updated : float
        Seconds since the epoch.
    seconds : float
        Time spent working on the run, over all its sessions.
    rate : float
        Responses per second over the last seconds.
    attempts, answers : int
        Calls made to the base model over all sessions, and those that were the last for their sample.
    prompt_tokens, completion_tokens : int
        As the endpoint counted them, over all sessions.
    judged, judge_prompt_tokens, judge_completion_tokens : int
        The same for judges and models that embed: calls, those that failed included, and their tokens.
    batched, batch_prompt_tokens, batch_completion_tokens : int
        Of `attempts` and the tokens, those that went through batches, at half the price.
    abandoned : int
        Calls of both kinds that were cut off when the run ended, in no other count.
    capped : bool
        Whether it stopped because a cap of its budget was met.
    first : str
        The first answer of the session with its tokens, price and score, as one sentence; ``""`` before.
    """

    state: RunState
    total: int = 0
    sampled: int = 0
    graded: int = 0
    failed: int = 0
    ungraded: int = 0
    refused: int = 0
    reused: int = 0
    calls: int = 0
    message: str = ""
    started: float = 0.0
    updated: float = 0.0
    seconds: float = 0.0
    rate: float = 0.0
    attempts: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    judged: int = 0
    judge_prompt_tokens: int = 0
    judge_completion_tokens: int = 0
    batched: int = 0
    batch_prompt_tokens: int = 0
    batch_completion_tokens: int = 0
    abandoned: int = 0
    capped: bool = False
    first: str = ""

    @property
    def live(self) -> bool:
        """Whether somebody is working on it."""
        return self.state is RunState.RUNNING

    @property
    def all_calls(self) -> int:
        """Calls to the base model and to judges, over all sessions, however they ended."""
        return self.attempts + self.judged + self.abandoned

    @property
    def worth_resuming(self) -> bool:
        """Whether another session may finish the run."""
        again = bool(self.failed - self.refused or self.ungraded)
        if self.state is RunState.FINISHED:
            return again
        return again or self.failed == 0 or self.sampled > 0

    def another_session(self, total: int) -> RunStatus:
        """Where the run stands as work on it begins: what was spent goes on, what is done is counted anew."""
        return replace(
            self,
            state=RunState.RUNNING,
            total=total,
            **dict.fromkeys(("sampled", "graded", "failed", "ungraded", "reused", "calls"), 0),
            message="Generating and grading.",
            started=self.started or time.time(),
            rate=0.0,
            capped=False,
            first="",
        )


STATUS = TypeAdapter(RunStatus)


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the data directory."""

    store: Store
    id: str
    folder: Path = field(init=False, compare=False, repr=False)
    """Its folder. Made once: a run that makes thousands of calls a second asks for it at each."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.store.runs / self.id)

    @classmethod
    def create(
        cls, store: Store, config: RunConfig, prompts: Sequence[Prompt], *, claimed: bool = False
    ) -> Run:
        """A new run with an id of 128 random bits: who knows it may see the run.

        `claimed`: nobody else finds it free before this process works on it.
        """
        run = cls(store, secrets.token_hex(16))
        if claimed:
            run.claim()
        write_aside(run.folder / "prompts.parquet", table_bytes(prompt_table(prompts)))
        write_aside(run.folder / "config.json", config.model_dump_json(indent=2).encode())
        total = len(prompts) * config.sampling.rollouts
        run.write_status(
            RunStatus(RunState.INTERRUPTED, total, message="Not started yet.", started=time.time())
        )
        return run

    @classmethod
    def open(cls, store: Store, run_id: str) -> Run:
        """The run named `run_id`.

        Raises
        ------
        DryRunError
            `run_id` is not a run id, or no such run is in this data directory.
        """
        if RUN_ID.match(run_id):
            registry.pull(store.runs / run_id)
        if not RUN_ID.match(run_id) or not (store.runs / run_id / "config.json").is_file():
            raise DryRunError(
                f"There is no run {run_id[:40]!r} in this data directory. "
                "Check the link, or set DRYRUN_DATA to the directory that holds it."
            )
        return cls(store, run_id)

    def config(self) -> RunConfig:
        """What was asked, on the scale that its rewards have shown where nobody declared one."""
        try:
            config = RunConfig.model_validate_json((self.folder / "config.json").read_bytes())
        except OSError as error:
            raise self._damaged("config.json", error.strerror or str(error)) from error
        except ValidationError as error:
            raise self._damaged("config.json", error.errors()[0]["msg"]) from error
        with contextlib.suppress(OSError, ValueError, TypeError):
            if config.scale_open:
                low, high = orjson.loads((self.folder / SCALE).read_bytes())
                config = config.model_copy(update={"reward_range": (float(low), float(high))})
        return config

    def prompts(self) -> list[Prompt]:
        """The chosen prompts, in sample order."""
        return prompts_from_table(self.prompt_columns())

    def prompt_columns(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The prompts as a table (schema `dryrun.store.schemas.PROMPTS`), restricted to `columns`."""
        registry.pull(self.folder)
        try:
            return pq.read_table(self.folder / "prompts.parquet", columns=columns, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise self._damaged("prompts.parquet", NO_PARQUET) from error

    def _damaged(self, name: str, why: str) -> StoreError:
        """The error for a file of the run that cannot be read."""
        return StoreError(
            f"Run {self.id}: its {name} cannot be read ({why}). "
            "Its command begins anew from what is stored; `runs --delete` clears this one away."
        )

    def attempts(self) -> Partition:
        """Every call that was made for this run: schema `dryrun.store.schemas.ATTEMPTS`."""
        registry.pull(self.folder)
        return Partition(self.folder / "attempts", ATTEMPTS)

    def write_plan(self, plan: pa.Table, samples: str, grades: str) -> None:
        """Keep the keys the run is made of, and in which partitions their rows are."""
        named = plan.replace_schema_metadata({"samples": samples, "grades": grades})
        write_aside(self.folder / "plan.parquet", table_bytes(named))

    def plan(self) -> tuple[pa.Table, Partition, Partition] | None:
        """The plan and its two partitions (samples, grades); None before the run first started."""
        registry.pull(self.folder)
        path = self.folder / "plan.parquet"
        if not path.is_file():
            return None
        try:
            table = pq.read_table(path, partitioning=None)
            names = table.schema.metadata or {}
            samples, grades = names[b"samples"].decode(), names[b"grades"].decode()
        except (OSError, pa.ArrowException) as error:
            raise self._damaged("plan.parquet", NO_PARQUET) from error
        except KeyError as error:
            raise self._damaged("plan.parquet", "it does not say where its rows are") from error
        planned = self.store.samples(samples), self.store.grades(grades)
        registry.check_complete(self.folder, *(partition.folder for partition in planned))
        return table, *planned

    def write_status(self, status: RunStatus) -> None:
        """Keep where the run stands."""
        write_aside(self.folder / "status.json", orjson.dumps(asdict(replace(status, updated=time.time()))))

    def status(self) -> RunStatus:
        """Where the run stands. A run that says it is running but that nobody holds is `INTERRUPTED`."""
        try:
            status = STATUS.validate_json((self.folder / "status.json").read_bytes())
        except (OSError, ValueError):
            return self._counted_again("Its status was lost; resume goes on where it was.")
        if status.live and not self.held():
            gone = "The process that ran it is gone. Resume goes on."
            return replace(status, state=RunState.INTERRUPTED, message=gone)
        return status

    def _counted_again(self, message: str) -> RunStatus:
        """Its age and what its calls have cost, from the files: a budget holds over a lost status too."""
        every = self.attempts().read(ATTEMPTS.names)
        calls = every.filter(pc.not_equal(every["outcome"], ABANDONED))
        judge = pc.fill_null(calls["judge"], False)
        base, asked = calls.filter(pc.invert(judge)), calls.filter(judge)
        batched = base.filter(pc.invert(pc.match_substring_regex(base["key"], r"-\d+-\d+$")))
        return RunStatus(
            RunState.INTERRUPTED,
            message=message,
            started=when_made(self.folder),
            attempts=base.num_rows,
            answers=pc.count_distinct(base["sample"]).as_py(),
            judged=asked.num_rows,
            batched=batched.num_rows,
            abandoned=every.num_rows - calls.num_rows,
            **_tokens(base),
            **_tokens(asked, "judge_"),
            **_tokens(batched, "batch_"),
        )

    def stop_early(self) -> None:
        """Ask the run's processes to finish the calls in flight, grade what there is, and end."""
        write_aside(self.folder / "stop", b"")

    def stop_asked(self) -> bool:
        """Whether somebody asked since the run was last started, or has taken the run over."""
        return os.path.exists(f"{self.folder}/stop") or registry.lost(self.folder)

    def go_on(self) -> None:
        """Forget that somebody asked.

        Raises
        ------
        StoreError
            The request cannot be removed.
        """
        path = self.folder / "stop"
        try:
            if path.exists():  # on a read-only disk even what is not there cannot be taken away
                path.unlink()
                registry.removed(path)
        except OSError as error:
            raise unwritable(path, error) from error

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Work on the run; nobody else can at the same time.

        Raises
        ------
        DryRunError
            Somebody else is working on it.
        """
        with _CLAIMS.pop(self.folder, None) or self._locked(), registry.hold_everywhere(self.folder):
            yield  # closing the file gives the lock back, a kill does too

    def claim(self) -> None:
        """Claim the run, to `hold` it next: from now on it is held for everybody else.

        Raises
        ------
        DryRunError
            Somebody else is working on it.
        """
        _CLAIMS[self.folder] = self._locked()

    def _locked(self) -> IO[bytes]:
        path = self.folder / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+b")
        except OSError as error:
            raise unwritable(path, error) from error
        if lock(file, exclusive=True):
            return file
        file.close()
        raise DryRunError("Somebody is already working on this run; watch it instead of starting it again.")

    def held(self) -> bool:
        """Whether somebody works on the run now, in whatever process, as far as was seen last."""
        try:
            with (self.folder / "lock").open("rb") as file:
                here = not lock(file, exclusive=False)
        except OSError:  # never worked on here, or no file to lock
            here = False
        return here or registry.held_elsewhere(self.folder)


def _tokens(calls: pa.Table, whose: str = "") -> dict[str, Any]:
    names = ("prompt_tokens", "completion_tokens")
    return {f"{whose}{name}": pc.sum(calls[name], min_count=0).as_py() for name in names}


_CLAIMS: dict[Path, IO[bytes]] = {}
"""Locks of the runs that this process has claimed and does not work on yet."""


def list_runs(store: Store) -> list[Run]:
    """All runs in the data directory, newest first."""
    registry.pull(store.runs, light=True)
    named = (path for path in store.runs.glob("*") if RUN_ID.match(path.name))
    folders = [path for path in named if (path / "config.json").is_file()]
    return [Run(store, path.name) for path in sorted(folders, key=when_made, reverse=True)]


def unfinished_run(store: Store, config: RunConfig, *, claimed: bool = False) -> Run | None:
    """The newest free and unfinished run of this configuration; kept for this process if `claimed`."""
    for run in list_runs(store):
        with contextlib.suppress(DryRunError):
            if run.config().asks_the_same(config) and not run.held():
                if run.status().state is RunState.FINISHED:
                    return None
                run.prompt_columns()  # a run that lost its prompts cannot go on
                if claimed:
                    run.claim()
                return run
    return None
