"""Where the session keeps the dataset that a person dropped: on Home or on New run."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import streamlit as st

from dryrun.app.shared.widgets import Upload, forget_upload, kept_upload
from dryrun.core.paths import hosted

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
