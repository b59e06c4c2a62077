"""Choosing a dataset: the sample, an upload, or a path on this machine; and what is in it."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from pathlib import Path

import streamlit as st

from dryrun.app.shared.widgets import Upload, kept_upload, show_error
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted, sample_data_dir
from dryrun.core.records import Item
from dryrun.core.text import cut, plain, plural
from dryrun.dataset import Dataset, read_dataset
from dryrun.dataset.audit import AuditCode, AuditFinding, audit

TYPES = ["jsonl", "ndjson", "json", "parquet", "csv"]
PREVIEW_ROWS = 5
AUTOMATIC = "(automatic: topic, or metadata.topic)"


class DatasetSource(StrEnum):
    """Where the dataset comes from."""

    SAMPLE = "Sample data"
    UPLOAD = "Upload a file"
    PATH = "Path on this machine"


def sample_dataset_path() -> Path:
    """The dataset that comes with the project."""
    return sample_data_dir() / "reasoning.jsonl"


def sample_dataset() -> Dataset:
    """The dataset that comes with the project, read once per process."""
    return _from_path(*_stamp(sample_dataset_path()), None)


def dataset_section() -> Dataset | None:
    """Draw the section; the dataset, or None while there is none to use."""
    sources = [source for source in DatasetSource if source is not DatasetSource.PATH or not hosted()]
    source = st.segmented_control(
        "Dataset",
        sources,
        default=DatasetSource.SAMPLE,
        required=True,
        key="dataset_source",
        persist_state="session",
        label_visibility="collapsed",
    )
    try:
        dataset = _chosen(DatasetSource(source))
        if dataset is None:
            return None
        dataset = _with_topics(dataset, DatasetSource(source))
        _summary(dataset)
        _audit_section(dataset, DatasetSource(source))
    except DryRunError as error:
        show_error(error)
        return None
    return dataset


def _chosen(source: DatasetSource, topic_field: str | None = None) -> Dataset | None:
    if source is DatasetSource.SAMPLE:
        return _from_path(*_stamp(sample_dataset_path()), topic_field)
    if source is DatasetSource.PATH:
        return _from_given_path(topic_field)
    upload = _upload() if topic_field is None else st.session_state.get("dataset_file_kept")
    return None if upload is None else _from_upload(upload.name, _digest(upload), upload, topic_field)


def _upload() -> Upload | None:
    hint = "One object per row: messages, and any fields your grader compares with. At most 20 MB; "
    hint += "on your own machine a larger file is read by its path."
    return kept_upload("JSONL, Parquet, CSV or a JSON list", TYPES, "dataset_file", hint)


def _from_given_path(topic_field: str | None) -> Dataset | None:
    if topic_field is None:
        st.text_input(
            "Path",
            key="dataset_path",
            persist_state="session",
            placeholder="/home/me/data/train.jsonl",
            help="JSONL is read in place, so it may be larger than memory.",
        )
    given = str(st.session_state.get("dataset_path", "")).strip()
    if not given:
        return None
    path = Path(given).expanduser()
    if not path.is_file():
        raise DryRunError(f"There is no file at {given}. Check the path; a folder will not do.")
    return _from_path(*_stamp(path), topic_field)


def _stamp(path: Path) -> tuple[str, int, int]:
    stat = path.stat() if path.is_file() else None
    return str(path), stat.st_mtime_ns if stat else 0, stat.st_size if stat else 0


def _digest(upload: Upload) -> str:
    return hashlib.sha256(upload.content).hexdigest()


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the dataset …")
def _from_path(path: str, changed: int, size: int, topic_field: str | None) -> Dataset:
    """`changed` and `size` are part of the cache's key: an edited file is read again."""
    return read_dataset(Path(path), Path(path).name, topic_field)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the dataset …")
def _from_upload(name: str, digest: str, _upload: Upload, topic_field: str | None) -> Dataset:
    """`digest` stands for the content in the cache's key."""
    return read_dataset(_upload.content, name, topic_field)


def _with_topics(dataset: Dataset, source: DatasetSource) -> Dataset:
    fields = dataset.topic_fields
    if not fields:
        return dataset
    field = st.selectbox(
        "Topic field",
        [AUTOMATIC, *fields],
        key="topic_field",
        persist_state="session",
        help="Results are also shown topic by topic. Pick the field that names a row's topic.",
    )
    if field in (None, AUTOMATIC):
        return dataset
    return _chosen(source, field) or dataset


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


def _audit_section(dataset: Dataset, source: DatasetSource) -> None:
    """What looks wrong between rows; with a second file, what is in both."""
    validation = None
    if source is not DatasetSource.SAMPLE:
        with st.expander("Validation file (optional)", icon=":material/fact_check:"):
            hint = "Rows kept for validation: prompts that are in both files are named. Nothing is run on it."
            upload = kept_upload("Validation rows", TYPES, "validation_file", hint)
            if upload is not None:
                validation = _from_upload(upload.name, _digest(upload), upload, None)
    fingerprint = validation.ref.fingerprint if validation else ""
    for finding in _suspicions(dataset.ref.fingerprint, fingerprint, dataset, validation):
        if finding.code in (AuditCode.CONTRADICTIONS, AuditCode.OVERLAP):
            st.warning(plain(finding.sentence, 400), icon=":material/warning:")
        else:
            st.caption(plain(finding.sentence, 400))


@st.cache_resource(max_entries=16, ttl=3600, show_spinner="Comparing the rows …")
def _suspicions(
    fingerprint: str, other: str, _dataset: Dataset, _validation: Dataset | None
) -> tuple[AuditFinding, ...]:
    """The two fingerprints are the cache's key."""
    return tuple(audit(_dataset, _validation))


def _preview(item: Item) -> dict[str, str]:
    last = item["messages"][-1].get("content")
    row = {"last message": _text(last)}
    return row | {key: _text(value) for key, value in item.items() if key != "messages"}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cut(text, 300)
