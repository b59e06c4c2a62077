"""Where the session keeps the dataset that a person dropped: on Home or on New run."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

from dryrun.app.shared.widgets import Upload, kept_upload

TYPES = ["jsonl", "ndjson", "json", "parquet", "csv", "tsv", "arrow", "feather", "gz", "zst", "bz2"]
SOURCE, FILE = "dataset_source", "dataset_file"
"""Where the session keeps which source is used, and the upload."""
DROPPED = "dataset_dropped"
"""Set while a file has just been dropped on Home."""


class DatasetSource(StrEnum):
    """Where the dataset comes from."""

    SAMPLE = "sample"
    UPLOAD = "upload"
    PLACE = "place"


def use_upload(_: Upload) -> None:
    """From now on the uploaded file is the dataset."""
    st.session_state[SOURCE] = DatasetSource.UPLOAD


def drop_zone(label: str) -> None:
    """Draw a place to drop a dataset; a file that is taken leads to New run, where it is in force."""
    kept_upload(label, TYPES, FILE, then=_take_along)
    if st.session_state.pop(DROPPED, False):
        st.switch_page("pages/configure.py")


def _take_along(upload: Upload) -> None:
    use_upload(upload)
    st.session_state[DROPPED] = True
