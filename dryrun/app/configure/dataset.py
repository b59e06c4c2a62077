"""Choosing a dataset: the sample, an upload, or a path on this machine; and what is in it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import streamlit as st

from dryrun.app.configure.columns import columns_form
from dryrun.app.shared.widgets import Upload, kept_upload, pick_kind, show_error
from dryrun.core.config import DEFAULT_SAMPLE_SIZE
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted, sample_data_dir
from dryrun.core.records import Item
from dryrun.core.text import cut, plain, plural
from dryrun.dataset import Dataset, read_dataset
from dryrun.dataset.audit import AuditCode, AuditFinding, audit
from dryrun.dataset.columns import BY_NAME, ColumnMap
from dryrun.dataset.hub.remote import ROWS_PER_PROMPT, first_of_hub, pool_size, read_hub
from dryrun.dataset.hub.splits import SCHEME
from dryrun.dataset.read import first_rows

TYPES = ["jsonl", "ndjson", "json", "parquet", "csv"]
Version = tuple[int, int] | None
Chosen = Path | Upload | str
"""A file, or the address of a dataset on the Hub."""
PREVIEW_ROWS = 5
AUTOMATIC = "(automatic: topic, or metadata.topic)"


class DatasetSource(StrEnum):
    """Where the dataset comes from."""

    SAMPLE = "Sample data"
    UPLOAD = "Upload a file"
    PATH = "Path on this machine"
    HUB = "Hugging Face"


def sample_dataset_path() -> Path:
    """The dataset that comes with the project."""
    return sample_data_dir() / "reasoning.jsonl"


def sample_dataset() -> Dataset:
    """The dataset that comes with the project, read once per process."""
    return _from_path(sample_dataset_path())


def dataset_section() -> Dataset | None:
    """Draw the section and return the dataset; None while none is chosen or it cannot be used."""
    own = (DatasetSource.PATH, DatasetSource.HUB)  # the files and the token of whoever runs the server
    sources = [source for source in DatasetSource if source not in own or not hosted()]
    source = pick_kind("Dataset", sources, "dataset_source")
    try:
        chosen = _chosen_file(source)
        if chosen is None:
            return None
        columns = BY_NAME if source is DatasetSource.SAMPLE else columns_form(_first(chosen))
        dataset = _with_topics(chosen, columns)
        _summary(dataset)
        _audit_section(dataset, source, columns)
    except DryRunError as error:
        show_error(error)
        return None
    return dataset


def _chosen_file(source: DatasetSource) -> Chosen | None:
    if source is DatasetSource.SAMPLE:
        return sample_dataset_path()
    if source is DatasetSource.UPLOAD:
        hint = "One row per prompt: messages, prompt, question or the like, and any fields your grader "
        hint += "compares with. At most 20 MB; "
        hint += "on your own machine a larger file is read by its path."
        return kept_upload("JSONL, Parquet, CSV or a JSON list", TYPES, "dataset_file", hint)
    if source is DatasetSource.HUB:
        return _hub_address()
    given = st.text_input(
        "Path",
        key="dataset_path",
        persist_state="session",
        placeholder="/home/me/data/train.jsonl",
        help="JSONL is read in place, so it may be larger than memory.",
    ).strip()
    path = Path(os.path.expanduser(given))  # leaves a home that is unknown as it is, for the sentence below
    if given and not path.is_file():
        raise DryRunError(f"There is no file at {given}. Check the path; a folder will not do.")
    return path if given else None


def _hub_address() -> str | None:
    given = st.text_input(
        "Name",
        key="dataset_hub",
        persist_state="session",
        placeholder=f"{SCHEME}openai/gsm8k:main/train",
        help="OWNER/NAME, then @REVISION and :SPLIT if you like. Of a large dataset a part is read, "
        "enough for the sample. HF_TOKEN opens private ones.",
    ).strip()
    return f"{SCHEME}{given.removeprefix(SCHEME)}" if given else None


def _first(chosen: Chosen) -> list[Item]:
    """The first rows as the file has them."""
    if isinstance(chosen, str):
        return _first_of_hub(chosen)
    if isinstance(chosen, Upload):
        return _first_of_upload(chosen)
    return _first_of_path(chosen, _version(chosen))


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _first_of_path(path: Path, version: Version) -> list[Item]:
    return first_rows(path, path.name)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _first_of_upload(upload: Upload) -> list[Item]:
    return first_rows(upload.content, upload.name)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Asking the Hub …")
def _first_of_hub(address: str) -> list[Item]:
    return first_of_hub(address)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading from the Hub …")
def _from_hub(address: str, columns: ColumnMap, prompts: int) -> Dataset:
    return read_hub(address, columns, prompts)


def _from(chosen: Chosen, columns: ColumnMap = BY_NAME) -> Dataset:
    if isinstance(chosen, str):
        prompts = pool_size(st.session_state.get("sample_size") or DEFAULT_SAMPLE_SIZE) // ROWS_PER_PROMPT
        return _from_hub(chosen, columns, prompts)
    return _from_path(chosen, columns) if isinstance(chosen, Path) else _from_upload(chosen, columns)


def _from_path(path: Path, columns: ColumnMap = BY_NAME) -> Dataset:
    return _read_path(path, _version(path), columns)


def _version(path: Path) -> Version:
    stat = path.stat() if path.is_file() else None
    return stat and (stat.st_mtime_ns, stat.st_size)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the dataset …")
def _read_path(path: Path, version: Version, columns: ColumnMap) -> Dataset:
    """`version` is part of the cache's key: an edited file is read again."""
    return read_dataset(path, path.name, columns)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the dataset …")
def _from_upload(upload: Upload, columns: ColumnMap = BY_NAME) -> Dataset:
    return read_dataset(upload.content, upload.name, columns)


def _with_topics(chosen: Chosen, columns: ColumnMap) -> Dataset:
    dataset = _from(chosen, columns)
    if not dataset.topic_fields:
        return dataset
    field = st.selectbox(
        "Topic field",
        [AUTOMATIC, *dataset.topic_fields],
        key="topic_field",
        persist_state="session",
        help="Results are also shown topic by topic. Pick the field that names a row's topic.",
    )
    return dataset if field in (None, AUTOMATIC) else _from(chosen, replace(columns, topic_field=field))


def _summary(dataset: Dataset) -> None:
    topics = dataset.topics
    counted = plural(len(topics), "topic") if topics else "no topics"
    st.markdown(f"**{plural(len(dataset), 'row')}**, {counted}")
    for warning in dataset.warnings:
        st.warning(plain(warning, 400), icon=":material/warning:")
    with st.expander("Topics and first rows", icon=":material/table_rows:"):
        if topics:
            st.dataframe(
                {"topic": [name or "(no topic)" for name in topics], "rows": list(topics.values())},
                hide_index=True,
                width="content",
                height=min(300, 38 + 35 * len(topics)),
                alt="Rows of each topic",
            )
        st.dataframe(
            [_preview(item) for item in dataset[:PREVIEW_ROWS]],
            hide_index=True,
            alt="The first rows of the dataset",
        )


def _audit_section(dataset: Dataset, source: DatasetSource, columns: ColumnMap) -> None:
    """Draw what looks wrong between rows, and which prompts a validation file has too."""
    validation = None
    if source is not DatasetSource.SAMPLE:
        with st.expander("Validation file (optional)", icon=":material/fact_check:"):
            hint = "Rows kept for validation: prompts that are in both files are named. Nothing is run on it."
            upload = kept_upload("Validation rows", TYPES, "validation_file", hint)
            if upload is not None:
                validation = _from_upload(upload, columns)
    for finding in _audited(dataset, validation):
        if finding.code in (AuditCode.CONTRADICTIONS, AuditCode.OVERLAP):
            st.warning(plain(finding.sentence, 400), icon=":material/warning:")
        else:
            st.caption(plain(finding.sentence, 400))


@st.cache_resource(
    max_entries=16,
    ttl=3600,
    show_spinner="Comparing the rows …",
    hash_funcs={Dataset: lambda dataset: dataset.ref.fingerprint},
)
def _audited(dataset: Dataset, validation: Dataset | None) -> tuple[AuditFinding, ...]:
    return tuple(audit(dataset, validation))


def _preview(item: Item) -> dict[str, str]:
    last = item["messages"][-1].get("content")
    others = {key: _text(value) for key, value in item.items() if key != "messages"}
    return {"last message": _text(last)} | others


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cut(text, 300)
