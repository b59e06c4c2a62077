"""One session of a run: open its model and its grader, run the pipeline, grade the anchors."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from dataclasses import replace
from typing import Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.analysis.figures.coverage import observed_scale
from dryrun.core.config import BatchConfig, JudgeConfig, RunConfig
from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.records import RunState
from dryrun.core.thresholds import Thresholds
from dryrun.engine.batches import batch_run
from dryrun.engine.budget import Budget, SessionShare
from dryrun.engine.ledger import OnStatus
from dryrun.engine.pipeline import Pipeline
from dryrun.engine.plan import check_elsewhere
from dryrun.graders import Grader, build, load_grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.protocol import ReasoningCut
from dryrun.models import Model
from dryrun.models.build import build_model
from dryrun.models.endpoint import EndpointModel
from dryrun.probes.anchors import grade_anchors, keep_readings
from dryrun.probes.check_run import check_run
from dryrun.store.partition import write_aside
from dryrun.store.results import load_results
from dryrun.store.runs import SCALE, Run, RunStatus

CHECK_SECONDS = 20.0
"""How long the check of the grader that ends a run may go on."""
TRYING = "All responses are in. The grader is being tried on right and worthless answers."


class Opening:
    """Says what happens before the first call: weights being fetched, a server starting."""

    def __init__(self, run: Run, notify: OnStatus) -> None:
        self._run, self._notify = run, notify
        self._written = 0.0
        before = run.status()
        self._status = replace(
            before,
            state=RunState.RUNNING,
            message="",
            started=before.started or time.time(),
            capped=False,
            first="",
        )

    def say(self, message: str) -> None:
        """Notify the callers that watch; the status on disk is written at most twice a second."""
        self._status = replace(self._status, message=message, updated=time.time())
        self._notify(self._status)
        if time.monotonic() - self._written > 0.5:
            self._run.write_status(self._status)
            self._written = time.monotonic()

    def end(self, state: RunState, message: str) -> RunStatus:
        """Write that the session ended before the pipeline, or without its last word."""
        self._status = replace(self._run.status(), state=state, message=message, capped=False)
        with contextlib.suppress(StoreError):  # a full disk was the reason already given
            self._run.write_status(self._status)
        self._notify(self._status)
        return self._status

    def cancelled(self) -> None:
        """Write that the session was cancelled before the pipeline could say how it ended."""
        if self._run.status().state not in (RunState.CANCELLED, RunState.FINISHED):
            self.end(RunState.CANCELLED, "Cancelled before it began. Resume goes on.")


def build_grader(config: RunConfig, judge: JudgeAccess | None = None) -> Grader:
    """The grader a configuration names, not yet opened."""
    grader = build(load_grader(config.grader), timeout=config.grade_timeout, judge=judge)
    return ReasoningCut(grader) if config.cut_reasoning else grader


AsConfigured = Literal["as configured"]


async def work_on(
    run: Run,
    *,
    api_key: str = "",
    judge_key: str = "",
    notify: OnStatus | None = None,
    model: Model | None = None,
    budget: Budget | None = None,
    batch: BatchConfig | AsConfigured | None = "as configured",
    preflight: bool = True,
    share: SessionShare | None = None,
    check: bool = True,
) -> RunStatus:
    """Do what is left to do of `run`. Call it again to go on after anything that ended it.

    Parameters
    ----------
    run : Run
    api_key, judge_key : str
        For the endpoint and the judge's; kept in memory only.
    notify : callable, optional
        Called with every change of the run's status, from any thread.
    model : Model, optional
        Where responses come from. Default: the one the run's configuration names.
    budget : Budget, optional
        What the run may spend, over all its sessions. Default: no cap.
    batch : BatchConfig or None, optional
        Whether to ask through the Batch API; None: call by call. Default: as the run's configuration says.
        Batches that were submitted before are collected in either case.
    preflight : bool
        Whether an endpoint is asked for the first missing response alone, so that a wrong key or model costs
        one call. Never through the Batch API, nor where responses come from elsewhere.
    share : SessionShare, optional
        What this session may use of a budget and endpoints that other sessions use too. `budget` is then
        what it begins with.
    check : bool
        Whether a finished run checks its grader whole. One part of a dataset after another need not.

    Returns
    -------
    RunStatus
        `FINISHED`; `CANCELLED` if stopped early; `STOPPED` with the reason, `capped` if that is the budget.

    Raises
    ------
    DryRunError
        Somebody else is working on this run, or a cap on money lacks the prices it needs.
    asyncio.CancelledError
        After everything done so far was written.
    """
    notify = notify or (lambda _: None)
    config = run.config()
    (budget or Budget()).check_prices(config.judge is not None)
    judge = None if config.judge is None else JudgeAccess(_own_part(config.judge, share), judge_key)
    batch = config.model.batch if isinstance(batch, str) else batch
    with run.hold():
        run.go_on()
        opening = Opening(run, notify)
        try:
            await asyncio.to_thread(check_elsewhere, run)
            async with build_grader(config, judge) as grader:
                opening.say("Getting the model ready.")
                async with model or build_model(config.model, api_key, opening.say) as opened:
                    batches = batch_run(run, opened, batch)
                    if share is not None and isinstance(opened, EndpointModel):
                        share.steer(opened.pace)
                    alone = preflight and batch is None and isinstance(opened, EndpointModel)
                    pipeline = Pipeline(run, opened, grader, notify, budget, batches, judge, alone, share)
                    status = await pipeline.execute()
                    _keep_scale(run)
                    return await _anchored(run, grader, status, notify, check)
        except DryRunError as error:
            return opening.end(RunState.STOPPED, str(error))
        except asyncio.CancelledError:
            opening.cancelled()
            raise


def _keep_scale(run: Run) -> None:
    """Widen a scale that nobody declared to the rewards that came. Without it the run stands as well."""
    config = run.config()
    if not config.scale_open:
        return
    with contextlib.suppress(DryRunError):
        results = load_results(run)
        rewards = pc.fill_null(pc.cast(results.rollouts["reward"], pa.float64()), math.nan).to_numpy()
        counted = rewards[~results.withheld()]
        scale = observed_scale(config.reward_range, counted, Thresholds().max_out_of_range)
        if scale != config.reward_range:
            write_aside(run.folder / SCALE, orjson.dumps(scale))


def _own_part(judge: JudgeConfig, share: SessionShare | None) -> JudgeConfig:
    if share is None:
        return judge
    return judge.model_copy(update={"concurrency": share.part(judge.concurrency)})


async def _anchored(run: Run, grader: Grader, status: RunStatus, notify: OnStatus, check: bool) -> RunStatus:
    """Try the grader of a finished run, or one stopped early; where that costs calls, only read responses.

    The whole check is for a finished run: nobody who stops one waits for it. Without any of it the run
    stands as well.
    """
    if status.state not in (RunState.FINISHED, RunState.CANCELLED):
        return status
    with contextlib.suppress(DryRunError):
        if run.config().judge is not None:
            await asyncio.to_thread(keep_readings, run)
            return status
        if status.state is RunState.FINISHED:
            notify(replace(status, message=TRYING))
        await grade_anchors(run, grader)
    if check and status.state is RunState.FINISHED:
        with contextlib.suppress(DryRunError):
            await check_run(run, seconds=CHECK_SECONDS)
    notify(status)
    return status
