"""score_model, label_model and cosine against a real server on loopback: what they ask and what they pay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dryrun.core.config import JudgeConfig
from dryrun.core.errors import GraderError, ModelError
from dryrun.core.records import Grade, GradeOutcome, RunState
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.engine.work import work_on
from dryrun.graders import build, load_grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.kinds.judge import read_score
from dryrun.graders.kinds.judge_grader import result_of
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import Body, FakeEndpoint, Reply
from tests.helpers.grading import LABEL, SCORE, sample, similarity, string_check
from tests.helpers.support import endpoint_config, sum_rows


def says(result: Any) -> str:
    return json.dumps({"steps": [{"description": "d", "conclusion": "c"}], "result": result})


@pytest.fixture
def judge() -> Iterator[FakeEndpoint]:
    with FakeEndpoint(answer=lambda body: says(3.5)) as server:
        yield server


def judged(
    grader: dict[str, Any], server: FakeEndpoint, text: str = "42", count: int = 1, key: str = ""
) -> list[Grade]:
    """The grades of the same response, `count` times, at once."""

    async def run() -> list[Grade]:
        access = JudgeAccess(JudgeConfig(base_url=server.base_url, concurrency=3, timeout=5.0), key)
        async with build(load_grader(grader), judge=access) as opened:
            item = {"reference_answer": 41.5}
            return list(await asyncio.gather(*(opened.grade(sample(text), item) for _ in range(count))))

    return asyncio.run(run())


def test_a_score_is_asked_for_as_the_service_asks_and_paid_on_its_own_scale(judge: FakeEndpoint) -> None:
    (found,) = judged({**SCORE, "sampling_params": {"seed": 7, "max_completions_tokens": 99}}, judge)
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED, 3.5)
    assert found.prompt_tokens
    assert found.completion_tokens
    assert json.loads(found.detail)["result"] == 3.5
    (body,) = judge.bodies
    assert body["messages"] == [
        {"role": "system", "content": "Score the answer."},
        {"role": "user", "content": "41.5 against 42"},
    ]
    assert (body["model"], body["seed"], body["max_completion_tokens"]) == ("gpt-judge", 7, 99)
    assert "temperature" not in body
    shape = body["response_format"]["json_schema"]
    assert (shape["name"], shape["strict"]) == ("float_score_classification", True)
    assert shape["schema"]["required"] == ["steps", "result"]
    assert shape["schema"]["properties"]["result"] == {"type": "number"}


@pytest.mark.parametrize(
    ("result", "reward", "error"),
    [
        (9, 5.0, ""),
        (-1, 0.0, ""),
        ("4", 4.0, ""),
        ("high", 0.0, "not a number"),
        ("1_0", 0.0, "not a number"),
        ("\u0664", 0.0, "not a number"),
        (True, 0.0, "not a number"),
        (None, 0.0, "not a number"),
        ([4], 0.0, "not a number"),
        (float("nan"), 0.0, "not a number"),
    ],
)
def test_a_score_is_clamped_and_what_is_no_number_pays_zero(
    judge: FakeEndpoint, result: Any, reward: float, error: str
) -> None:
    judge.answer = lambda body: says(result)
    (found,) = judged(SCORE, judge)
    assert found.reward == reward
    assert error in found.errors.get("model_grader_parse_error", "")
    assert found.outcome is (GradeOutcome.GRADED_ZERO if error else GradeOutcome.GRADED)


def test_no_number_pays_zero_even_outside_the_range() -> None:
    assert read_score("high", 1.0, 7.0)[0] == 0.0
    assert load_grader({**SCORE, "range": [1, 7]}).range == (0.0, 7.0)


@pytest.mark.parametrize(("label", "reward"), [("good", 1.0), ("fair", 1.0), ("bad", 0.0), ("great", 0.0)])
def test_a_passing_label_pays_one(judge: FakeEndpoint, label: str, reward: float) -> None:
    judge.answer = lambda body: says(label)
    (found,) = judged(LABEL, judge)
    assert found.reward == reward
    assert ("model_grader_parse_error" in found.errors) == (label == "great")
    assert judge.bodies[0]["response_format"]["json_schema"]["schema"]["properties"]["result"]["enum"] == [
        "good",
        "fair",
        "bad",
    ]


def test_a_server_without_schemas_is_asked_in_words_and_stays_so(judge: FakeEndpoint) -> None:
    def answer(body: Body) -> Reply | str:
        if "response_format" in body:
            return Reply.error(400, "Unknown parameter: 'response_format'.", param="response_format")
        assert "from 0 to 5" in body["messages"][-1]["content"]
        return "Let me think: {braces}.\n```json\n" + says(2) + "\n```"

    judge.answer = answer
    assert [found.reward for found in judged(SCORE, judge)] == [2.0]
    asked = len(judge.bodies)
    assert asked == 3  # json_schema, json_object, in words
    assert [found.reward for found in judged(SCORE, judge, count=1)] == [2.0]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "response_format of type json_schema is not supported"),
        (500, "This model does not support structured outputs"),
        (500, "Failed to parse grammar"),
        (501, "json_schema: not implemented"),
        (503, "Unknown response_format 'json_schema'"),
        (200, "json_schema is not supported by this backend"),
    ],
)
def test_a_schema_that_is_refused_as_a_fault_of_the_server_is_left_out_at_once(
    judge: FakeEndpoint, status: int, words: str
) -> None:
    def answer(body: Body) -> Reply | str:
        if "response_format" in body:
            return Reply(status=status, raw={"error": {"message": words}})
        return says(2)

    judge.answer = answer
    assert [(found.outcome, found.reward) for found in judged(SCORE, judge)] == [(GradeOutcome.GRADED, 2.0)]
    assert judge.calls == 3  # json_schema, json_object, in words: none of them twice


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(text=None, refusal="I will not"), "model_grader_refusal_error"),
        (Reply(text="", finish_reason="content_filter"), "model_grader_refusal_error"),
        (Reply(text=says(3)[:20], finish_reason="length"), "model_grader_parse_error"),
        (Reply(text="no idea"), "model_grader_parse_error"),
        (Reply(text='{"score": 3}'), "model_grader_parse_error"),
        (Reply(text=""), "model_grader_parse_error"),
        (Reply.error(400, "this prompt is too odd"), "model_grader_server_error"),
        (Reply.error(503, "overloaded", headers={"Retry-After": "0"}), "model_grader_server_error"),
    ],
)
def test_a_judge_without_a_result_leaves_the_sample_without_a_grade(
    judge: FakeEndpoint, reply: Reply, error: str
) -> None:
    """Never 0: the response is not to blame."""
    judge.answer = lambda body: reply
    (found,) = judged(SCORE, judge)
    assert (found.outcome, found.reward) == (GradeOutcome.UNGRADED, None)
    assert error in found.errors


def test_an_unreadable_answer_is_asked_for_once_more(judge: FakeEndpoint) -> None:
    judge.script(Reply(text="hm"))
    (found,) = judged(SCORE, judge)
    assert (found.reward, judge.calls) == (3.5, 2)


def test_judge_calls_keep_to_their_lane(judge: FakeEndpoint) -> None:
    judge.delay = 0.02
    assert len(judged(SCORE, judge, count=12)) == 12
    assert judge.max_in_flight == 3


def test_a_wrong_key_and_a_dead_judge_stop_instead_of_grading_nothing(judge: FakeEndpoint) -> None:
    judge.api_key = "right"
    with pytest.raises(ModelError, match=r"The judge gpt-judge: .*key") as caught:
        judged(SCORE, judge, key="sk-wrong-secret")
    assert "sk-wrong-secret" not in str(caught.value)
    judge.api_key = None
    judge.answer = lambda body: Reply.error(400, "never")
    with pytest.raises(ModelError, match="20 times in a row"):
        judged(SCORE, judge, count=25)


def test_a_multi_grader_with_a_judge_adds_up_tokens_and_keeps_what_it_said(judge: FakeEndpoint) -> None:
    exact = string_check()
    grader = {
        "type": "multi",
        "name": "both",
        "graders": {"exact": exact, "rubric": SCORE},
        "calculate_output": "0.5 * exact + 0.1 * rubric",
    }
    (found,) = judged(grader, judge, "41.5")
    assert found.reward == pytest.approx(0.85)
    assert found.sub_rewards == {"exact": 1.0, "rubric": 3.5}
    assert found.prompt_tokens
    assert found.detail.startswith("rubric: ")


def test_cosine_compares_embeddings(judge: FakeEndpoint) -> None:
    texts = {"abc": "abc", "aabbcc": "abc", "a": "b"}
    rewards = []
    for given, reference in texts.items():
        grader = {**similarity("cosine"), "reference": reference}
        rewards.append(judged(grader, judge, given)[0].reward)
    assert rewards == pytest.approx([1.0, 1.0, 0.0])
    assert judge.bodies[0]["model"] == "text-embedding-3-large"
    judge.script(Reply(raw={"data": [{"index": 0, "embedding": [1.0]}]}))
    assert judged(similarity("cosine"), judge)[0].outcome is GradeOutcome.UNGRADED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"range": [1, 0]}, "$.range"),
        ({"range": [0]}, "$.range"),
        ({"input": []}, "$.input"),
        ({"input": [{"role": "asistant", "content": "x"}]}, "Did you mean 'assistant'"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "$.input[0].content"),
        ({"input": [{"role": "user", "content": "{{ response }}"}]}, "$.input[0].content"),
        ({"input": [{"role": "user"}]}, "$.input[0]: the field 'content' is missing"),
        ({"sampling_params": {"max_completion_tokens": 5}}, "Did you mean 'max_completions_tokens'"),
        ({"modle": "x"}, "Did you mean 'model'"),
        ({"model": None}, "$.model"),
    ],
)
def test_a_wrong_judge_is_explained_with_its_path(change: dict[str, Any], said: str) -> None:
    with pytest.raises(GraderError) as caught:
        load_grader({**SCORE, **change})
    assert said in str(caught.value)


def test_a_passing_label_that_is_no_label_is_named() -> None:
    with pytest.raises(GraderError, match="'great', which is not one of labels"):
        load_grader({**LABEL, "passing_labels": ["great"]})


def test_what_is_loaded_is_what_is_written() -> None:
    spec = load_grader(SCORE)
    assert load_grader(spec.raw) == spec
    assert spec.raw["range"] == [0.0, 5.0]


@pytest.mark.parametrize("text", ["", "nothing", "[1]", "null", "{]"])
def test_an_answer_without_a_result_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="judge's answer"):
        result_of(text)


def test_of_several_objects_the_last_with_a_result_counts() -> None:
    """Judges write objects of their own before and after the one they were asked for."""
    assert result_of('<think>{"result": 5}</think>{"steps": [], "result": 2} Note: {"sure": true}') == 2


@pytest.mark.slow
def test_a_run_with_a_judge_keeps_apart_what_other_judges_said(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    """The judge's endpoint is part of a grade's name; its tokens and words are stored with it."""
    scorer: Callable[[Body], str] = lambda body: says(5 if "11 against 11" in str(body) else 1)  # noqa: E731
    judge.answer = scorer

    def run(model: str | None) -> tuple[int, int]:
        before = endpoint.calls, judge.calls
        prepared = prepare(
            dataset_from_items(sum_rows(10)),
            SCORE,
            model=endpoint_config(endpoint.base_url, seed=0),
            judge=JudgeConfig(base_url=judge.base_url, model=model),
        )
        status = asyncio.run(work_on(start(store, prepared), api_key="k", judge_key="j"))
        assert (status.state, status.ungraded) == (RunState.FINISHED, 0)
        return endpoint.calls - before[0], judge.calls - before[1]

    assert run(None) == (40, 40)
    assert run(None) == (0, 0)
    assert run("another-judge") == (0, 40)
    assert {headers["Authorization"] for headers in judge.headers} == {"Bearer j"}
