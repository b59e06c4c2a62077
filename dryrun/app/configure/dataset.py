"""The data step: a dropped file, a path or a dataset of the Hub; which fields are what; the first rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dryrun.app.configure.columns import PREVIEW, choose_field, columns_form, first_rows_table
from dryrun.app.shared.launch import FILE, SOURCE, DatasetSource, taken_upload, upload_types, use_source
from dryrun.app.shared.widgets import Upload, errors_shown, kept_upload, upload_of
from dryrun.core.config import DEFAULT_SAMPLE_SIZE
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted, sample_data_dir
from dryrun.core.records import Item
from dryrun.core.text import plain, plural
from dryrun.dataset import Dataset, read_dataset
from dryrun.dataset.audit import AuditCode, AuditFinding, audit
from dryrun.dataset.columns import BY_NAME, ColumnMap
from dryrun.dataset.fields import usual_topic
from dryrun.dataset.hub.remote import ROWS_PER_PROMPT, first_of_hub, pool_size, read_hub
from dryrun.dataset.hub.splits import SCHEME
from dryrun.dataset.read import first_rows

Chosen = Path | Upload | str
"""A file, or the address of a dataset on the Hub."""
PLACE, TOPIC, GONE = "dataset_place", "topic_field", "dataset_gone"
"""Where the session keeps the path or address, the topic's field, and which dataset is to be given again."""
BY_CONTENT: dict[str | type[Any], Callable[[Any], Any]] = {
    Upload: lambda upload: upload.digest,
    type(Path()): lambda path: (str(path), *_version(path)),
}
"""What the caches go by: an edited file is read again."""
SHOWN_TOPICS = 4


def sample_dataset_path() -> Path:
    """The dataset that comes with the project."""
    return sample_data_dir() / "reasoning.jsonl"


def sample_dataset() -> Dataset:
    """The dataset that comes with the project, read once per process."""
    return _from(sample_dataset_path())


def dataset_section() -> tuple[Dataset | None, Callable[[], None]]:
    """Draw the step; return the dataset, None while it cannot be used, and what compares its rows.

    That takes seconds with many long rows: it is called, and draws here, once the steps below are drawn.
    """
    left, right = st.columns([2, 3], gap="medium")
    with left:
        chosen = _choice()
    if chosen is None:
        return None, _nothing
    with right:
        read = None
        with errors_shown():
            read = _read(chosen)
        if read is None:
            return None, _nothing
        dataset, columns = read
        validation = None
        with errors_shown():
            if chosen != sample_dataset_path():
                validation = _validation(columns)
        place = st.container()
    return dataset, partial(_compare, dataset, validation, place)


def _nothing() -> None:
    """There are no rows to compare."""


def _version(path: Path) -> tuple[int, ...]:
    stat = path.stat() if os.path.exists(path) else None
    return (stat.st_mtime_ns, stat.st_size) if stat else ()


def _choice() -> Chosen | None:
    """Draw where the dataset may come from, and return the one that is used; None while it is to be given."""
    upload = taken_upload("Drop your prompts here")
    if not hosted():  # the files and the token of the person who runs the server
        st.text_input(
            "Or a path, or a dataset of the Hugging Face Hub",
            key=PLACE,
            persist_state="session",
            placeholder=f"train.jsonl, or {SCHEME}openai/gsm8k:main/train",
            on_change=use_source,
            args=(DatasetSource.PLACE,),
        )
    source = _source(upload)
    if source is DatasetSource.SAMPLE:
        st.caption("Used: the sample data that comes with Dry Run.")
    elif source is not DatasetSource.UPLOAD:
        if gone := source is DatasetSource.GONE:
            how = "drop its file again" if hosted() else "drop its file again, or give its path"
            words = f"{plain(st.session_state[GONE], 120)} is not kept here: {how}."
            st.warning(words, icon=":material/upload_file:")
        sample = partial(use_source, DatasetSource.SAMPLE)
        st.button("Use the sample data", key="use_sample", on_click=sample, type="tertiary")
        if gone:
            return None
    if source is DatasetSource.UPLOAD and upload is not None:
        return upload
    return _placed() if source is DatasetSource.PLACE else sample_dataset_path()


def _source(upload: Upload | None) -> DatasetSource:
    """The source that was chosen last, as long as it is there."""
    place = "" if hosted() else str(st.session_state.get(PLACE) or "").strip()
    there = {DatasetSource.UPLOAD: upload is not None, DatasetSource.PLACE: bool(place)}
    chosen = DatasetSource(st.session_state.get(SOURCE) or DatasetSource.SAMPLE)
    if there.get(chosen, SOURCE in st.session_state):
        return chosen
    return next((source for source, present in there.items() if present), DatasetSource.SAMPLE)


def _placed() -> Chosen:
    typed = str(st.session_state[PLACE]).strip()
    # A home that is unknown is left as it is: then there is no such file.
    return typed if typed.startswith(SCHEME) else Path(os.path.expanduser(typed))


def _check_there(path: Path) -> None:
    if not os.path.exists(path):  # a path that no system takes makes Path raise
        typed = str(st.session_state[PLACE]).strip()
        hub = f" A dataset of the Hub begins with {SCHEME}." if typed.count("/") == 1 else ""
        raise DryRunError(f"There is no file at {typed}. Check the path.{hub}")


def place_in_use() -> str:
    """The path or address that the dataset was read from; ``""`` for an upload or the sample."""
    placed = _source(upload_of(FILE)) is DatasetSource.PLACE
    return str(st.session_state[PLACE]).strip() if placed else ""


def _read(chosen: Chosen) -> tuple[Dataset, ColumnMap] | None:
    """Draw the rows as they are read; None while the form asks which field is the prompt."""
    own = chosen != sample_dataset_path()
    if own:
        if isinstance(chosen, Path):
            _check_there(chosen)
        form = columns_form(_first(chosen))
        if form is None:
            return None
        columns, place = form
        with place:
            dataset = _with_topics(chosen, columns)
    else:
        columns, dataset = BY_NAME, _from(chosen)
    _summary(dataset)
    first_rows_table(dataset)
    return dataset, columns


def _first(chosen: Chosen) -> list[Item]:
    """The first rows as the file has them."""
    return _first_of_hub(chosen) if isinstance(chosen, str) else _first_of_file(chosen)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False, hash_funcs=BY_CONTENT)
def _first_of_file(file: Path | Upload) -> list[Item]:
    return first_rows(_source_of(file), file.name)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Asking the Hub …")
def _first_of_hub(address: str) -> list[Item]:
    return first_of_hub(address)


def _from(chosen: Chosen, columns: ColumnMap = BY_NAME) -> Dataset:
    if isinstance(chosen, str):
        prompts = pool_size(st.session_state.get("sample_size") or DEFAULT_SAMPLE_SIZE) // ROWS_PER_PROMPT
        return _from_hub(chosen, columns, prompts)
    return _from_file(chosen, columns)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading from the Hub …")
def _from_hub(address: str, columns: ColumnMap, prompts: int) -> Dataset:
    return read_hub(address, columns, prompts)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Reading the dataset …", hash_funcs=BY_CONTENT)
def _from_file(file: Path | Upload, columns: ColumnMap) -> Dataset:
    return read_dataset(_source_of(file), file.name, columns)


def _source_of(file: Path | Upload) -> Path | bytes:
    return file if isinstance(file, Path) else file.content


def _with_topics(chosen: Chosen, columns: ColumnMap) -> Dataset:
    dataset = _from(chosen, columns)
    if not dataset.topic_fields:
        return dataset
    named = usual_topic(dataset[:PREVIEW])
    field = choose_field("Topic", TOPIC, dataset.topic_fields, named)
    return dataset if field is None else _from(chosen, replace(columns, topic_field=field))


def _summary(dataset: Dataset) -> None:
    topics = dataset.topics
    names = [plain(name or "no topic", 50) for name in list(topics)[:SHOWN_TOPICS]]
    more = ", …" if len(topics) > SHOWN_TOPICS else ""
    listed = f" ({', '.join(names)}{more})" if topics else ""
    counted = plural(len(topics), "topic") if topics else "no topics"
    st.markdown(f"**{plural(len(dataset), 'row')}**, {counted}{listed}")
    for warning in dataset.warnings:
        st.warning(plain(warning, 400), icon=":material/warning:")


def _validation(columns: ColumnMap) -> Dataset | None:
    """Draw the place of a validation file; its rows, where there is one."""
    with st.expander("Validation file (optional)", icon=":material/fact_check:"):
        hint = "Rows kept for validation: prompts that are in both files are named. Nothing is run on it."
        upload = kept_upload("Validation rows", upload_types(), "validation_file", hint)
        return None if upload is None else _from(upload, columns)


def _compare(dataset: Dataset, validation: Dataset | None, place: DeltaGenerator) -> None:
    """Draw what looks wrong between rows, and which prompts a validation file has too."""
    with place, errors_shown():
        _remarks(dataset, validation)


def _remarks(dataset: Dataset, validation: Dataset | None) -> None:
    remarks = []
    for finding in _audited(dataset, validation):
        if finding.code in (AuditCode.CONTRADICTIONS, AuditCode.OVERLAP):
            st.warning(plain(finding.sentence, 400), icon=":material/warning:")
        else:
            remarks.append(plain(finding.sentence, 400))
    if remarks:
        st.caption(" ".join(remarks))


@st.cache_resource(
    max_entries=16,
    ttl=3600,
    show_spinner="Comparing the rows …",
    hash_funcs={Dataset: lambda dataset: dataset.ref.fingerprint},
)
def _audited(dataset: Dataset, validation: Dataset | None) -> tuple[AuditFinding, ...]:
    return tuple(audit(dataset, validation))
