"""What the probes saw, in sentences, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dryrun.analysis.probes.flaws import Flaw, Observation
from dryrun.analysis.probes.pay import UNKNOWN_FORM
from dryrun.analysis.probes.profile import Profile
from dryrun.core.probe import CHANGED, Family
from dryrun.core.text import percent

PROFILE_WORDS: Mapping[Profile, str] = MappingProxyType(
    {
        Profile.SOUND: "Right answers are paid, and no probe shows what has to be mended before training.",
        Profile.TOO_LENIENT: "It pays wrong answers.",
        Profile.TOO_STRICT: "It pays some right answers less than half, or nothing.",
        Profile.NO_SIGNAL: "Right and wrong answers earn about the same.",
        Profile.HACKABLE: "There is a way to be paid without answering; training would find it.",
        Profile.UNSTABLE: "Its number cannot be relied on.",
        Profile.INVERTED: "Wrong answers earn more than right ones.",
        Profile.FAILS: "Grading raises an error where it should give a number.",
        Profile.UNSAFE: "It runs the model's text as code.",
        Profile.UNKNOWN: "Too little could be graded to say.",
    }
)

NAME_REFERENCE = (
    "Name the field of the reference (Reference answer on the page, --reference-field in a terminal)"
)
FORM_UNKNOWN = (
    "Right answers could not be written in the form this grader wants, so nothing is said for or against it. "
    f"{NAME_REFERENCE}, or check a run: its responses show the form."
)

UNREFERENCED: Mapping[Profile, str] = MappingProxyType(
    {
        Profile.SOUND: "No probe shows what has to be mended. The rows have no reference answers, so that "
        "right and wrong ones were not tried.",
        Profile.UNKNOWN: "No answer that was tried is paid, and without reference answers no right one could "
        f"be made. {NAME_REFERENCE}, or check a run: its responses are graded too.",
    }
)
"""The same words where no right answer is known."""

FIXES: Mapping[Flaw, str] = MappingProxyType(
    {
        Flaw.ACCEPTS_WRONG: "Read one final answer out of the response and compare all its text with "
        "the reference; refuse responses that give several.",
        Flaw.EXPLOITABLE: "Pay nothing unless the answer itself was compared: no points for length, form, "
        "key words or an empty response.",
        Flaw.REJECTS_CORRECT: "Read the answer as your prompt asks for it: allow working before it, and "
        "blanks, capitals and a full stop around it; check the field that holds the reference.",
        Flaw.NO_SIGNAL: "Make the reward depend on whether the answer is right.",
        Flaw.INVERTED: "Turn the comparison round: a distance must be subtracted from 1.",
        Flaw.UNSTABLE: "Remove chance, clocks and anything remembered between calls; for a judge set "
        "temperature 0 or average several calls.",
        Flaw.CRASH: "Catch what can go wrong while reading the response, and return 0 for it.",
        Flaw.CONTRACT: "Return one finite number on the grader's scale for every response.",
        Flaw.BIAS: "Take length and style out of the reward.",
        Flaw.SLOW: "Limit the length that is looked at, and avoid nested repetition in patterns.",
        Flaw.GUESSABLE: "Vary the right answers: drop rows, or add others, until no single answer is right "
        "this often. Training would learn to give it without reading the prompt.",
        Flaw.UNSAFE: "Never pass the response to eval or exec; parse it with float, json.loads or the like.",
    }
)

UNKNOWN_FORM_FIX = f"{NAME_REFERENCE}, or check a run: its responses show which form is paid."
SCALE_FIX = (
    "Give references and grader the same unit: percent or share, cents or dollars; one sign; one case."
)
RUN_APART = "Where running the answer is the point, run it in a sandbox with limits of time and memory."

_FAMILIES: Mapping[Family, str] = MappingProxyType(
    {
        Family.NOTHING: "An answer with nothing in it",
        Family.SHELL: "The form of an answer with nothing inside",
        Family.GAMING: "Text that talks to the grader",
        Family.WRONG: "A wrong answer",
        Family.CLOSE: "An answer that is nearly right",
        Family.CLAIM: "The right value that is not given as the answer",
        Family.SAME: "One answer to every prompt",
        Family.SAMPLE: "A real response",
        Family.STYLE: "Style alone",
    }
)


def fix_of(observation: Observation) -> str:
    """What to do about it."""
    if observation.kind == UNKNOWN_FORM:
        return UNKNOWN_FORM_FIX
    return SCALE_FIX if observation.kind.startswith(CHANGED) else FIXES[observation.flaw]


def sentence(observation: Observation) -> str:
    """What was seen, with its share and interval."""
    words = _what(observation)
    return f"{words[:1].upper()}{words[1:]}{_share(observation)}."


def _what(observation: Observation) -> str:
    special = _SENTENCES.get(observation.flaw)
    if special is not None:
        return special.format(kind=observation.kind, earned=observation.earned or 0.0)
    if observation.kind == UNKNOWN_FORM:
        return "No right answer is paid in any of the forms that were tried"
    if observation.kind.startswith(CHANGED):
        return f"The right answer is refused, and {observation.kind} is paid"
    if observation.flaw is Flaw.REJECTS_CORRECT:
        return f"The right answer is refused or paid less than half: {observation.kind}"
    earned = (
        ""
        if observation.earned is None
        else f" earns {percent(observation.earned)} of what the right answer does"
    )
    return f"{_FAMILIES.get(observation.family, 'An answer')} ({observation.kind}){earned}"


_SENTENCES: Mapping[Flaw, str] = MappingProxyType(
    {
        Flaw.NO_SIGNAL: "{kind} earns about as much as the right answer",
        Flaw.INVERTED: "{kind} earns more than the right answer",
        Flaw.UNSTABLE: "The same answer, graded again, moved by {earned:.2g} on average",
        Flaw.CRASH: "Grading raises an error, first for: {kind}",
        Flaw.CONTRACT: "The grade is no number on the scale, first for: {kind}",
        Flaw.SLOW: "Grading takes {earned:.2g} seconds or more for: {kind}",
        Flaw.UNSAFE: "An expression is paid only if it is executed, and it is paid",
        Flaw.BIAS: "The score rises with style alone ({kind})",
    }
)


def _share(observation: Observation) -> str:
    if observation.trials == 0:
        return ""
    low, high = observation.interval
    return f", in {observation.hits} of {observation.trials} tries (95 %: {percent(low)} to {percent(high)})"
