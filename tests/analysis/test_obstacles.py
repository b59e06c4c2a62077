"""What keeps responses from being paid, as the figures alone show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.form import unless_nothing_paid
from dryrun.analysis.figures.readings import Misplaced, refusals
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.record import training_of
from dryrun.analysis.verdict.conditions import conditions
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.verdict.tree import Notice, NoticeCode
from dryrun.core.probe import FAR, VOID
from dryrun.core.text import inert
from dryrun.core.thresholds import Thresholds

JUNK = {name: np.zeros(20) for name in ("empty", "refusal", "long filler", FAR)}
RIGHT = np.ones(50)


def binary(mean: float, prompts: int = 120, k: int = 4) -> np.ndarray:
    rng = np.random.default_rng(1)
    chance = rng.beta(2 * mean, 2 * (1 - mean), prompts)
    return (rng.random((prompts, k)) < chance[:, None]).astype(np.float64)


def test_topics_are_not_sent_to_sft_for_what_an_end_token_costs() -> None:
    scores = np.zeros((120, 4))
    says = np.tile([1.0, 0.0], 200)
    topics = ["a", "b"] * 60
    seen = Observations.of(scores, topics=topics)
    given: dict[str, Any] = {"reference": RIGHT, "junk": JUNK, "read": (np.zeros(400), says)}
    found = diagnose_with_evidence(seen, Anchors(**given, end_tokens=1.0))
    assert found.actions[0].sentence.startswith("Let the server stop at its end token")
    assert not any(action.topic for action in found.actions)
    assert not any("SFT" in action.sentence for action in found.actions)


def test_a_go_with_an_end_token_has_a_condition_and_no_advice_for_topics() -> None:
    scores = np.concatenate([binary(0.6), np.zeros((40, 4))])
    topics = ["fine"] * 120 + ["low"] * 40
    paid = scores.ravel()[:400]
    says = np.where(np.arange(400) % 4 == 0, 1.0, paid)
    seen = Observations.of(scores, topics=topics)
    given: dict[str, Any] = {
        "reference": RIGHT,
        "junk": JUNK,
        "read": (np.where(np.arange(400) % 4 == 0, 0.0, paid), says),
    }
    plain = diagnose_with_evidence(seen, Anchors(**given))
    assert any(action.topic == "low" for action in plain.actions)
    found = diagnose_with_evidence(seen, Anchors(**given, end_tokens=0.5))
    assert found.verdict == "GO"
    assert "around_answers" in [one.code for one in found.conditions]
    assert not any(action.topic for action in found.actions)


def test_a_few_displaced_references_are_a_condition_many_a_no_go() -> None:
    few = Misplaced(100, 60, 25, claimed=25, distinct=100, chance=0.02, numeric=True, pairs=((3, 9),))
    many = replace(few, own=20, elsewhere=60, claimed=60)
    seen = Observations.of(binary(0.5))
    go = diagnose_with_evidence(seen, Anchors(reference=RIGHT, junk=JUNK, misplaced=few))
    assert (go.verdict, [one.code for one in go.conditions]) == ("GO", ["misplaced_references"])
    stopped = diagnose_with_evidence(seen, Anchors(reference=RIGHT, junk=JUNK, misplaced=many))
    assert (stopped.verdict, stopped.dataset_quality) == ("NO-GO", "misplaced_references")
    assert "row 3 by that of row 9" in stopped.summary


@pytest.mark.parametrize(
    ("elsewhere", "claimed", "distinct", "chance", "numeric", "surely"),
    [
        (30, 30, 80, 0.05, True, True),
        (30, 30, 80, 0.40, True, False),
        (7, 7, 80, 0.0, True, False),
        (30, 30, 15, 0.0, True, False),
        (45, 45, 48, 0.0, False, True),
        (45, 29, 48, 0.0, False, False),
    ],
)
def test_responses_must_fit_other_rows_far_better_than_chance(
    elsewhere: int, claimed: int, distinct: int, chance: float, numeric: bool, surely: bool
) -> None:
    assert Misplaced(80, 0, elsewhere, claimed, distinct, chance, numeric).surely is surely


def test_refusals_that_are_paid_are_none() -> None:
    score, prompt = np.tile([1.0, 0.0], 40), np.repeat(np.arange(40), 2)
    found = refusals(score, np.ones(80, bool), prompt, prompt + 1)
    assert found is not None
    assert (found.count, found.read, found.rest) == (40, 80, 1.0)
    assert found.rows == (1, 2, 3, 4, 5, 6, 7, 8)


def test_points_for_the_form_count_only_where_the_outcome_is_paid() -> None:
    right = binary(0.2)
    form = (np.random.default_rng(4).random(right.shape) < 0.5).astype(np.float64)
    seen = Observations.of((right + form) / 2, parts={"correct": right, "form": form})
    training = training_of(seen)
    junk = {**JUNK, FAR: np.full(20, 0.5), VOID: np.full(20, 0.5)}
    for paid, named in ((0.0, False), (1.0, True)):
        parts = {kind: {"correct": np.full(20, paid), "form": np.ones(20)} for kind in (FAR, VOID)}
        given = Anchors(reference=RIGHT, junk=junk, junk_parts=parts)
        found = diagnose_with_evidence(seen, given, training=training)
        assert found.verdict == "GO"
        assert ("form_pays_most" in [one.code for one in found.conditions]) is named


def test_a_small_signal_index_is_no_no_go_where_the_outcome_surely_teaches() -> None:
    rng, right = np.random.default_rng(5), binary(0.5, prompts=200, k=8)
    form = np.repeat(rng.random((200, 1)), 8, axis=1) + 0.002 * rng.random(right.shape)
    seen = Observations.of((0.01 * right + form) / 1.2, parts={"correct": right, "form": form})
    read = (seen.score, right.ravel())
    given = Anchors(reference=RIGHT, junk=JUNK, read=read, read_prompt=seen.prompt)
    alone = diagnose_with_evidence(seen, given)
    assert (alone.verdict, "Signal Index" in alone.summary) == ("NO-GO", True)
    assert diagnose_with_evidence(seen, given, training=training_of(seen)).verdict == "GO"


def test_words_of_a_grader_cannot_become_markup() -> None:
    said = inert("line 2: KeyError: '[x](https://a.b) <img src=x> `y` **z** www.evil.org my_field __init__'")
    assert not set(said) & set("[]<>`*/!#|\\")
    assert "www." not in said
    assert "my_field" in said
    assert "__" not in said


def read(score: np.ndarray, says: np.ndarray, formed: bool = True) -> Anchors:
    """What was read of responses, right ones in the form that was asked for."""
    return Anchors(
        reference=RIGHT,
        junk=JUNK,
        read=(score, says),
        read_prompt=np.repeat(np.arange(score.size // 4), 4),
        read_formed=(says == 1.0) & formed,
    )


@pytest.mark.parametrize(
    ("unpaid", "formed", "named"), [(0.4, True, True), (0.4, False, False), (0.05, True, False)]
)
def test_right_answers_as_asked_for_that_go_unpaid_are_a_condition(
    unpaid: float, formed: bool, named: bool
) -> None:
    says = binary(0.6).ravel()
    score = says * (np.random.default_rng(2).random(says.size) >= unpaid)
    found = diagnose_with_evidence(Observations.of(score.reshape(-1, 4)), read(score, says, formed))
    assert found.verdict == "GO"
    assert ("right_unpaid" in [one.code for one in found.conditions]) is named
    assert ("give the right answer as the prompt asks for it" in found.summary) is named


def test_runs_that_kept_no_form_have_no_such_condition() -> None:
    says = binary(0.6).ravel()
    score = says * (np.random.default_rng(2).random(says.size) >= 0.4)
    found = diagnose_with_evidence(
        Observations.of(score.reshape(-1, 4)), replace(read(score, says), read_formed=None)
    )
    assert found.conditions == ()


@pytest.mark.parametrize(
    ("agree", "quality"), [(0.0, "inverted"), (0.2, "inverted"), (0.5, "binary"), (1.0, "binary")]
)
def test_a_grader_that_pays_real_wrong_responses_more_is_inverted(agree: float, quality: str) -> None:
    says = binary(0.5).ravel()
    same = np.random.default_rng(3).random(says.size) < agree
    score = np.where(same, says, 1.0 - says)
    turned = replace(read(score, says), reference=1.0 - RIGHT, junk={**JUNK, FAR: RIGHT[:20]})
    anchors = turned if quality == "inverted" else read(score, says)
    found = diagnose_with_evidence(Observations.of(score.reshape(-1, 4)), anchors)
    assert (found.grader_quality == "inverted") is (quality == "inverted")
    assert ("Responses that are right earn less than wrong ones" in found.summary) is (quality == "inverted")


def test_where_right_answers_alone_are_paid_more_the_comparison_is_not_called_turned_round() -> None:
    says = binary(0.5).ravel()
    score = 0.3 * says + 0.7 * (1.0 - says)  # a length term pays what wrong responses have
    anchors = replace(read(score, says), reference=0.7 * RIGHT, junk={**JUNK, FAR: np.full(20, 0.4)})
    found = diagnose_with_evidence(Observations.of(score.reshape(-1, 4)), anchors)
    assert (found.verdict, found.grader_quality) == ("NO-GO", "unlearns")
    assert "Right answers alone score 0.70, those of other rows 0.40" in found.summary
    assert "only where the outcome is right" in found.actions[0].sentence
    assert "Turn the comparison round" not in str(found.actions)


@pytest.mark.parametrize(("rows_fail", "dataset"), [(False, "good"), (True, "bad_references")])
def test_references_are_not_blamed_for_errors_that_come_here_and_there(rows_fail: bool, dataset: str) -> None:
    scores, rng = binary(0.7), np.random.default_rng(5)
    errors = np.repeat(rng.random(120) < 0.3, 4) if rows_fail else rng.random(480) < 0.3
    scores[errors.reshape(-1, 4)] = 0.0
    seen = replace(Observations.of(scores), grader_error=errors)
    reference = np.where(np.arange(50) < 13, 0.0, 1.0)
    found = diagnose_with_evidence(seen, Anchors(reference=reference, junk=JUNK))
    assert found.dataset_quality == dataset
    few = np.where(np.arange(50) < 6, 0.0, 1.0)
    named = [
        notice.code for notice in diagnose_with_evidence(seen, Anchors(reference=few, junk=JUNK)).warnings
    ]
    assert ("failing_references" in named) is rows_fail


@pytest.mark.parametrize(("mean", "quality"), [(0.97, "too_lenient"), (0.03, "too_hard")])
def test_references_that_no_paid_response_holds_are_not_read(mean: float, quality: str) -> None:
    """Tests of a program, say: paid programs do not hold them either."""
    scores = binary(mean)
    unread, says = np.zeros(scores.size), np.array(scores.ravel())
    found = diagnose_with_evidence(Observations.of(scores), Anchors(read=(scores.ravel(), unread)))
    assert found.undetermined
    says[::3] = 0.0  # some of the paid ones are right: the others are surely not
    shown = diagnose_with_evidence(Observations.of(scores), Anchors(read=(scores.ravel(), says)))
    assert quality in (shown.dataset_quality, shown.grader_quality)


@pytest.mark.parametrize(("lot", "quality"), [(False, "too_strict"), (True, "cannot_differentiate")])
def test_right_responses_that_go_unpaid_are_no_prompts_of_one_kind(lot: bool, quality: str) -> None:
    says = binary(0.6).ravel()
    accepted = np.repeat(np.arange(120) % 6 == 0, 4)  # the grader takes the form of one row in six
    score = (np.random.default_rng(4).random(480) < 0.3).astype(float) if lot else says * accepted
    found = diagnose_with_evidence(Observations.of(score.reshape(-1, 4)), read(score, says))
    assert (found.verdict, found.grader_quality) == ("NO-GO", quality)
    assert ("they are not paid for it" in found.summary) is not lot


@pytest.mark.parametrize(("varied", "step"), [(False, "temperature above 0"), (True, "some of the time")])
def test_responses_that_differ_were_not_drawn_at_temperature_0(varied: bool, step: str) -> None:
    scores = np.repeat(np.array([0.0, 1.0] * 30)[:, None], 4, axis=1)
    lengths = np.random.default_rng(6).integers(5, 90, scores.shape) if varied else np.full(scores.shape, 9)
    found = diagnose_with_evidence(Observations.of(scores, lengths=lengths))
    assert found.dataset_quality == "polarised"
    assert ("Is the temperature 0?" in found.summary) is not varied
    assert "No prompt would give a signal" in found.summary
    assert step in found.actions[0].sentence


def test_a_cause_that_is_known_is_not_to_be_determined() -> None:
    known = diagnose_with_evidence(Observations.of(binary(0.03)), Anchors(reference=RIGHT, junk=JUNK))
    assert "Review sample outputs to confirm the cause" in [one.sentence for one in known.actions]
    left_open = diagnose_with_evidence(Observations.of(binary(0.03)))
    assert left_open.actions[0].sentence == "Review sample outputs to determine cause"


@pytest.mark.parametrize(
    ("worthless", "quality"),
    [(dict.fromkeys(JUNK, RIGHT), "too_lenient"), ({**JUNK, FAR: RIGHT}, "hackable")],
)
def test_naming_many_values_is_no_news_where_any_value_is_paid(
    worthless: dict[str, np.ndarray], quality: str
) -> None:
    anchors = Anchors(reference=RIGHT, junk=worthless, hedged=RIGHT)
    found = diagnose_with_evidence(Observations.of(np.ones((60, 4))), anchors)
    assert found.grader_quality == quality
    assert "hedged_paid" not in [notice.code for notice in found.warnings]


def test_worthless_text_that_resembles_an_answer_a_little_is_no_condition() -> None:
    """A measure of likeness pays any text a third, and a wrong answer more."""
    scores = np.clip(0.35 + 0.65 * binary(0.6), 0.0, 1.0)
    junk = {**JUNK, "the prompt copied": np.full(20, 0.36), FAR: np.full(20, 0.6)}
    found = diagnose_with_evidence(Observations.of(scores), Anchors(reference=RIGHT, junk=junk))
    assert found.headline == "GO"
    assert any("less than wrong ones in the right form" in one.sentence for one in found.warnings)
    alone = {**JUNK, "the prompt copied": np.full(20, 0.36)}
    paid = diagnose_with_evidence(Observations.of(scores), Anchors(reference=RIGHT, junk=alone))
    assert [one.code for one in paid.conditions] == ["worthless_paid"]


def test_what_real_responses_outweigh_is_said_once() -> None:
    says = binary(0.5).ravel()
    given = replace(read(says, says), junk={**JUNK, "long filler": np.ones(20)})
    found = diagnose_with_evidence(Observations.of(says.reshape(-1, 4)), given)
    said = [one.sentence for one in found.warnings if "long filler" in one.sentence]
    assert len(said) == 1
    assert "No NO-GO" in said[0]


@pytest.mark.parametrize(("right", "quality"), [(0.5, "too_lenient"), (0.95, "good")])
def test_a_high_mean_of_wrong_responses_is_the_graders(right: float, quality: str) -> None:
    """A tolerance of a quarter pays what is far off; what no answer says is refused all the same."""
    says = binary(right).ravel()
    score = np.where(np.random.default_rng(7).random(says.size) < 0.96, 1.0, says)
    found = diagnose_with_evidence(Observations.of(score.reshape(-1, 4)), read(score, says))
    assert (found.verdict, found.grader_quality) == ("NO-GO", quality)
    reasons = " ".join(found.attribution.reasons)
    assert ("and most are paid" in reasons) is (quality == "too_lenient")
    assert any(cause.part == "grader" for cause in found.causes) is (quality == "too_lenient")


@pytest.mark.parametrize("share", [0.6, 1.0])
def test_an_endpoint_that_echoes_blames_neither_the_prompts_nor_the_grader(share: float) -> None:
    """Copies that hold the answer among options read as right and unpaid, others as prompts too hard."""
    for says in (binary(0.05), binary(0.4)):
        known = replace(read(np.zeros(says.size), says.ravel()), copied=share)
        stopped = diagnose_with_evidence(Observations.of(np.zeros_like(says)), known)
        assert (stopped.verdict, stopped.grader_quality, stopped.dataset_quality) == (
            "NO-GO",
            "unknown",
            "unknown",
        )
        assert "the prompt again" in " ".join(stopped.sentences)
        assert "by hand" in stopped.actions[0].sentence
        assert stopped.causes == ()


def test_copied_prompts_under_a_go_are_a_condition() -> None:
    go = diagnose_with_evidence(
        Observations.of(binary(0.4)), Anchors(reference=RIGHT, junk=JUNK, copied=0.45)
    )
    assert (go.verdict, [condition.code for condition in go.conditions]) == ("GO", ["copied_prompts"])


@pytest.mark.parametrize(("raised", "dataset"), [(True, "good"), (False, "bad_references")])
def test_references_on_which_the_grader_raises_an_error_are_not_bad(raised: bool, dataset: str) -> None:
    reference = np.where(np.arange(50) < 20, 0.0, 1.0)
    anchors = Anchors(reference=reference, raised=(reference == 0.0) & raised, junk=JUNK)
    found = diagnose_with_evidence(Observations.of(binary(0.5)), anchors)
    assert found.dataset_quality == dataset
    sentences = [condition.sentence for condition in found.conditions]
    assert ("The grader raises an error on 40 % of your own reference answers." in sentences) is raised


@pytest.mark.parametrize(
    ("right", "reference", "step"),
    [
        (0.0, np.zeros(50), "Check which field, and which form, the grader compares with"),
        (0.01, np.full(50, 0.01), "Declare the reward range"),
        (0.1, np.full(50, 0.1), "Declare the reward range"),
        (0.0, RIGHT, "Read the right responses that earn little"),
    ],
    ids=["nothing is paid", "0 to 1 on a scale of 100", "on a scale of 10", "another form"],
)
def test_what_to_do_where_right_responses_go_unpaid(right: float, reference: np.ndarray, step: str) -> None:
    says = binary(0.6)
    anchors = unless_nothing_paid(replace(read(right * says.ravel(), says.ravel()), reference=reference))
    found = diagnose_with_evidence(Observations.of(right * says), anchors)
    assert (found.verdict, found.grader_quality) == ("NO-GO", "too_strict")
    assert found.actions[0].sentence.startswith(step)
    assert f"{found.causes[0].solution}." == found.actions[0].sentence, "not the document's step beside it"


def test_a_grader_that_pays_its_references_is_not_loosened_until_it_does() -> None:
    """Free text that nobody reads: only the references in another form speak against the grader."""
    found = diagnose_with_evidence(
        Observations.of(0.3 * binary(0.1)), Anchors(reference=RIGHT, reformatted=np.zeros(50), junk=JUNK)
    )
    assert found.grader_quality == "too_strict"
    assert "until your reference answers earn" not in str((found.actions, found.sentences))


def test_paid_responses_clear_a_grader_that_minds_the_form() -> None:
    """A mean below a threshold of one's own: right answers are paid, whatever they earn in another form."""
    says = binary(0.5)
    anchors = replace(read(says.ravel(), says.ravel()), reformatted=np.zeros(50))
    found = diagnose_with_evidence(Observations.of(says), anchors, Thresholds(mean_low=0.6))
    assert (found.verdict, found.dataset_quality) == ("NO-GO", "too_hard")
    assert not [cause.title for cause in found.causes if "strict" in cause.title]


def refusing(share: float, spread: bool) -> Evidence:
    """Right, but for those that refuse: whole prompts, or responses to all of them alike."""
    says = binary(0.7)
    which = np.random.default_rng(3).random((120, 4)) < share
    says[which if spread else which[:, 0]] = 0.0
    refused = which if spread else np.repeat(which[:, :1], 4, axis=1)
    place = np.repeat(np.arange(120), 4)
    anchors = replace(
        read(says.ravel(), says.ravel()), refusals=refusals(says.ravel(), refused.ravel(), place, place)
    )
    outcomes = np.where(refused, "refused", "answered")
    return diagnose_with_evidence(Observations.of(says, outcomes=outcomes), anchors)


def test_refused_prompts_are_neither_drawn_again_nor_said_twice() -> None:
    stopped, go = refusing(0.9, spread=True), refusing(0.4, spread=False)
    assert (stopped.verdict, stopped.headline, stopped.dataset_quality) == ("NO-GO", "NO-GO", "refusals")
    assert "Drop the prompts" not in str(stopped.actions)
    assert go.headline == "GO, with conditions"
    assert go.conditions[0].step == "reword the prompts, or use another base model"
    assert [condition.code for condition in go.conditions if "refus" in condition.sentence] == ["outweighed"]


@pytest.mark.parametrize(("share", "named"), [(0.6, True), (0.1, False)])
def test_a_grader_that_reads_the_wrong_field_is_no_hard_prompt(share: float, named: bool) -> None:
    none = np.zeros((120, 4))
    found = diagnose_with_evidence(
        Observations.of(none), replace(read(none.ravel(), none.ravel()), misread=("answer", share))
    )
    step = found.actions[0]
    assert (found.dataset_quality == "too_hard") is not named
    assert step.sentence.startswith("Let the grader compare with “answer”") is named
    assert step.kind == ("adjust_grader" if named else "try_sft")


@pytest.mark.parametrize("labels", [("0", "1"), ()])
def test_labels_that_nobody_names_blame_neither_prompts_nor_grader(labels: tuple[str, ...]) -> None:
    none = np.zeros((120, 4))
    found = diagnose_with_evidence(
        Observations.of(none), replace(read(none.ravel(), none.ravel()), unnamed=labels)
    )
    assert (found.dataset_quality == "too_hard") is not bool(labels)
    assert ("a few values (“0”, “1”)" in " ".join(found.sentences)) is bool(labels)


@pytest.mark.parametrize(
    ("cause", "follows"),
    [
        (NoticeCode.NOISY_GRADER, NoticeCode.FAILING_REFERENCES),
        (NoticeCode.NOISY_GRADER, NoticeCode.OUTWEIGHED),
        (NoticeCode.MANY_REFUSING, NoticeCode.FEW_USABLE),
        (NoticeCode.TRUNCATED, NoticeCode.WEAK_SIGNAL),
    ],
)
def test_a_go_hangs_first_on_what_the_rest_follows_from(cause: NoticeCode, follows: NoticeCode) -> None:
    warned = tuple(Notice(code, code.value) for code in (follows, cause))
    assert [condition.code for condition in conditions(warned, None)] == [cause, follows]
