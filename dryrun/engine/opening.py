"""What a run needs before its first call: its model and its grader, and words while they are made ready."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from dryrun.core.config import RunConfig
from dryrun.core.errors import StoreError
from dryrun.core.records import RunState
from dryrun.engine.ledger import OnStatus
from dryrun.graders import Grader, build, load_grader
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.store.runs import Run, RunStatus


class Opening:
    """Says what happens before the first call: weights being fetched, a server starting."""

    def __init__(self, run: Run, notify: OnStatus) -> None:
        self._run, self._notify = run, notify
        self._written = 0.0
        before = run.status()
        self._status = replace(
            before, state=RunState.RUNNING, message="", started=before.started or time.time(), capped=False
        )

    def say(self, message: str) -> None:
        """Tell whoever watches; the disk hears it at most twice a second."""
        self._status = replace(self._status, message=message, updated=time.time())
        self._notify(self._status)
        if time.monotonic() - self._written > 0.5:
            self._run.write_status(self._status)
            self._written = time.monotonic()

    def end(self, state: RunState, message: str) -> RunStatus:
        """It did not get as far as the pipeline, or the pipeline could not speak for itself."""
        self._status = replace(self._run.status(), state=state, message=message, capped=False)
        with contextlib.suppress(StoreError):  # a full disk was the reason already given
            self._run.write_status(self._status)
        self._notify(self._status)
        return self._status


def judge_of(config: RunConfig, judge_key: str) -> JudgeAccess | None:
    """Where a configuration's judges are asked; None where none is."""
    return None if config.judge is None else JudgeAccess(config.judge, judge_key)


def build_grader(config: RunConfig, judge: JudgeAccess | None = None) -> Grader:
    """The grader a configuration names, not yet opened."""
    return build(load_grader(config.grader), timeout=config.grade_timeout, judge=judge)
