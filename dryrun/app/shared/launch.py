"""Starting a run that is prepared, and going to its page."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.access.identity import holders, may_start, visitor
from dryrun.app.shared.access.spent import check_calls, check_stored, note_calls
from dryrun.app.shared.session import LAUNCH_ERROR, RUN, store
from dryrun.app.shared.widgets import error_kept, show_error
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.engine.budget import Budget
from dryrun.engine.prepare import Prepared, start
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.store.access import give_to, owned_runs
from dryrun.store.labels import carry
from dryrun.store.runs import Run, list_runs, unfinished_run


def launch(
    prepared: Prepared,
    api_key: str = "",
    judge: JudgeAccess | None = None,
    source: Run | None = None,
    budget: Budget | None = None,
) -> None:
    """Start the run and go to its page; a run of the same configuration that is not finished is resumed.

    `source` is the run whose responses are graded anew: people's labels of them are taken over. Who may
    not start runs reads why, and stays.
    """
    try:
        may_start()
        calls = _calls(prepared, judge, source)
        if hosted():
            check_calls(visitor(), calls)
            check_stored(owned_runs(list_runs(store()), holders()))
    except DryRunError as error:
        show_error(error)
        return
    run = _unfinished(prepared) or _started(prepared)
    if source is not None:
        carry(source, run)
    judge_key = judge.api_key if judge else ""
    batch = prepared.config.model.batch
    with error_kept(LAUNCH_ERROR):
        jobs.start_job(run, api_key=api_key, judge_key=judge_key, owner=visitor(), batch=batch, budget=budget)
        note_calls(visitor(), calls)
    st.switch_page("pages/run.py", query_params={RUN: run.id})


def _calls(prepared: Prepared, judge: JudgeAccess | None, source: Run | None) -> int:
    """The largest number of calls to the model and to judges that a run takes, retries left aside."""
    responses = len(prepared.prompts) * prepared.config.sampling.rollouts
    return responses * ((source is None) + (judge is not None))


def _started(prepared: Prepared) -> Run:
    run = start(store(), prepared)
    if hosted():
        give_to(run, visitor())
    return run


def _unfinished(prepared: Prepared) -> Run | None:
    live_runs = [Run(store(), job.dryrun_id) for job in jobs.live() if not hosted() or job.owner in holders()]
    for run in live_runs:
        if run.folder.is_dir() and run.config().asks_the_same(prepared.config):
            return run
    # Where strangers share a server, nobody is given another person's run.
    return None if hosted() else unfinished_run(store(), prepared.config)
