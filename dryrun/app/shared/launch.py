"""Starting a run that is prepared and going to its page; and the dataset that a person dropped before."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.access.account import holders, may_start, visitor
from dryrun.app.shared.access.spent import check_calls, check_stored, note_calls
from dryrun.app.shared.session import LAUNCH_ERROR, RUN, store
from dryrun.app.shared.widgets import Upload, error_kept, forget_upload, kept_upload, show_error
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.engine.budget import Budget
from dryrun.engine.prepare import Prepared, start
from dryrun.graders.judge_access import JudgeAccess
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
        run = _unfinished(prepared) or _started(prepared)  # a full disk is said here
        if source is not None:
            carry(source, run)
    except DryRunError as error:
        show_error(error)
        return
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


READ = "JSONL, JSON, CSV, TSV, Parquet{arrow}, also packed (.gz, .zst, .bz2)"
TYPES = ["jsonl", "ndjson", "json", "parquet", "csv", "tsv", "gz", "zst", "bz2"]
ARROW_TYPES = ["arrow", "feather"]
SOURCE, FILE = "dataset_source", "dataset_file"
"""Where the session keeps which source is used, and the upload."""
DROPPED = "dataset_dropped"
"""Set while a file has just been dropped on Home."""


class DatasetSource(StrEnum):
    """Where the dataset comes from."""

    SAMPLE = "sample"
    UPLOAD = "upload"
    PLACE = "place"
    GONE = "gone"
    """A copied run's dataset that is not kept here: until another one is chosen there is none."""


def use_source(source: DatasetSource) -> None:
    """From now on the dataset comes from there; a file that is used no more does not stay on the page."""
    st.session_state[SOURCE] = source
    if source is not DatasetSource.UPLOAD:
        forget_upload(FILE)


def use_upload(_: Upload) -> None:
    """From now on the uploaded file is the dataset."""
    use_source(DatasetSource.UPLOAD)


def taken_upload(label: str, then: Callable[[Upload], None] = use_upload) -> Upload | None:
    """Draw a place to drop a dataset that names what is read; the file, once there is one."""
    read = READ.format(arrow="" if hosted() else " or Arrow")
    return kept_upload(f"{label}: {read}", upload_types(), FILE, then=then)


def upload_types() -> list[str]:
    """The endings of the files that are read."""
    # A shared server reads no Arrow: how much it unpacks to is not known before.
    return TYPES if hosted() else TYPES + ARROW_TYPES


def drop_zone(label: str) -> None:
    """Draw a place to drop a dataset; a file that is taken leads to New run, where it is in force."""
    taken_upload(label, _take_along)
    if st.session_state.pop(DROPPED, False):
        st.switch_page("pages/configure.py")


def _take_along(upload: Upload) -> None:
    use_upload(upload)
    st.session_state[DROPPED] = True
