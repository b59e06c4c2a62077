"""A run through the Batch API: what is asked goes out in parts, is waited for, comes back as samples.

Whatever ends the process, the batches go on at the endpoint, and the next session of the run collects
them (see `dryrun.engine.batch_records`). Nothing here cancels a batch: what it has answered is paid for
anyway.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from dryrun.core.config import BatchConfig
from dryrun.core.errors import ModelError, StoreError
from dryrun.core.paths import hosted
from dryrun.core.records import Sample
from dryrun.engine.batch_records import FOLDER, BatchPart, Parts, PartState, open_parts, others_open
from dryrun.engine.plan import Ask
from dryrun.models import Model
from dryrun.models.batch_api import QUEUE_FULL, Batch, BatchLimits, BatchStatus, fill, read_row
from dryrun.models.client import CallFaultError, HttpAnswer
from dryrun.models.endpoint import BatchRow, EndpointModel
from dryrun.models.faults import Fault, FaultKind
from dryrun.models.request import RequestSize
from dryrun.store.runs import Run

LIMITS = BatchLimits()
NO_SUCH_METHOD = frozenset({404, 405, 501})

Say = Callable[[str], None]
Keep = Callable[[], Awaitable[None]]
Room = Callable[[Sequence[RequestSize], Sequence[RequestSize]], int]
"""(sizes under way, sizes asked) -> how many of those asked the budget leaves room for."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How often a batch is looked at, in seconds, and how many looks in a row may fail.

    A batch of some rows is often done within a minute, one of thousands within hours: the looks begin
    close together and grow apart.
    """

    first: float = 1.0
    factor: float = 1.4
    longest: float = 60.0
    patience: int = 60


PACING = Pacing()


class BatchRun:
    """The batches of one run, those of earlier sessions included.

    Parameters
    ----------
    run : Run
        Held by the caller.
    model : EndpointModel
    window : str or None
        How long the endpoint may take for what is submitted from now on. None: submit nothing, only
        collect what earlier sessions submitted.

    Attributes
    ----------
    under_way : int
        Requests whose answers have not been handed over yet.
    left : int
        Requests that were not submitted because the budget has no room.
    """

    def __init__(self, run: Run, model: EndpointModel, window: str | None) -> None:
        self._model, self._window = model, window
        self._parts = Parts(run)
        known = self._parts.read()
        self._open = open_parts(known)
        self._next = max((part.number for part in known), default=-1) + 1
        self._asked = Counter(key for part in known if part.state is PartState.COLLECTED for key in part.keys)
        model.leave_out(name for part in known for name in part.left_out)
        self._asks: dict[str, Ask] = {}
        self._waiting: deque[Ask] = deque()
        self._seen: dict[str, Batch] = {}
        self._others: set[str] = set()
        self._full = False
        self._failed_looks = 0
        self.under_way = self.left = 0

    def claim(self, asks: Sequence[Ask]) -> list[Ask]:
        """Take on all of these that go through batches; the others, to be asked call by call, come back.

        What another run has under way, say one with fewer prompts or another grader, is waited for too.
        """
        self._asks = {ask.key: ask for ask in asks}
        if self._window is not None and not hosted():
            shared = [
                part for part in others_open(self._parts.run) if not self._asks.keys().isdisjoint(part.keys)
            ]
            self._others = {part.batch for part in shared}
            self._open += shared
        held = {key for part in self._open for key in part.keys if key in self._asks}
        self.under_way = len(held)
        rest = [ask for ask in asks if ask.key not in held]
        if self._window is None:
            return rest
        self._waiting.extend(rest)
        return []

    async def samples(self, say: Say, keep: Keep, room: Room | None = None) -> AsyncGenerator[Sample]:
        """Submit what waits and hand over every answer as its batch ends, failed ones included.

        Parameters
        ----------
        say : callable
            Called with one sentence about what is going on.
        keep : callable
            Puts everything handed over so far on disk.
        room : callable, optional
            What the budget leaves room for. Default: everything.

        Raises
        ------
        ModelError
            The endpoint has no Batch API, refused the batch, or every row met the same fatal fault.
        StoreError
            The disk is full.
        """
        self._open = [await self._submitted(part) for part in self._open]
        pause = PACING.first
        while True:
            await self._submit(say, room)
            ended = await self._look(say)
            for part, batch in ended:
                hopeless: Fault | None = None
                async for sample, fatal in self._collect(part, batch):
                    hopeless = hopeless or fatal
                    if sample is not None:
                        yield sample
                await keep()
                self._settle(part)
                if hopeless is not None and not self._open:
                    raise self._model.fatal(hopeless)
            if not (self._open or self._waiting):
                return
            pause = PACING.first if ended else min(pause * PACING.factor, PACING.longest)
            await asyncio.sleep(pause)

    async def _submit(self, say: Say, room: Room | None) -> None:
        if room is not None and self._waiting:
            held = [self._asks[key] for part in self._open for key in part.keys if key in self._asks]
            fits = room(self._sizes(held), self._sizes(self._waiting))
            self.left += len(self._waiting) - fits
            self._waiting = deque(itertools.islice(self._waiting, fits))
        while self._waiting and not self._full:
            say(f"Uploading a batch: {min(len(self._waiting), LIMITS.requests):,} requests.")
            part = await self._upload()
            self._open.append(await self._submitted(part, fresh=True))
            say(f"Batch submitted: {len(part.keys):,} requests.")

    def _sizes(self, asks: Collection[Ask]) -> list[RequestSize]:
        return [self._model.batch_size(ask.prompts[0][0]) for ask in asks]

    async def _upload(self) -> BatchPart:
        """Put the next file of requests at the endpoint."""
        number, token = self._next, self._parts.token(self._next)
        left_out = tuple(sorted(self._model.left_out))
        lines = (self._model.batch_line(ask.prompts[0][0], ask.rollout) for ask in self._waiting)
        try:
            with tempfile.TemporaryFile(dir=self._parts.run.folder) as file:
                count = await asyncio.to_thread(fill, file, lines, LIMITS)
                input_file = await self._model.batches.upload(f"dryrun-{token}.jsonl", file)
        except OSError as error:
            raise StoreError(
                f"Cannot write the batch's requests below {self._parts.run.folder}: "
                f"{error.strerror or error}. Free some space, then resume."
            ) from error
        except CallFaultError as error:
            raise self._not_submitted(error.fault) from error
        asks = [self._waiting.popleft() for _ in range(count)]
        self._next = number + 1
        self.under_way += count
        keys = tuple(ask.key for ask in asks)
        window = self._window or ""
        return self._parts.save(BatchPart(number, PartState.UPLOADED, window, input_file, keys, left_out))

    async def _submitted(self, part: BatchPart, fresh: bool = False) -> BatchPart:
        """The part with its batch: the known one, else the one found by its token, else a new one."""
        if part.state is PartState.SUBMITTED:
            return part
        api, token, failures = self._model.batches, self._parts.token(part.number), 0
        while True:
            try:
                batch = None if fresh else await api.find(part.input_file, token)
            except CallFaultError as error:
                raise self._lost(part, error.fault) from error
            fresh = False
            made = batch or await api.create(part.input_file, part.window, token)
            if isinstance(made, Batch):
                return self._parts.save(replace(part, state=PartState.SUBMITTED, batch=made.id))
            failures += 1
            try:
                await api.pause_after(made, failures)
            except CallFaultError as error:
                if not made.curable:  # else it may have been made all the same
                    self._parts.save(replace(part, state=PartState.REFUSED))
                raise self._not_submitted(made) from error

    async def _look(self, say: Say) -> list[tuple[BatchPart, Batch]]:
        """Ask after every open batch; those that have ended."""
        ended = []
        for part in list(self._open):
            try:
                batch = await self._model.batches.look(part.batch)
            except CallFaultError as error:
                if part.batch in self._others and not error.fault.curable:
                    self._give_back(part, PartState.SUBMITTED)  # the other run's key is not ours
                else:
                    self._count_failed_look(part, error, say)
                continue
            self._failed_looks = 0
            self._seen[part.batch] = batch
            if batch.status is BatchStatus.FAILED:
                self._take_back(part, batch)
            elif batch.ended:
                ended.append((part, batch))
        if self._open and not self._failed_looks:
            seen = [self._seen[part.batch] for part in self._open if part.batch in self._seen]
            say(batch_words(seen, sum(len(part.keys) for part in self._open)))
        return ended

    def _count_failed_look(self, part: BatchPart, error: CallFaultError, say: Say) -> None:
        fault = error.fault
        self._failed_looks += 1
        if not fault.curable or self._failed_looks > PACING.patience:
            raise self._lost(part, fault) from error
        reason = self._model.redacted(fault.sentence()).rstrip(".")
        say(f"Batch out of sight: {reason}. It goes on at the endpoint, which is asked again.")

    def _take_back(self, part: BatchPart, batch: Batch) -> None:
        """Deal with a batch that was refused as a whole; where only room was lacking, its requests wait.

        Raises
        ------
        ModelError
            Waiting would not help.
        """
        self._give_back(part, PartState.REFUSED)
        if part.batch in self._others:
            return
        if batch.code == QUEUE_FULL and self._open:
            self._full = True
            return
        problem = self._model.redacted(batch.problem or "no reason given")
        advice = "No request was answered or paid for. Put it right, then resume."
        if batch.code == QUEUE_FULL:
            advice = "Resume when the account's other batches are done, or ask for fewer samples."
        raise ModelError(f"The endpoint refused the batch: {problem.rstrip('.')}. {advice}")

    def _give_back(self, part: BatchPart, state: PartState) -> None:
        """Let its requests wait to be submitted anew, by this run."""
        self._close(part, state)
        asks = [self._asks[key] for key in part.keys if key in self._asks]
        self.under_way -= len(asks)
        self._waiting.extendleft(reversed(asks))

    async def _collect(
        self, part: BatchPart, batch: Batch
    ) -> AsyncIterator[tuple[Sample | None, Fault | None]]:
        """Each request of a batch once: its sample, or None where it is asked again, and any fatal fault."""
        missing = {key: self._asks[key] for key in part.keys if key in self._asks}
        answered = False
        fatal: Fault | None = None
        for file in (batch.output_file, batch.error_file):
            async for key, answer in self._rows_of(part, file):
                if (ask := missing.pop(key, None)) is None:
                    continue  # told twice, or never asked
                if isinstance(answer, Fault) and answer.kind is FaultKind.FATAL:
                    fatal = fatal or answer
                else:
                    answered = True
                yield self._take(part, ask, answer), None
        for ask in missing.values():
            yield self._take(part, ask, _no_row(batch)), None
        yield None, None if answered else fatal

    def _take(self, part: BatchPart, ask: Ask, answer: HttpAnswer | Fault) -> Sample | None:
        self.under_way -= 1
        row = BatchRow(part.batch, self._asked[ask.key] + 1, frozenset(part.left_out))
        sample = self._model.take_row(ask.prompts[0][0], ask.rollout, answer, row)
        if sample is None:
            self._waiting.append(ask)
        else:
            del self._asks[ask.key]  # two other runs may have asked for it
        return sample

    async def _rows_of(self, part: BatchPart, file: str) -> AsyncIterator[tuple[str, HttpAnswer | Fault]]:
        """What the readable lines of a result file say; from its beginning again where it breaks off."""
        api, failures = self._model.batches, 0
        while file:
            try:
                async for line in api.lines(file):
                    if (row := read_row(line)) is not None:
                        yield row
            except CallFaultError as error:
                if error.fault.status in NO_SUCH_METHOD:
                    return  # expired or deleted there: its requests have no answer any more
                failures += 1
                try:
                    await api.pause_after(error.fault, failures)
                except CallFaultError:
                    raise self._lost(part, error.fault) from error
            else:
                return

    def _settle(self, part: BatchPart) -> None:
        """Close a batch whose answers are all on disk."""
        self._close(part, PartState.COLLECTED)
        self._asked.update(part.keys)
        self._full = False

    def _close(self, part: BatchPart, state: PartState) -> None:
        self._open.remove(part)
        if part.batch not in self._others:
            self._parts.save(replace(part, state=state))

    def _not_submitted(self, fault: Fault) -> ModelError:
        message = self._model.redacted(fault.message)
        if fault.status in NO_SUCH_METHOD:
            return ModelError(
                f"{self._model.base_url} has no Batch API ({fault.status}: {message}): generate call by call "
                "instead (without --batch), or use an endpoint that has one."
            )
        if fault.kind is FaultKind.REJECTED:
            return ModelError(f"The endpoint refused the batch: {self._model.redacted(fault.sentence())}.")
        return self._model.fatal(fault)

    def _lost(self, part: BatchPart, fault: Fault) -> ModelError:
        """The error for a batch that was, or may have been, submitted and cannot be looked up."""
        name = part.batch or f"with the file {part.input_file}"
        reason = self._model.redacted(fault.sentence()).rstrip(".")
        if fault.curable:
            return ModelError(f"The batch {name} is out of reach: {reason}. It goes on; resume collects it.")
        if fault.status in (401, 402, 403):
            return self._model.fatal(fault)
        return ModelError(
            f"The endpoint does not know the batch {name} any more: {reason}. Resume with the API key it was "
            f"submitted with; or delete {self._parts.folder} to pay for its responses again."
        )


def batch_run(run: Run, model: Model, batch: BatchConfig | None) -> BatchRun | None:
    """The batches of a run; None where there are none and none are to be made."""
    if not isinstance(model, EndpointModel) or not (batch or (run.folder / FOLDER).is_dir()):
        return None
    return BatchRun(run, model, batch.completion_window if batch else None)


def batch_words(batches: Collection[Batch], rows: int) -> str:
    """Where the batches stand, in one sentence that begins with what matters most."""
    order = list(BatchStatus)
    status = min((batch.status for batch in batches if not batch.ended), key=order.index, default=None)
    state = "done" if status is None else status.value.replace("_", " ")
    done = sum(batch.done for batch in batches)
    many = "Batch" if len(batches) < 2 else f"{len(batches)} batches"
    if status is None:
        return f"{many} {state}: reading {done:,} of {rows:,} answers."
    leave = "You may leave: resume, or the same command, collects it."
    return f"{many} {state}: {done:,} of {rows:,} answered. {leave}"


def _no_row(batch: Batch) -> Fault:
    """The fault of a request that no result file mentions."""
    ended = {BatchStatus.EXPIRED: "expired", BatchStatus.CANCELLED: "was cancelled"}.get(batch.status)
    if ended:
        return Fault(FaultKind.TRANSIENT, f"The batch {ended} before this request was answered")
    return Fault(FaultKind.TRANSIENT, "The batch ended without an answer to this request")
