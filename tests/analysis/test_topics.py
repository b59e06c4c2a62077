from __future__ import annotations

import numpy as np
import pytest

from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.document import diagnose
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.analysis.verdict.topics import TopicFigures, TopicProblem, TopicStatus
from dryrun.analysis.verdict.tree import NoticeCode
from dryrun.analysis.verdict.words import ActionKind
from dryrun.core.thresholds import Thresholds
from tests.helpers.observed import beta_scores, observe


def judged(parts: dict[str, np.ndarray], thresholds: Thresholds | None = None) -> dict[str, TopicFigures]:
    scores = np.concatenate(list(parts.values()))
    topics = [name for name, own in parts.items() for _ in own]
    found = diagnose(observe(scores, topics=topics), thresholds)
    return {topic.topic: topic for topic in found.topics}


DOCUMENT = {
    "data_queries": beta_scores(0.51, 0.18, 95),
    "calculations": beta_scores(0.12, 0.08, 82),
    "content_gen": beta_scores(0.45, 0.21, 78),
}


def test_the_documents_example() -> None:
    found = judged(DOCUMENT)
    assert {name: topic.status for name, topic in found.items()} == {
        "calculations": TopicStatus.PROBLEM,
        "content_gen": TopicStatus.GOOD,
        "data_queries": TopicStatus.GOOD,
    }
    assert found["calculations"].problem is TopicProblem.TOO_LOW
    assert next(iter(found)) == "calculations"


def test_the_documents_report_has_no_problem_topic() -> None:
    found = judged(
        {
            "data_queries": beta_scores(0.51, 0.2, 95),
            "calculations": beta_scores(0.38, 0.2, 82),
            "content_gen": beta_scores(0.45, 0.2, 78),
            "tool_usage": beta_scores(0.35, 0.2, 45),
        }
    )
    assert {topic.status for topic in found.values()} == {TopicStatus.GOOD}
    assert list(found) == ["tool_usage", "calculations", "content_gen", "data_queries"]


def test_figures_agree_with_numpy() -> None:
    found = judged(DOCUMENT)
    for name, scores in DOCUMENT.items():
        assert found[name].mean == pytest.approx(scores.mean(), abs=1e-14)
        assert found[name].std == pytest.approx(scores.std(ddof=1), abs=1e-14)
        assert (found[name].count, found[name].prompts) == (scores.size, scores.size)


def test_a_much_lower_topic_brings_the_documents_recommendations() -> None:
    scores = np.concatenate(list(DOCUMENT.values()))
    topics = [name for name, own in DOCUMENT.items() for _ in own]
    found = diagnose(observe(scores, topics=topics))
    assert found.verdict == "GO"
    (action,) = found.actions
    assert (action.kind, action.topic) == (ActionKind.TRY_SFT, "calculations")
    assert action.sentence.startswith("Topic calculations ")
    assert all(part in action.sentence for part in ("SFT first", "exclude it", "adjust the grader"))
    assert [notice.code for notice in found.warnings] == [NoticeCode.TOPIC_PROBLEM]
    assert "0.12" in found.warnings[0].sentence


def test_a_mean_just_outside_the_healthy_range_is_no_problem_until_it_is_clear() -> None:
    rest = beta_scores(0.5, 0.2, 200)
    few = judged({"rest": rest, "odd": beta_scores(0.18, 0.15, 12)})["odd"]
    many = judged({"rest": rest, "odd": beta_scores(0.18, 0.12, 190)})["odd"]
    assert few.status is TopicStatus.GOOD
    assert many.status is TopicStatus.PROBLEM


def test_rollouts_of_one_prompt_do_not_count_as_evidence_each() -> None:
    # Ten prompts from 0 to 0.36, each answered twenty times alike: clear by responses, not by prompts.
    odd = np.repeat(np.linspace(0.0, 0.36, 10), 20)
    scores = np.r_[odd, beta_scores(0.5, 0.2, 400)]
    prompts = np.r_[np.repeat(np.arange(10), 20), 100 + np.arange(400)]
    topics = ["odd"] * 200 + ["rest"] * 400
    clustered = diagnose(observe(scores, topics=topics, prompts=prompts)).topics
    apart = diagnose(observe(scores, topics=topics)).topics
    assert {topic.topic: topic.status for topic in clustered}["odd"] is TopicStatus.GOOD
    assert {topic.topic: topic.status for topic in apart}["odd"] is TopicStatus.PROBLEM


def test_a_run_outside_the_healthy_range_does_not_light_up_every_topic() -> None:
    found = judged({"a": beta_scores(0.15, 0.14, 150), "b": beta_scores(0.16, 0.14, 150)})
    assert {topic.status for topic in found.values()} == {TopicStatus.GOOD}


@pytest.mark.parametrize(
    ("scores", "problem"),
    [
        (beta_scores(0.95, 0.04, 50), TopicProblem.TOO_HIGH),
        (np.full(50, 0.5), TopicProblem.LOW_VARIANCE),
        (np.zeros(50), TopicProblem.TOO_LOW),
    ],
)
def test_the_decision_tree_holds_for_a_topic_too(scores: np.ndarray, problem: TopicProblem) -> None:
    found = judged({"odd": scores, "rest": beta_scores(0.5, 0.2, 200)})["odd"]
    assert (found.status, found.problem) == (TopicStatus.PROBLEM, problem)
    assert found.note


def test_too_few_scores_get_no_status_and_say_why() -> None:
    found = judged({"tiny": np.zeros(3), "none": np.full(9, np.nan), "rest": beta_scores(0.5, 0.2, 200)})
    assert found["tiny"].status is None
    assert "too few" in found["tiny"].note
    assert (found["none"].status, found["none"].mean, found["none"].missing) == (None, None, 9)
    assert judged({"tiny": np.zeros(4), "rest": beta_scores(0.5, 0.2, 200)})["tiny"].status is not None


def test_few_prompts_are_called_rough() -> None:
    found = judged({"small": beta_scores(0.5, 0.2, 11), "rest": beta_scores(0.5, 0.2, 200)})
    assert "11 prompts" in found["small"].note
    assert found["rest"].note == ""


def test_rows_without_any_topic_give_no_table() -> None:
    assert diagnose(observe(beta_scores(0.5, 0.2))).topics == ()
    assert diagnose(observe([])).topics == ()


def test_rows_without_a_topic_among_others_are_shown() -> None:
    found = judged({"": beta_scores(0.5, 0.2, 50), "a": beta_scores(0.5, 0.2, 50)})
    assert found[""].label == "(no topic)"


@pytest.mark.parametrize(("prompts", "named"), [(2, False), (8, True)])
def test_evidence_says_nothing_of_topics_with_too_few_prompts(prompts: int, named: bool) -> None:
    scores = np.concatenate([beta_scores(0.5, 0.2, 400).reshape(100, 4), np.zeros((prompts, 4))])
    seen = Observations.of(scores, topics=["many"] * 100 + ["few"] * prompts)
    found = diagnose_with_evidence(seen)
    assert [notice.topic for notice in found.warnings if notice.topic] == ["few"] * named
    assert [action.topic for action in found.actions if action.topic] == ["few"] * named
    alone = diagnose_with_evidence(seen, thresholds=Thresholds.strict())
    assert [notice.topic for notice in alone.warnings if notice.topic] == ["few"]


@pytest.mark.parametrize(("better", "named"), [(0.0, []), (0.4, ["a", "b"])])
def test_a_problem_of_all_topics_is_that_of_the_run(better: float, named: list[str]) -> None:
    scores = np.concatenate([np.zeros((60, 4)), beta_scores(0.4, 0.2, 80).reshape(20, 4) * (better > 0)])
    seen = Observations.of(scores, topics=["a"] * 30 + ["b"] * 30 + ["c"] * 20)
    found = diagnose_with_evidence(seen)
    assert sorted(filter(None, (notice.topic for notice in found.warnings))) == named
    assert sorted(filter(None, (action.topic for action in found.actions))) == named
