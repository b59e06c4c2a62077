"""One response at a time to label, with keys: G good, B bad, U unsure, S skip. The score stays hidden."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.sample import sample_view
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.store.labels import Label, LabelBook, Mark, rows_of

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
