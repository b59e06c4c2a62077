"""A form filled from a run's configuration, and what could not be taken over."""

from __future__ import annotations

import streamlit as st

from dryrun.app.configure.columns import PROMPT_KEY, REFERENCE_KEY, SYSTEM_KEY
from dryrun.app.configure.dataset import GONE, PLACE, TOPIC, sample_dataset
from dryrun.app.configure.grader import edit, pretty
from dryrun.app.configure.model import fill_in
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.launch import FILE, DatasetSource, use_source
from dryrun.app.shared.session import DUPLICATE, Chosen, config_of, open_by_name, recall
from dryrun.app.shared.widgets import bullets, show_error, upload_of
from dryrun.core.config import JudgeConfig, ModelKind, RunConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain, plural, short
from dryrun.dataset import Dataset
from dryrun.graders import load_grader
from dryrun.graders.reward_scale import reward_scale

PLACES = "places"
"""The kind of entry that says where a dataset was, by its fingerprint."""
DONE, NOTES = "duplicated", "duplicate_notes"


def duplicate(name: str) -> None:
    """Fill the form from the run with this id, once, and say what was taken over and what was not."""
    try:
        chosen = open_by_name(name, Right.COPY)
        config = config_of(chosen.run)
    except DryRunError as error:
        show_error(error)
        return
    if st.session_state.get(DONE) != name:
        st.session_state[DONE] = name
        edit(pretty(config.grader))
        st.session_state[NOTES] = fill_form(config)
    words = f"A copy of {_which(chosen)}: grader, sizes and settings are filled in."
    notes = st.session_state.get(NOTES) or []
    st.info(f"{words}\n{bullets(notes)}" if notes else words, icon=":material/content_copy:")


def _which(chosen: Chosen) -> str:
    if chosen.access.by_link:
        return "the shared run"
    return "the recorded example" if chosen.recorded else f"run {short(chosen.run.id)}"


def changed_since(dataset: Dataset) -> None:
    """Say where the dataset is another one than the copied run's."""
    name = st.query_params.get(DUPLICATE)
    if name and st.session_state.get(DONE) == name:
        ref = config_of(open_by_name(name, Right.COPY).run).dataset
        if ref.fingerprint != dataset.ref.fingerprint and ref.name == dataset.ref.name:
            had = f"it had {plural(ref.rows, 'row')}, or other ones."
            st.warning(f"{plain(ref.name, 80)} has changed since that run: {had}", icon=":material/warning:")


def fill_form(config: RunConfig) -> list[str]:
    """Put all but the grader into the form; return a sentence for each thing that could not be."""
    state, sampling = st.session_state, config.sampling
    state["sample_size"], state["rollouts"] = sampling.size, sampling.rollouts
    state["sampling_seed"] = sampling.seed
    state["cut_reasoning"] = config.cut_reasoning
    state["stratified"] = sampling.method is SamplingMethod.STRATIFIED
    state["range_own"] = not config.scale_open and config.reward_range != reward_scale(
        load_grader(config.grader)
    )
    state["range_low"], state["range_high"] = config.reward_range
    _fill_dataset(config)
    notes = _fill_model(config)
    if config.judge is not None:
        _fill_judge(config.judge)
        notes.append("The judge's key is never stored: type it again.")
    return notes


def _fill_dataset(config: RunConfig) -> None:
    state, ref = st.session_state, config.dataset
    if ref.fingerprint == _sample_fingerprint():
        use_source(DatasetSource.SAMPLE)
        return
    fields = {
        PROMPT_KEY: ref.prompt_field,
        REFERENCE_KEY: ref.reference_field,
        SYSTEM_KEY: ref.system,
        TOPIC: ref.topic_field,
    }
    for key, value in fields.items():
        state.pop(key, None)
        if value is not None:
            state[key] = value
    upload = upload_of(FILE)
    if place := recall(PLACES, ref.fingerprint):
        state[PLACE] = str(place)
        use_source(DatasetSource.PLACE)
    elif upload is not None and upload.name == ref.name:
        use_source(DatasetSource.UPLOAD)
    else:
        state[GONE], state[PLACE] = f"{ref.name} ({plural(ref.rows, 'row')})", ""
        use_source(DatasetSource.GONE)


def _sample_fingerprint() -> str:
    try:
        return sample_dataset().ref.fingerprint
    except (DryRunError, OSError):
        return ""


def _fill_model(config: RunConfig) -> list[str]:
    if config.model.kind is ModelKind.IMPORTED:
        return ["Its responses were imported and cannot be asked for again: choose a model."]
    if config.model.kind is ModelKind.VLLM:
        return [
            "Its responses came from vLLM on a Ray cluster, which only the command line asks: choose a model."
        ]
    fill_in(config.model)
    asked = config.model.kind is ModelKind.ENDPOINT
    return ["The model's key is never stored: type it again if the endpoint wants one."] if asked else []


def _fill_judge(judge: JudgeConfig) -> None:
    state = st.session_state
    state["judge_base_url"], state["judge_model"] = judge.base_url, judge.model or ""
    state["judge_concurrency"] = judge.concurrency
