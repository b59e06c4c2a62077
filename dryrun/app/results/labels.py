"""Labels: people say of single responses whether they are good, and see how far the grader agrees.

One response at a time to label, with keys: G good, B bad, U unsure, S skip. The score stays hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from dryrun.analysis.figures.agreement import Labelled, agreement
from dryrun.analysis.selection import SIZE, label_queue
from dryrun.analysis.verdict.sentences import agreement_words
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.sample import sample_view
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report.training import to_jsonl
from dryrun.store.labels import (
    Label,
    LabelBook,
    Mark,
    book_of,
    export_rows,
    identities,
    labelled,
    majority,
    named,
    parse_labels,
    refusal,
    rows_of,
    to_csv,
)
from dryrun.store.results import Inspected

NAME = "label_name"
UPLOAD = "label_file"
WORDS = {Mark.GOOD: "Good", Mark.BAD: "Bad", Mark.UNSURE: "Unsure"}


def who() -> str:
    """The name of whoever labels here."""
    return named(str(st.session_state.get(NAME) or ""))


def label_section(loaded: Loaded, thresholds: Thresholds) -> None:
    """What people say so far, the queue of responses to label, and labels in and out."""
    st.subheader("People's labels", anchor="labels")
    if reason := refusal(loaded.results.run):
        st.caption(reason)
        return
    found = labelled(loaded.results, loaded.labels, loaded.observations)
    _said(found, thresholds)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        st.text_input(
            "Your name",
            key=NAME,
            persist_state="session",
            placeholder="anonymous",
            max_chars=80,
            help="Kept with each label. Of each name the newest label of a response counts.",
        )
    with right:
        st.button(
            f"Label {SIZE} samples",
            type="primary",
            icon=":material/rate_review:",
            key="label_start",
            on_click=_start,
            args=(loaded,),
            help="High scores, low scores and the boundary, across topics. The score is hidden meanwhile.",
        )
    if st.session_state.get(ACTIVE) == loaded.results.run.id:
        label_card(loaded, book_of(loaded.results.run), who())
    _files(loaded)


def label_row(loaded: Loaded, seen: Inspected) -> None:
    """Good, bad or unsure in one sample's card, what others said beside it; nothing where a call failed."""
    run = loaded.results.run
    if refusal(run) or not seen.sample.gradable:
        return
    identity = (seen.sample.key, seen.prompt.key)
    said = loaded.newest_labels.get(identity, {})
    own = said.get(who())
    key = f"label_{seen.sample.key}_{seen.prompt.key}"
    st.session_state[key] = own.label if own else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Your label",
            list(Mark),
            format_func=lambda mark: WORDS[Mark(mark)],
            key=key,
            on_change=_set,
            args=(book_of(run), identity, key),
            label_visibility="collapsed",
        )
        others = [label for name, label in said.items() if name != who()]
        if others:
            words = " · ".join(f"{label.by}: {label.label.value}" for label in others)
            differ = " (people differ)" if len({label.label for label in said.values()}) > 1 else ""
            outcome = "" if majority(said) else " – as many good as bad, so it counts for neither"
            st.caption(plain(f"{words}{differ}{outcome}", 300), width="content")


def _said(found: Labelled | None, thresholds: Thresholds) -> None:
    if found is None:
        st.caption(
            "Only people can tell a wrong answer key. Say of some responses whether they are good: from "
            f"{thresholds.min_labels} labels on, agreement with the grader enters the verdict."
        )
        return
    sentences = agreement_words(agreement(found, thresholds), found, thresholds)
    st.markdown("\n".join(f"- {plain(sentence, 400)}" for sentence in sentences))


def _start(loaded: Loaded) -> None:
    names = identities(loaded.results)
    own = {row for row, name in enumerate(names) if who() in loaded.newest_labels.get(name, {})}
    others = {row for row, name in enumerate(names) if name in loaded.newest_labels} - own
    chosen = label_queue(loaded.observations, own, others)
    st.session_state[QUEUE] = [names[row] for row in chosen]
    st.session_state[AT] = 0
    st.session_state[ACTIVE] = loaded.results.run.id


def _set(book: LabelBook, identity: tuple[str, str], key: str) -> None:
    mark = st.session_state.get(key)
    if mark is not None:
        book.add([Label.of(identity, Mark(mark), who())])


def _files(loaded: Loaded) -> None:
    run = loaded.results.run
    with st.expander("Labels as a file", icon=":material/swap_vert:"):
        with st.container(horizontal=True):
            for kind, write in (("jsonl", to_jsonl), ("csv", to_csv)):
                st.download_button(
                    f"Labels ({kind.upper()})",
                    partial(_exported, loaded, write),
                    file_name=f"labels-{short(run.id)}.{kind}",
                    on_click="ignore",
                    disabled=not loaded.labels,
                    icon=":material/download:",
                    key=f"labels_{kind}",
                )
        given = st.file_uploader(
            "Take over labels (JSONL: row, response, label)", type=["jsonl"], key=UPLOAD, max_upload_size=20
        )
        if given is not None:
            st.button("Take over", on_click=_take_over, args=(loaded, given.getvalue()), key="labels_import")
        if problem := st.session_state.pop("label_problem", None):
            show_error(problem)


def _exported(loaded: Loaded, write: Callable[[list[dict[str, Any]]], bytes]) -> bytes:
    return write(export_rows(loaded.results, loaded.labels))


def _take_over(loaded: Loaded, content: bytes) -> None:
    try:
        book_of(loaded.results.run).add(parse_labels(content, loaded.results, who()))
    except DryRunError as error:
        st.session_state["label_problem"] = error


QUEUE, AT, ACTIVE = "label_queue", "label_at", "labelling"
BUTTONS = (
    (Mark.GOOD, "Good", "g", ":material/thumb_up:"),
    (Mark.BAD, "Bad", "b", ":material/thumb_down:"),
    (Mark.UNSURE, "Unsure", "u", ":material/question_mark:"),
)


@st.fragment
def label_card(loaded: Loaded, book: LabelBook, by: str) -> None:
    """Draw the response whose turn it is; after the last one the page is drawn anew with the figures."""
    queue, at = st.session_state[QUEUE], st.session_state[AT]
    with st.container(border=True, key="label_card"):
        if problem := st.session_state.pop("label_card_problem", None):
            show_error(problem)
        if at >= len(queue):
            _done(len(queue))
            return
        st.progress(at / len(queue), f"{at + 1} of {len(queue)}: is this response good?")
        identity = queue[at]
        _buttons(book, identity, by)
        position = rows_of(loaded.results, {identity})[identity]
        [seen] = loaded.results.inspect([position])
        sample_view(seen, float(loaded.observations.score[position]), loaded.results.config, blind=True)


def _buttons(book: LabelBook, identity: tuple[str, str], by: str) -> None:
    with st.container(horizontal=True):
        for mark, words, letter, icon in BUTTONS:
            st.button(
                words,
                icon=icon,
                shortcut=letter,
                key=f"mark_{mark.value}",
                on_click=_mark,
                args=(book, identity, mark, by),
            )
        st.button("Skip", shortcut="s", key="mark_skip", on_click=_go, args=(1,))
        st.button("Back", key="mark_back", on_click=_go, args=(-1,), disabled=st.session_state[AT] == 0)
        if st.button("Done", key="mark_done", help="What you labelled so far is kept."):
            _close()
            st.rerun()


def _done(count: int) -> None:
    words = "Every response of this run that has a score is labelled by you." if not count else "Thank you."
    st.success(words, icon=":material/check_circle:")
    if st.button("Show what the labels say", key="label_show", type="primary"):
        _close()
        st.rerun()


def _mark(book: LabelBook, identity: tuple[str, str], mark: Mark, by: str) -> None:
    try:
        book.add([Label.of(identity, mark, by)])
    except DryRunError as error:
        st.session_state["label_card_problem"] = error
    else:
        _go(1)


def _go(steps: int) -> None:
    st.session_state[AT] = max(st.session_state[AT] + steps, 0)


def _close() -> None:
    for name in (QUEUE, AT, ACTIVE):
        st.session_state.pop(name, None)
