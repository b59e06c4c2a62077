"""Watching a live run for the moment when its verdict has settled; this never stops the run."""

from __future__ import annotations

import contextlib
import threading
import time

import numpy as np

from dryrun.analysis.early_stop import Look, Settled, look, schedule, settle
from dryrun.core.config import ModelKind
from dryrun.core.errors import DryRunError
from dryrun.core.thresholds import Thresholds
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run, RunStatus

SECONDS = 5.0
"""Between two readings of the run's files, at least."""
MOST_RESPONSES = 50_000
"""Larger runs are not watched: joining their rows again and again would cost more than it saves."""


class SettledWatch:
    """Looks at a run as it grows; may be asked from several threads.

    Parameters
    ----------
    run : Run
    seconds : float
        Between two readings, and before the first: a run that is over by then needs no early end.
    """

    def __init__(self, run: Run, seconds: float = SECONDS) -> None:
        self._run, self._limits, self._seconds = run, Thresholds(), seconds
        config = run.config()
        self._rollouts = config.sampling.rollouts
        self._planned = run.prompt_columns(["row"]).num_rows
        watched = config.model.kind is not ModelKind.IMPORTED and config.model.batch is None
        small = self._planned * self._rollouts <= MOST_RESPONSES
        self._waiting = list(schedule(self._planned)) if watched and small else []
        self._looks: list[Look] = []
        self._read = -seconds
        self._busy = threading.Lock()
        self._thread: threading.Thread | None = None
        self.latest: Settled | None = None

    def check(self, status: RunStatus) -> Settled | None:
        """What is known, after a look where one is due (tens of milliseconds)."""
        if self._due(status) and self._busy.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._busy.release()
        return self.latest

    def follow(self, status: RunStatus) -> Settled | None:
        """What is known now; a look that is due is taken on a thread of its own."""
        if self._due(status) and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self.check, args=(status,), daemon=True)
            self._thread.start()
        return self.latest

    def close(self) -> None:
        """Wait for a look under way."""
        if self._thread is not None:
            self._thread.join(10.0)

    def _due(self, status: RunStatus) -> bool:
        ended = status.graded + status.failed + status.ungraded
        return (
            bool(self._waiting)
            and ended >= self._waiting[0] * self._rollouts
            and min(time.monotonic() - self._read, time.time() - status.started) >= self._seconds
        )

    def _look(self) -> None:
        self._read = time.monotonic()
        with contextlib.suppress(DryRunError):
            results = load_results(self._run)
            observed, position = results.observations(), results.rollouts["prompt"].to_numpy()
            complete = self._complete(results)
            while self._waiting and self._waiting[0] <= complete:
                first = position < self._waiting.pop(0)
                self._looks.append(self._look_at(observed.score[first], observed.prompt[first]))
            self.latest = settle(self._looks, self._planned)

    def _look_at(self, score: np.ndarray, prompt: np.ndarray) -> Look:
        """A look; without enough scores it agrees with no other."""
        missing = float(np.isnan(score).mean())
        seen = look(score, prompt, self._limits) if missing <= self._limits.max_missing else None
        return seen or Look(int(np.unique(prompt).size), False, 0.0)

    def _complete(self, results: Results) -> int:
        """The number of prompts, from the first on, whose responses have all ended."""
        ended = np.bincount(results.rollouts["prompt"].to_numpy(), minlength=self._planned)
        short = np.flatnonzero(ended < self._rollouts)
        return int(short[0]) if short.size else self._planned
