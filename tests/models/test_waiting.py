"""What is waited for, and said meanwhile; and what stops a run at once, since no waiting cures it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dryrun.core.errors import ModelError
from dryrun.core.records import Sample, SampleOutcome
from dryrun.engine.budget import Prices
from dryrun.engine.estimate import Estimate
from dryrun.models import pace, silence
from dryrun.models.endpoint import EndpointModel
from dryrun.models.faults import Fault, FaultKind
from dryrun.models.pace import RetryPolicy
from dryrun.models.request import RequestSize
from dryrun.models.urls import known_for_batches
from tests.helpers.asking import ask, ask_async, make_model, make_prompt
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

BUDGET = "Budget has been exceeded! Current cost: 12.0, Max budget: 10.0"


def google(limit: str) -> Reply:
    """Google says the same for each limit, and how long to wait for one that a wait does not cure."""
    words = "You exceeded your current quota, please check your plan. Please retry in 0.01s."
    details = [{"violations": [{"quotaId": f"GenerateRequests{limit}PerProjectPerModel-FreeTier"}]}]
    error = {"code": 429, "message": words, "status": "RESOURCE_EXHAUSTED", "details": details}
    return Reply(status=429, raw=[{"error": error}])


@pytest.mark.parametrize(
    "reply",
    [
        google("PerDay"),
        Reply(status=429, raw={"error": {"message": BUDGET, "type": "budget_exceeded", "code": "429"}}),
        Reply(status=400, raw={"error": {"message": "no", "type": "budget_exceeded", "code": "400"}}),
        Reply(status=429, raw={"error": {"message": "ExceededBudget: over the team's budget"}}),
        Reply(status=429, raw={"error": {"message": "You exceeded your current quota"}}),
        Reply.error(429, "Your credit balance is too low"),
        Reply.error(429, "Rate limit reached for requests per day (RPD)"),
        Reply(status=403, raw={"error": "insufficient balance"}),
        Reply.error(400, "Access denied, make sure your account is in good standing.", "Arrearage"),
        Reply.error(402, "Payment Required"),
        Reply.error(412, "Account a is suspended, possibly due to reaching the monthly spending limit"),
    ],
)
def test_money_and_allowances_that_are_used_up_stop_the_run_at_once(
    endpoint: FakeEndpoint, reply: Reply
) -> None:
    endpoint.script(reply)
    with pytest.raises(ModelError, match=r"has no quota left .* or wait until it begins anew, then resume"):
        ask(endpoint.base_url)
    assert endpoint.calls == 1


@pytest.mark.parametrize(
    "reply",
    [
        google("PerMinute"),
        Reply.error(429, "You exceeded your current quota. Please retry in 0.01s."),
        Reply.error(429, "Rate limit reached for tokens per minute (TPM): Limit 6000. Try again in 0.01s"),
        Reply.error(429, "Quota exceeded for requests per minute"),
        Reply.error(429, "You exceeded your current quota", headers={"Retry-After": "0"}),
        Reply.error(429, "Too many requests"),
    ],
)
def test_limits_of_a_minute_are_waited_for(endpoint: FakeEndpoint, reply: Reply) -> None:
    endpoint.script(reply)
    assert ask(endpoint.base_url).outcome is SampleOutcome.ANSWERED
    assert endpoint.calls == 2


@pytest.mark.parametrize(
    "words",
    [
        "Invalid model name passed in model=fake. Call `/v1/models` to view available models",
        "The model `fake` does not exist",
        "fake is not a valid model ID",
        "Unknown model: fake",
        "The provided model identifier is invalid.",
    ],
)
def test_a_gateway_that_answers_400_to_a_wrong_model_stops_the_run(
    endpoint: FakeEndpoint, words: str
) -> None:
    endpoint.script(Reply.error(400, words))
    with pytest.raises(ModelError, match="has no model 'fake'"):
        ask(endpoint.base_url)
    assert endpoint.calls == 1


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(
    "words", ["Loading model", "Model fake is currently loading", "the model is not ready", "warming up"]
)
def test_a_model_that_is_being_loaded_is_waited_for_and_said(
    endpoint: FakeEndpoint, status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "DOWN_GAP", 0.0)
    endpoint.script(*[Reply.error(status, words)] * 12)
    news: list[str] = []
    model = make_model(endpoint.base_url, policy=RetryPolicy(first=0.0001))
    model.on_news = news.append
    (sample,) = asyncio.run(ask_async(model, make_prompt()))
    assert (sample.outcome, sample.attempts) == (SampleOutcome.ANSWERED, 13)
    assert "the endpoint is loading the model" in news[0]
    assert words in news[0]
    assert news[1:] == ["The endpoint answers again. Generating and grading."]


def test_nothing_but_429_is_said_with_the_servers_words_and_ends(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SAY_AFTER", 0.0)
    monkeypatch.setattr(silence, "SAY_EVERY", 0.0)
    monkeypatch.setattr(silence, "PATIENCE", 0.2)
    endpoint.answer = lambda _: Reply.error(429, "Slow down, friend")
    news: list[str] = []
    model = make_model(endpoint.base_url)
    model.on_news = news.append
    with pytest.raises(ModelError, match=r"has answered no call .* Slow down, friend"):
        asyncio.run(ask_async(model, make_prompt()))
    assert "answered nothing but errors" in news[0]
    assert "429 Too Many Requests: Slow down, friend" in news[0]


def test_an_endpoint_that_breaks_off_for_long_is_said_too(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SAY_SOON", 0.0)
    endpoint.script(Reply(drop=True))
    news: list[str] = []
    model = make_model(endpoint.base_url, policy=RetryPolicy(first=0.0001))
    model.on_news = news.append
    (sample,) = asyncio.run(ask_async(model, make_prompt()))
    assert sample.outcome is SampleOutcome.ANSWERED
    assert "closed the connection without an answer" in news[0]
    assert news[1:] == ["The endpoint answers again. Generating and grading."]


def test_many_429_lose_nothing(endpoint: FakeEndpoint) -> None:
    endpoint.script(*[Reply.error(429, "Slow down")] * 40)
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.attempts) == (SampleOutcome.ANSWERED, 41)


@pytest.mark.parametrize("status", [400, 422])
def test_a_request_that_is_sent_back_with_the_error_says_nothing_of_it(
    endpoint: FakeEndpoint, status: int
) -> None:
    prompt = "A credit balance of $5 per day: insufficient funds? The model was not found, content_filter."
    endpoint.script(Reply(status=status, raw={"error": {"message": "Bad row", "input": prompt}}))
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.error.rpartition(": ")[2]) == (SampleOutcome.FAILED, "Bad row")


def test_a_firewall_is_not_a_content_filter(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply(status=403, raw="<h2>The request is blocked by our security policy.</h2>"))
    with pytest.raises(ModelError, match="may not use 'fake'"):
        ask(endpoint.base_url)


def usage(prompt: int, answer: int, total: int) -> Reply:
    """A response with these counts."""
    counts = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": total}
    return Reply(raw={"choices": [{"message": {"content": "2"}, "finish_reason": "stop"}], "usage": counts})


@pytest.mark.parametrize(
    ("counts", "tokens"), [((20, 9, 1029), (20, 1009)), ((20, 9, 29), (20, 9)), ((20, 9, 0), (20, 9))]
)
def test_reasoning_that_only_the_total_counts_is_counted(
    endpoint: FakeEndpoint, counts: tuple[int, int, int], tokens: tuple[int, int]
) -> None:
    endpoint.script(usage(*counts))
    sample = ask(endpoint.base_url)
    assert (sample.prompt_tokens, sample.completion_tokens) == tokens


def test_a_server_that_does_not_keep_to_the_cap_is_told_its_older_name(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda body: usage(9, min(700, body.get("max_tokens", 700) - 1), 0)
    news: list[str] = []
    model = make_model(endpoint.base_url, max_completion_tokens=256)
    model.on_news = news.append

    async def both() -> list[Any]:
        async with model:
            return [await model.generate(make_prompt(), rollout) for rollout in range(2)]

    first, second = asyncio.run(both())
    assert [sorted({"max_tokens", "max_completion_tokens"} & body.keys()) for body in endpoint.bodies] == [
        ["max_completion_tokens"],
        ["max_tokens"],
    ]
    assert (first.completion_tokens, first.note) == (699, "longer than the token cap")
    assert second.completion_tokens == 255
    assert news == [
        "The endpoint does not keep to max_completion_tokens: it is sent as max_tokens from now on."
    ]


def test_a_response_as_long_as_the_cap_is_cut_off_whatever_it_says(endpoint: FakeEndpoint) -> None:
    endpoint.script(usage(9, 64, 73))
    assert ask(endpoint.base_url, max_completion_tokens=64).outcome is SampleOutcome.TRUNCATED
    endpoint.script(usage(9, 63, 72))
    assert ask(endpoint.base_url, max_completion_tokens=64).outcome is SampleOutcome.ANSWERED


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.openai.com/v1", "at most 40 completion"),
        ("http://127.0.0.1:9/v1", "up to 40 completion"),
    ],
)
def test_the_worst_case_is_a_promise_only_where_the_cap_is_known_to_hold(url: str, words: str) -> None:
    worst = Estimate(4, 1, 0, False, 4, RequestSize(10, 40), capped=known_for_batches(url))
    assert words in worst.words(Prices())


async def after_a_first(model: EndpointModel) -> list[Sample]:
    """The answers of 40 calls at once, after one that was answered before them."""
    async with model:
        await model.generate(make_prompt(), 0)
        return await asyncio.gather(*(model.generate(make_prompt(str(number)), 0) for number in range(40)))


def test_calls_to_an_endpoint_that_went_away_wait_together_and_go_on_once_it_is_back(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once had tries of its own: hundreds of calls made a thousand in half a minute."""
    monkeypatch.setattr(pace, "DOWN_GAP", 0.005)
    endpoint.script(Reply(), *[Reply(drop=True)] * 60)
    model = make_model(
        endpoint.base_url, concurrency=8, policy=RetryPolicy(retries=2, first=0.01, factor=3e3)
    )
    samples = asyncio.run(after_a_first(model))
    assert {sample.outcome for sample in samples} == {SampleOutcome.ANSWERED}
    assert endpoint.calls == 1 + 60 + 40


def test_calls_to_an_endpoint_that_stays_away_fail_when_their_time_is_over(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "DOWN_GAP", 0.005)
    endpoint.answer = lambda _: Reply(drop=True)
    endpoint.script(Reply())
    model = make_model(endpoint.base_url, concurrency=8, policy=RetryPolicy(retries=5, first=0.01, factor=1))
    samples = asyncio.run(after_a_first(model))
    assert {sample.error for sample in samples} == {"The endpoint closed the connection without an answer"}
    assert endpoint.calls <= 1 + 3 * 40


def test_an_endpoint_out_of_reach_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "SAY_SOON", 0.0)
    fault = Fault(FaultKind.UNREACHABLE, "Nothing listens at that address")

    async def words() -> str:
        return silence.Silence().news(fault)

    assert asyncio.run(words()) == (
        "Waiting: the endpoint has been out of reach for 0 seconds (Nothing listens at that address). "
        "It is tried again."
    )


def test_errors_are_said_before_a_limit_that_may_be_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    assert silence.SAY_SOON < silence.SAY_AFTER / 2
    monkeypatch.setattr(silence, "SAY_SOON", 0.0)

    async def words(status: int) -> str:
        return silence.Silence().news(Fault(FaultKind.TRANSIENT, "oops", status))

    assert asyncio.run(words(429)) == ""
    assert asyncio.run(words(500)) == (
        "Waiting: the endpoint has answered nothing but errors for 0 s (500 Internal Server Error: oops). "
        "It is asked again."
    )
