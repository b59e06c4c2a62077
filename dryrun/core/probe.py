"""What a probe is: an answer that no model wrote, and what a sound grader may say to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """What a probe is for. The order is the order of the report."""

    REFERENCE = "reference"
    """The row's right answer in a form that people write it in."""
    VARIATION = "variation"
    """The right answer with a difference that means nothing: a blank, a full stop, capitals."""
    NOTHING = "nothing"
    """Text with no answer in it: empty, refusal, filler, the prompt copied."""
    SHELL = "shell"
    """The form of an answer with nothing inside."""
    GAMING = "gaming"
    """Text that talks to the grader: praise of itself, forged verdicts, words of the grader's own source."""
    WRONG = "wrong"
    """A wrong answer of the right type, in the form the grader accepts."""
    CLOSE = "close"
    """A number that is nearly right: measures the grader's tolerance."""
    CLAIM = "claim"
    """The right value, but not claimed as the answer: denied, one of several, withdrawn."""
    SAME = "same"
    """The most common answer of all rows, given to every row: right in some, and nothing is read for it."""
    CODE = "code"
    """An expression that is the right answer only to a grader that executes it."""
    STYLE = "style"
    """An answer made longer or prettier; its worth is that of its `base`."""
    STRESS = "stress"
    """Text that makes careless code raise or crawl."""
    AGAIN = "again"
    """An answer that was graded before, to be graded again."""
    SAMPLE = "sample"
    """A response that the base model really gave."""


class Priority(StrEnum):
    """Which probes go first where each grade costs a call."""

    ESSENTIAL = "essential"
    USUAL = "usual"
    THOROUGH = "thorough"


class ProbeFault(StrEnum):
    """How grading one probe went wrong."""

    NONE = ""
    RAISED = "raised an error"
    NO_NUMBER = "gave no number"
    TOO_SLOW = "did not finish"
    UNGRADED = "was not graded"
    """The judge or the sandbox failed, the budget ran out: nothing is known."""


# Kinds of probes that a rule asks for by name.
FAR = "another row's answer"
"""Stands for wrong answers in general: realistic, and wrong by far."""
OFFERED = "another answer that the prompt lists"
VOID = "nonsense"
COPIED, STUFFING = "the prompt copied", "all words of the prompt, sorted"
NO_VALUES = "the right keys, no values"
FORMED = frozenset({FAR, VOID, NO_VALUES})
"""Wrong answers in the right form: a reward that has a part for the form pays them that part."""
ACCEPTED = "the right answer, in the form the grader accepts"
IN_FORM = ", in the form the grader reads"
"""How the kinds of fixed answers end that are given in the accepted form."""
GOAL_ALONE = f"the number to reach{IN_FORM}"
GOAL_ELSEWHERE = f"a sum of numbers that were not given{IN_FORM}"
"""Answers to a prompt that asks how to make a number of others: no way, and one that is not allowed."""
UNASKED = "after Answer:"
"""A usual form: where no prompt demands it, to refuse it alone convicts no grader."""
UNASKED_WORKING = "after working that nobody asked for"
IN_A_SENTENCE = "in a sentence"
ONE_FIELD = "one field wrong: "
EXCHANGED, FIELD_MISSING = "two fields with each other's value", "one field missing"
UNNAMED_FIELD = "one field wrong, where the prompt names none: "
ALL_BUT_FIRST, ALL_BUT_LAST = "every element but the first wrong", "every element but the last wrong"
OTHER_UNIT = "another unit"
UNIT_NAMED = "another unit than the one the prompt names"
"""Left out of most graders' reading on purpose: the prompt has told the model which unit to use."""
SIGN = "sign flipped"
UNSIGNED = "sign flipped, where no row's answer is negative"
"""Hardly a model writes a minus there: what the grader makes of it teaches nothing."""
CLOSE = "close, but wrong: "
SAME_HALF = f"{CLOSE}other decimals of the same whole number, where a nearer number is refused"
NEARER = f"{CLOSE}a nearer number with another whole number"
BEYOND = ", beyond the digits that the prompt names"
"""How the kinds of wrong answers end that nobody gives who reads a scale such as 1 to 5."""
DENIED = "denied: “definitely not ...”"
WITHDRAWN = "right at first, wrong in the end"
LONGER_WORD = "a word that begins with it"
TOO_MANY = "an element too many"
REVERSED = "in the opposite order"
UNORDERED = "in the opposite order, where the prompt speaks of none"
LETTER_MORE, LETTER_LESS = "a letter more", "a letter less"
"""Where only these two are paid, the grader forgives misspelling."""
REUSED = "a number used more often than it is given"
STRANGER = "the answer that another row has, while the row's own is refused,"
SCALED = "the answer times "
IN_CAPITALS, IN_SMALL = "the answer in capitals", "the answer in small letters"
CHANGED = (SCALED, IN_CAPITALS, IN_SMALL)
"""How the kinds begin of right answers changed so that grader and reference agree."""
CONSTANT = "always "
ANOTHER_ORDER = "elements in another order"
UNCHANGED = "the text to edit, unchanged"
SEVERAL_LINES = "reasoning over several lines"
RIGHT_SAMPLE, WRONG_SAMPLE, OPEN_SAMPLE = "reads as right", "reads as wrong", "not sure what it says"
EXOTIC = "strange: "
TIMED, BACKTRACK = "long: ", "made for backtracking: "
RIGHT_PLAIN, WRONG_PLAIN = "right, plain", "wrong, plain"


@dataclass(frozen=True, slots=True)
class Probe:
    """One answer to grade.

    Attributes
    ----------
    family : Family
    kind : str
        What was done, in users' words: "off by one", "the prompt copied".
    row : int
        Position in the list of prompts that the plan was made for.
    text : str
        The answer.
    least : float
        The least a sound grader pays, as a share of what the row's right answer earns: 1 for an answer
        that must count as right, 0 where nothing is demanded.
    most : float
        The most it pays, as the same share: 0 for worthless text, 0.8 for one of five fields wrong,
        1 where nothing is forbidden.
    alike : float
        How much the answer resembles the right one, in 0..1; a grader that gives marks for being close
        may pay as much.
    base : int
        Index of the probe this one is a dressed-up form of, within the same plan; -1: none.
    serial : bool
        Graded alone, so that its time means something.
    priority : Priority
    """

    family: Family
    kind: str
    row: int
    text: str
    least: float = 0.0
    most: float = 1.0
    alike: float = 0.0
    base: int = -1
    serial: bool = False
    priority: Priority = Priority.USUAL
