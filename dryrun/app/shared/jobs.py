"""Live runs: each on a daemon thread with its own event loop, so that it outlives the page and the tab.

Live runs are found in the process's own list of threads. Any visitor of a Streamlit server can clear its
caches, and an edited source file replaces its modules; a thread survives both, so a live run can always
be found, watched and cancelled. The work that is done is on disk. Nothing here imports Streamlit.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from dryrun.app.shared.access.spent import allowance
from dryrun.core.config import BatchConfig
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.core.text import plural
from dryrun.engine.budget import Budget
from dryrun.engine.work import TRYING, work_on
from dryrun.store.runs import Run, RunStatus

MAX_LIVE = 3
"""Live runs per process. Each keeps its own connections, and the embedded model needs the processor."""

MAX_WAITING = 20
"""The same for runs that wait for batches: they may take a day, and need almost nothing meanwhile."""

EXIT_SECONDS = 3.0
"""How long the process, at its end, waits for its runs to write their results."""

ENDING_SECONDS = 30.0
"""How long a run that is started again waits for the end of its last session."""

ENDS_WITHIN = 600.0
"""How long after its last response a run of another process is asked whether it is still worked on."""

FIRST_SCORES = 8
"""The number of scores from which on figures are worth drawing."""

IDLE_SECONDS = 5.0
"""Seconds between two looks at a run that ended: another person may resume it."""

Work = Callable[..., Coroutine[Any, Any, RunStatus]]

_starting = threading.Lock()
_log = logging.getLogger(__name__)


class Job(threading.Thread):
    """One run being worked on.

    Parameters
    ----------
    run_id : str
    folder : str
        The run's folder, which tells apart equal ids in different data directories.
    owner : str
        The hash of the person who started it.
    work : callable
        Does the run; called with `notify`. Nothing else in the job holds the API key.
    waits : bool
        Whether it goes through batches, and so waits most of the time.
    budget : Budget, optional
        What it may spend.
    """

    def __init__(
        self,
        run_id: str,
        folder: str,
        owner: str,
        work: Work,
        *,
        waits: bool = False,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(name=f"dryrun-{run_id[:8]}", daemon=True)
        self.dryrun_id = run_id
        self.dryrun_folder = folder
        self.owner = owner
        self.waits = waits
        self.budget = budget or Budget()
        self.latest = RunStatus(RunState.RUNNING, message="Starting.", started=time.time())
        self._work: Work | None = work
        self._asked_to_stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[RunStatus] | None = None

    def run(self) -> None:
        """The thread's body."""
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            pass  # the state on disk is CANCELLED
        except DryRunError as error:
            _log.warning("run %s stopped: %s", self.dryrun_id[:8], error)
        except Exception:
            _log.exception("run %s ended by a fault", self.dryrun_id[:8])
        finally:
            self._work = None  # the key goes with it

    def cancel(self) -> None:
        """Ask the job to end; it writes its results first. May be called at any time, from any thread."""
        self._asked_to_stop.set()
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed: the job is over
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def _main(self) -> None:
        assert self._work is not None
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._work(notify=self._notify))
        if self._asked_to_stop.is_set():
            self._task.cancel()
        await self._task

    def _notify(self, status: RunStatus) -> None:
        self.latest = status


def live() -> list[Job]:
    """The jobs of this process.

    Recognised by an attribute, not by their class: after an edit of this file there are two classes `Job`.
    """
    return [thread for thread in threading.enumerate() if hasattr(thread, "dryrun_id") and thread.is_alive()]  # type: ignore[misc]


def find(run: Run) -> Job | None:
    """The live job of this run; None if this process has none."""
    folder = str(run.folder.resolve())
    return next((job for job in live() if job.dryrun_folder == folder), None)


def start_job(
    run: Run,
    *,
    api_key: str = "",
    judge_key: str = "",
    owner: str = "",
    batch: BatchConfig | None = None,
    budget: Budget | None = None,
) -> Job:
    """Start a job that works on `run` until it ends; if there is one already, return that.

    Parameters
    ----------
    run : Run
        New, or one to resume.
    api_key, judge_key : str
        Held by the job only: never stored, logged or shown.
    owner : str
        The hash of the person who starts it.
    batch : BatchConfig, optional
        Ask for missing responses through the Batch API. Default: call by call.
    budget : Budget, optional
        What the run may spend, over all its sessions. Default: no limit.

    Raises
    ------
    DryRunError
        `MAX_LIVE` runs are live already, or `MAX_WAITING` that wait for batches; hosted, one of the visitor.
    """
    ending = find(run)
    if ending is not None and not ending.latest.live:
        ending.join(ENDING_SECONDS)  # it has said its last word, and grades answers that check the grader
    with _starting:
        known = find(run)
        if known is not None:
            return known
        most = MAX_LIVE if batch is None else MAX_WAITING
        if sum(job.waits == (batch is not None) for job in live()) >= most:
            raise DryRunError(
                f"{most} runs{'' if batch is None else ' that wait for batches'} are live on this server "
                "already. Wait for one to end, or cancel one. This run is kept; start it from its page then."
            )
        work = partial(work_on, run, api_key=api_key, judge_key=judge_key, batch=batch, budget=budget)
        own = sum(job.owner == owner and not job.waits for job in live())
        if hosted() and batch is None and own >= allowance().live:
            raise DryRunError(
                f"You have {plural(own, 'live run')} on this shared server already. Wait for one to end, or "
                "cancel it. This run is kept; start it from its page then."
            )
        folder = str(run.folder.resolve())
        job = Job(run.id, folder, owner, work, waits=batch is not None, budget=budget)
        job.start()
        return job


def status(run: Run) -> RunStatus:
    """The run's status: from memory while it is live in this process, else from disk.

    It is live until its work has ended, here or in another process: the answers that its grader is tried on,
    which a verdict rests on too, are graded after the last response.
    """
    job = find(run)
    latest = run.status() if job is None else job.latest
    if latest.live or (job is None and not _ends_elsewhere(run, latest)):
        return latest
    return replace(latest, state=RunState.RUNNING, message=TRYING)


def _ends_elsewhere(run: Run, latest: RunStatus) -> bool:
    """Whether another process still works on a run that has all its responses."""
    return time.time() - latest.updated < ENDS_WITHIN and run.held()


def next_look(status: RunStatus, often: float) -> float | None:
    """Seconds until a page looks at the run again: `often` while it is live; None where all is done."""
    if status.live:
        return often
    done = status.state is RunState.FINISHED and not (status.failed or status.ungraded)
    return None if done else IDLE_SECONDS


def turned(before: RunStatus, now: RunStatus) -> bool:
    """Whether a page that was drawn for `before` is out of date: the run has begun, ended, or both."""
    return before.live != now.live or (not now.live and before.updated != now.updated)


def outgrown(before: RunStatus, now: RunStatus) -> bool:
    """Whether figures drawn for `before` are out of date: the run has `turned`, or twice as many scores."""
    return turned(before, now) or now.graded >= max(FIRST_SCORES, 2 * before.graded)


def cancel(run: Run) -> None:
    """Cancel the run if this process is working on it."""
    job = find(run)
    if job is not None:
        job.cancel()


def stop_all() -> None:
    """Cancel every live run and wait up to `EXIT_SECONDS` for them to write their results."""
    jobs = live()
    for job in jobs:
        job.cancel()
    deadline = time.monotonic() + EXIT_SECONDS
    for job in jobs:
        job.join(max(0.0, deadline - time.monotonic()))


# `atexit` comes after the threads that write results have been shut down: a run would end by a fault.
getattr(threading, "_register_atexit", atexit.register)(stop_all)
