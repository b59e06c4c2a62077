"""People's labels of responses, and how far the grader agrees with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from dryrun.analysis.figures.agreement import Labelled, agreement
from dryrun.analysis.selection import SIZE, label_queue
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.sentences import agreement_words
from dryrun.app.results.provenance import file_name
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.sample import blind_view
from dryrun.app.shared.widgets import bullets, download, error_kept, show_kept_error
from dryrun.core.text import plain, plural
from dryrun.core.thresholds import Thresholds
from dryrun.report.training_set.chosen import to_jsonl
from dryrun.store.access import accept_guests, discard_guests, guest_books, room_for
from dryrun.store.labels import (
    Identity,
    Label,
    Mark,
    book_of,
    export_rows,
    identities,
    labelled,
    majority,
    named,
    newest,
    parse_labels,
    refusal,
    rows_of,
    to_csv,
)
from dryrun.store.results import Inspected
from dryrun.store.runs import Run

NAME = "label_name"
UPLOAD = "label_file"
FILE_ERROR, CARD_ERROR, GUEST_ERROR = "label_problem", "label_card_problem", "label_guest_problem"
CARD = "mark"
"""Beginning of the keys of the buttons on the queue's card."""
QUEUE, AT, ACTIVE = "label_queue", "label_at", "labelling"
LABELLED = "sample_labelled"
"""Whether a label was given since the page was last drawn whole: it may move the verdict."""
ICONS = {
    Mark.GOOD: ":material/thumb_up:",
    Mark.BAD: ":material/thumb_down:",
    Mark.UNSURE: ":material/question_mark:",
}


def _who() -> str:
    """The name of the person who labels here."""
    return named(str(st.session_state.get(NAME) or ""))


def label_section(loaded: Loaded, thresholds: Thresholds) -> None:
    """Draw what people say so far, a queue of responses to label, and labels as files."""
    st.subheader("People's labels", anchor="labels")
    if (reason := refusal(loaded.results.run)) or loaded.own_labels is None:
        st.caption(reason)
        return
    _guests(loaded)
    _agreement(labelled(loaded.results, loaded.labels, loaded.observations), thresholds)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    left.text_input(
        "Your name",
        key=NAME,
        persist_state="session",
        placeholder="anonymous",
        max_chars=80,
        help="Kept with each label. Of each name the newest label of a response counts.",
    )
    right.button(
        f"Label {SIZE} samples",
        type="primary",
        icon=":material/rate_review:",
        key="label_start",
        on_click=_start,
        args=(loaded,),
        help="High scores, low scores and the boundary, across topics. The score is hidden meanwhile.",
    )
    if st.session_state.get(ACTIVE) == loaded.results.run.id:
        _card(loaded)
    _files(loaded, loaded.judge(thresholds))


def _guests(loaded: Loaded) -> None:
    """Say how many other people labelled, to people who may accept that; to a guest, where labels go."""
    run = loaded.results.run
    if loaded.own_labels != book_of(run):
        st.caption(
            "Your labels are kept apart: they enter the verdict once the person who started the run "
            "accepts them."
        )
        return
    show_kept_error(GUEST_ERROR)
    books = guest_books(run)
    if not books:
        return
    count = sum(len(newest(book.labels())) for book in books)
    who = "person" if len(books) == 1 else "people"
    with st.container(horizontal=True, vertical_alignment="center", key="guest_labels"):
        st.markdown(
            f"**{len(books):,} other {who} labelled {plural(count, 'response')}.** "
            "No label counts before you accept it.",
            width="content",
        )
        for word, key, act in (("Accept", "accept", accept_guests), ("Discard", "discard", discard_guests)):
            st.button(word, key=f"guests_{key}", on_click=_decide, args=(loaded, act))


def _decide(loaded: Loaded, act: Callable[[Run], object]) -> None:
    with error_kept(GUEST_ERROR):
        loaded.access.need(Right.CONTROL)
        act(loaded.results.run)


def label_buttons(loaded: Loaded, seen: Inspected) -> None:
    """Draw buttons for one's own label, beside other people's labels; nothing without a response."""
    run = loaded.results.run
    book = loaded.own_labels
    if book is None or refusal(run) or not seen.sample.gradable:
        return
    identity = (seen.sample.key, seen.prompt.key)
    labels = loaded.newest_labels.get(identity, {})
    own = labels.get(_who())
    show_kept_error(CARD_ERROR)
    with st.container(horizontal=True, vertical_alignment="center"):
        # While the queue of the same page is open the keys are its own.
        keys = st.session_state.get(ACTIVE) != run.id
        _mark_buttons(loaded, identity, "sample", keys=keys, marked=own.label if own else None)
        others = [label for name, label in labels.items() if name != _who()]
        if own is not None or others:
            st.caption(plain(_labels_in_words(own, others, labels), 300), width="content")


def _mark_buttons(
    loaded: Loaded, identity: Identity, place: str, *, keys: bool = True, marked: Mark | None = None
) -> None:
    """Draw a button for each mark; `place` is the open sample, or the card of the queue, which goes on."""
    for mark, icon in ICONS.items():
        st.button(
            mark.capitalize(),
            icon=icon,
            shortcut=mark[0] if keys else None,
            key=f"{place}_{mark}",
            type="primary" if marked is mark else "secondary",
            on_click=_mark,
            args=(loaded, identity, place, mark),
        )


def _mark(loaded: Loaded, identity: Identity, place: str, mark: Mark) -> None:
    with error_kept(CARD_ERROR):
        _keep(loaded, [Label.of(identity, mark, _who())])
        if place == CARD:
            _go(1)
        else:
            st.session_state[LABELLED] = True


def _labels_in_words(own: Label | None, others: list[Label], labels: Mapping[str, Label]) -> str:
    marks = [
        *([f"you: {own.label.value}"] if own else []),
        *(f"{other.by}: {other.label.value}" for other in others),
    ]
    differ = " (people differ)" if len({label.label for label in labels.values()}) > 1 else ""
    outcome = "" if majority(labels) else " – as many good as bad, so it counts for neither"
    return f"{' · '.join(marks)}{differ}{outcome}"


def _agreement(people: Labelled | None, thresholds: Thresholds) -> None:
    if people is None:
        st.caption(
            "Only people can tell a wrong answer key. Say of some responses whether they are good: from "
            f"{thresholds.min_labels} labels on, agreement with the grader enters the verdict."
        )
        return
    st.markdown(bullets(agreement_words(agreement(people, thresholds), people, thresholds)))


def _start(loaded: Loaded) -> None:
    names = identities(loaded.results)
    own = {row for row, name in enumerate(names) if _who() in loaded.newest_labels.get(name, {})}
    others = {row for row, name in enumerate(names) if name in loaded.newest_labels} - own
    chosen = label_queue(loaded.observations, own, others)
    st.session_state[QUEUE] = [names[row] for row in chosen]
    st.session_state[AT] = 0
    st.session_state[ACTIVE] = loaded.results.run.id


def _files(loaded: Loaded, evidence: Evidence) -> None:
    with st.expander("Labels as a file", icon=":material/swap_vert:"):
        with st.container(horizontal=True):
            for kind, write in (("jsonl", to_jsonl), ("csv", to_csv)):
                download(
                    f"Labels ({kind.upper()})",
                    partial(_exported, loaded, write),
                    file_name(loaded, evidence, kind, "labels"),
                    f"labels_{kind}",
                    disabled=not loaded.labels,
                )
        upload = st.file_uploader(
            "Take over labels (JSONL: row, response, label)", type=["jsonl"], key=UPLOAD, max_upload_size=20
        )
        if upload is not None:
            st.button("Take over", on_click=_take_over, args=(loaded, upload.getvalue()), key="labels_import")
        show_kept_error(FILE_ERROR)


def _keep(loaded: Loaded, labels: list[Label]) -> None:
    """Keep labels where this viewer's go. Raises as `LabelBook.add` does, and where they may not label."""
    loaded.access.need(Right.LABEL)
    book, run = loaded.own_labels, loaded.results.run
    if book is not None:
        if book != book_of(run):
            room_for(run, book)
        book.add(labels)


def _exported(loaded: Loaded, write: Callable[[list[dict[str, Any]]], bytes]) -> bytes:
    return write(export_rows(loaded.results, loaded.labels))


def _take_over(loaded: Loaded, content: bytes) -> None:
    with error_kept(FILE_ERROR):
        labels = parse_labels(content, loaded.results, _who())
        _keep(loaded, labels)
        st.toast(f"{plural(len(labels), 'label')} taken over.", icon=":material/check_circle:")


@st.fragment
def _card(loaded: Loaded) -> None:
    """Draw the next response of the queue, without its score; the keys G, B, U and S press the buttons."""
    queue, at = st.session_state[QUEUE], st.session_state[AT]
    with st.container(border=True, key="label_card"):
        show_kept_error(CARD_ERROR)
        if at >= len(queue):
            _done(len(queue))
            return
        st.progress(at / len(queue), f"{at + 1} of {len(queue)}: is this response good?")
        identity = queue[at]
        _buttons(loaded, identity)
        position = rows_of(loaded.results, {identity})[identity]
        [seen] = loaded.results.inspect([position])
        blind_view(seen, loaded.results.config)


def _buttons(loaded: Loaded, identity: Identity) -> None:
    with st.container(horizontal=True):
        _mark_buttons(loaded, identity, CARD)
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


def _go(steps: int) -> None:
    st.session_state[AT] = max(st.session_state[AT] + steps, 0)


def _close() -> None:
    for name in (QUEUE, AT, ACTIVE):
        st.session_state.pop(name, None)
