"""One look for each verdict, the same on every page: a word, an icon and a colour, never a colour alone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self

import streamlit as st

from dryrun.core.config import Verdict
from dryrun.core.records import RunState
from dryrun.store.runs import RunStatus

if TYPE_CHECKING:  # Home shows looks alone: what judges a run is loaded by the pages that do
    from dryrun.analysis.verdict.evidence import Evidence
    from dryrun.app.shared.loading import Loaded

Colour = Literal["green", "orange", "red", "violet", "blue", "gray"]


class VerdictLook(StrEnum):
    """How a run stands.

    Attributes
    ----------
    icon : str
        A Material symbol, as Markdown and `icon=` take it.
    colour : str
        Of text and badges.
    """

    icon: str
    colour: Colour

    def __new__(cls, word: str, icon: str, colour: Colour) -> Self:
        """Keep the word as the value, the look beside it."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.icon, member.colour = f":material/{icon}:", colour
        return member

    GO = ("GO", "check_circle", "green")
    CONDITIONS = ("GO, with conditions", "rule", "orange")
    NO_GO = ("NO-GO", "cancel", "red")
    INVALID = ("INVALID", "help", "violet")
    """Ended with too little measured: no verdict."""
    MEASURING = ("Measuring", "hourglass_top", "blue")
    """Under way, and nothing to judge yet."""
    NOT_FINISHED = ("Not finished", "pause_circle", "gray")
    """Stopped before its end, or never begun, with nothing to judge."""

    @property
    def markdown(self) -> str:
        """Icon and word in the colour, for headings and sentences; as large as the text around it."""
        return f":{self.colour}[{self.icon} {self.value}]"


def look_of(
    verdict: Verdict, *, conditions: bool = False, invalid: VerdictLook = VerdictLook.INVALID
) -> VerdictLook:
    """The look of a verdict.

    Parameters
    ----------
    verdict : str
    conditions : bool
        A GO has something to mend first.
    invalid : VerdictLook
        How INVALID is shown: while responses are still to come it is Measuring, or Not finished.
    """
    if verdict == "GO":
        return VerdictLook.CONDITIONS if conditions else VerdictLook.GO
    if verdict == "NO-GO":
        return VerdictLook.NO_GO
    return invalid


def look_of_evidence(evidence: Evidence, *, invalid: VerdictLook = VerdictLook.INVALID) -> VerdictLook:
    """The look of a judgement; `invalid` as in `look_of`."""
    return look_of(evidence.verdict, conditions=bool(evidence.conditions), invalid=invalid)


def current_look(evidence: Evidence, status: RunStatus, loaded: Loaded) -> VerdictLook:
    """The verdict's look; where nothing can be judged, Measuring while a run works, else Not finished."""
    invalid = VerdictLook.INVALID
    if loaded.results.pending > 0 and status.live:
        invalid = VerdictLook.MEASURING
    elif loaded.results.pending > 0 and not evidence.document.coverage.scored:
        invalid = VerdictLook.NOT_FINISHED
    return look_of_evidence(evidence, invalid=invalid)


def word_of_run(look: VerdictLook, status: RunStatus) -> str:
    """The one word for a run, in the browser's tab, as in the list of runs: only a whole run is INVALID."""
    stopped = not status.live and status.state is not RunState.FINISHED
    return (VerdictLook.NOT_FINISHED if stopped and look is VerdictLook.INVALID else look).value


NOTHING_TO_JUDGE = (VerdictLook.MEASURING, VerdictLook.NOT_FINISHED)


def verdict_badge(look: VerdictLook, note: str = "") -> None:
    """Draw a small badge; `note` stands behind the word: ``"so far"``, ``"borderline"``."""
    words = f"{look.value}, {note}" if note else look.value
    st.badge(words, icon=look.icon, color=look.colour)
