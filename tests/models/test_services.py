"""Refusals and answers as named servers and services send them: each has one right meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dryrun.core.records import SampleOutcome
from dryrun.models.faults import Fault, FaultKind, fault_of_answer, reply_or_fault
from dryrun.models.reply import Reply as ChatReply
from dryrun.models.request import refused_parameter
from dryrun.models.silence import fatal_sentence
from tests.helpers.asking import ask
from tests.helpers.fake_endpoint import FakeEndpoint, Reply

BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "1 + 1?"}],
    "temperature": 0.7,
    "top_p": 0.9,
    "seed": 1,
    "max_completion_tokens": 64,
    "reasoning_effort": "low",
}
NO_MODEL, NO_QUOTA, NO_KEY, NO_LEAVE = (
    "has no model 'm'",
    "has no quota left",
    "not accept the API key",
    "may not use",
)
EXTRA = [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs"}]


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def passed_on(words: str) -> dict[str, Any]:
    """A provider's error as OpenRouter sends it."""
    raw = json.dumps(error(words)) if words.endswith(".") else words
    return error("Provider returned error", metadata={"raw": raw, "provider_name": "P"})


def fault_for(status: int, body: object) -> Fault:
    return fault_of_answer(status, {}, body.encode() if isinstance(body, str) else json.dumps(body).encode())


FATAL = {
    "LiteLLM, a key's models": (401, error("key not allowed to access model. Tried to access m"), NO_LEAVE),
    "OpenRouter, a model": (404, error("No endpoints found for meta/llama."), NO_MODEL),
    "OpenRouter, pictures": (404, error("No endpoints found that support image input"), "Nobody at"),
    "OpenRouter, tools": (404, error("No endpoints found that support tool use."), "Nobody at"),
    "OpenRouter, a day": (429, error("Rate limit exceeded: free-models-per-day"), NO_QUOTA),
    "Azure, no deployment": (404, error("It does not exist.", code="DeploymentNotFound"), NO_MODEL),
    "Azure, a network": (
        403,
        error("Access denied due to Virtual Network/Firewall rules."),
        "turns this machine",
    ),
    "Azure's gateway, no quota": (403, {"message": "Out of call volume quota. Wait 02:13:45."}, NO_QUOTA),
    "Bedrock, rights": (403, {"Message": "User: arn:x is not authorized"}, "(403: User: arn:x is not"),
    "Bedrock, a day": (429, {"message": "Too many tokens per day, please wait"}, NO_QUOTA),
    "Bedrock, an old key": (403, {"message": "Bearer Token has expired"}, NO_KEY),
    "Fireworks, a model": (404, error("Model not found, inaccessible, and/or not deployed"), NO_MODEL),
    "DeepSeek, a model": (400, error("Model Not Exist"), NO_MODEL),
    "Mistral, a model": (400, {"message": "Invalid model: m", "code": "1500"}, NO_MODEL),
    "Gemini, a place": (400, [error("User location is not supported for the API use.")], "serve the place"),
    "Anthropic, a model": (404, error("model: claude-x", type="not_found_error"), NO_MODEL),
    "xAI, no credits": (403, {"error": "Your newly created team doesn't have any credits yet."}, NO_QUOTA),
    "SiliconFlow, no money": (403, {"message": "Sorry, your account balance is insufficient"}, NO_QUOTA),
    "Zhipu, no money": (429, error("余额不足或无可用资源包,请充值。", code="1113"), NO_QUOTA),
    "Moonshot, no money": (429, error("It is suspended", type="exceeded_current_quota_error"), NO_QUOTA),
    "NIM, no credits": (402, {"title": "Payment Required", "detail": "Cloud credits expired"}, NO_QUOTA),
    "Azure, another kind of model": (
        400,
        error("The chatCompletion operation does not work with the specified model, x."),
        NO_MODEL,
    ),
    "Azure's older address": (
        400,
        error("Missing required query parameter: api-version"),
        "check the base URL",
    ),
    "Bedrock, no profile": (
        400,
        {"message": "Invocation with on-demand throughput isn't supported."},
        NO_MODEL,
    ),
    "LiteLLM, a model": (
        400,
        error("Invalid model name passed in model=m", param="None", code="400"),
        NO_MODEL,
    ),
    "LiteLLM, an old key": (400, error("Authentication Error - Expired Key.", param="x"), NO_KEY),
    "OpenRouter, a key's limit": (403, error("Key limit exceeded (total limit)."), NO_QUOTA),
    "Anthropic, a month": (400, error("You have reached your specified API usage limits."), NO_QUOTA),
    "Cohere, a trial": (429, {"message": "It is limited to 1000 API calls / month."}, NO_QUOTA),
    "Groq, its terms": (400, error("The model `m` requires terms acceptance."), NO_LEAVE),
    "Groq, an account": (400, error("Organization has been restricted."), NO_LEAVE),
    "OpenAI, a name": (400, error("Your organization must be verified to use it."), NO_LEAVE),
    "Databricks, no endpoint": (404, {"message": "Check the specified model exists."}, NO_MODEL),
    "ngrok, no server": (
        404,
        "The endpoint x.ngrok-free.app is offline.\r\nERR_NGROK_3200",
        "start the server",
    ),
    "Modal, no server": (404, "modal-http: app for invoked web endpoint is stopped", "start the server"),
    "nginx, the scheme": (
        400,
        "<h1>The plain HTTP request was sent to HTTPS port</h1>",
        "try https://h.example/v1",
    ),
    "Go, the scheme": (400, "Client sent an HTTP request to an HTTPS server.", "try https://h.example/v1"),
}


@pytest.mark.parametrize(("status", "body", "words"), FATAL.values(), ids=FATAL)
def test_what_every_call_would_meet_ends_the_run_with_what_to_do(
    status: int, body: object, words: str
) -> None:
    fault = fault_for(status, body)
    assert fault.kind is FaultKind.FATAL
    assert words in fatal_sentence(fault, "http://h.example/v1", "m")


PASSING = {
    "SGLang, full": (503, {"message": "The request queue is full.", "code": 503}),
    "TGI, busy": (429, {"error": "Model is overloaded", "error_type": "overloaded"}),
    "Ollama, a crash": (500, error("llama runner process has terminated: exit status 2")),
    "Ollama, busy": (503, error("server busy, please try again.  maximum pending requests exceeded")),
    "LM Studio, unloaded": (400, {"error": "Model unloaded."}),
    "LM Studio, a crash": (400, {"error": "The model has crashed without additional information."}),
    "LiteLLM, cooling down": (429, error("No deployments available for selected model, Try again in 60 s")),
    "OpenRouter, a minute": (429, error("Rate limit exceeded: free-models-per-min.")),
    "Azure, a rate": (429, error("You have exceeded token rate limit. Please retry after 27 seconds.")),
    "Groq, soon": (429, error("Rate limit reached on tokens per day (TPD). Please try again in 25.4s.")),
    "Cerebras": (429, {"message": "Requests per minute limit exceeded", "code": "request_quota_exceeded"}),
    "Bedrock, throttled": (400, {"__type": "ThrottlingException", "message": "Rate exceeded"}),
    "a gateway's own status": (400, error("litellm.RateLimitError: too fast")),
    "Cohere, a minute": (429, {"message": "It is limited to 20 API calls / minute."}),
    "Gemini, busy": (503, [error("The model is overloaded. Please try again later.")]),
    "Anthropic, busy": (529, error("Overloaded", type="overloaded_error")),
    "Cloudflare, late": (524, "<title>h.example | 524: A timeout occurred</title>"),
    "Cloudflare, a tunnel": (530, "error code: 1033"),
}


@pytest.mark.parametrize(("status", "body"), PASSING.values(), ids=PASSING)
def test_what_passes_is_asked_again(status: int, body: object) -> None:
    assert fault_for(status, body).kind is FaultKind.TRANSIENT


REJECTED = {
    "vLLM, the context": (400, {"message": "This model's maximum context length is 4096 tokens."}, None),
    "vLLM, the cap": (400, error("'max_completion_tokens' is too large: 8192.", param="max_tokens"), None),
    "vLLM, tools": (400, {"message": '"auto" tool choice requires --enable-auto-tool-choice'}, None),
    "llama.cpp, pictures": (500, error("image input is not supported - hint: provide the mmproj"), None),
    "LM Studio, the context": (400, {"error": "It is loaded with context length of only 4096 tokens"}, None),
    "Together, the length": (422, error("`max_new_tokens` must be <= 8193.", param="max_tokens"), None),
    "Mistral, a field": (422, {"message": {"detail": EXTRA}}, "max_completion_tokens"),
    "Gemini, a field": (400, [error('Unknown name "seed": Cannot find field.')], "seed"),
    "xAI, a field": (
        400,
        {"error": "Model m does not support parameter reasoningEffort."},
        "reasoning_effort",
    ),
    "Databricks, a field": (400, {"message": 'Bad request: json: unknown field "seed"'}, "seed"),
    "OpenRouter, a field": (400, passed_on("Unsupported parameter: 'temperature'."), "temperature"),
    "OpenAI, a size": (429, error("Request too large on tokens per min (TPM): Limit 3, Requested 4"), None),
    "OpenAI, a value": (
        400,
        error(
            "'reasoning_effort' does not support 'low'. Supported values are: 'high'.",
            code="unsupported_value",
        ),
        None,
    ),
    "nginx, the size": (413, "<title>413 Request Entity Too Large</title>", None),
}


@pytest.mark.parametrize(("status", "body", "left_out"), REJECTED.values(), ids=REJECTED)
def test_what_a_request_would_meet_again_is_not_asked_again(
    status: int, body: object, left_out: str | None
) -> None:
    fault = fault_for(status, body)
    assert fault.kind is FaultKind.REJECTED
    assert refused_parameter(fault, BODY) == left_out


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}),
        (400, error("The input text may contain sensitive information.", code="SensitiveContentDetected")),
    ],
)
def test_what_a_filter_withholds_is_withheld(status: int, body: object) -> None:
    assert fault_for(status, body).kind is FaultKind.FILTERED


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 6m0s.", 360.0),
        ("Try again in 60 s", 60.0),
        ("Please retry after 27 seconds.", 27.0),
        ("Please retry in 34.074s.", 34.074),
        ("wait 2 minutes", 120.0),
        ("try again in 120ms", 0.12),
        ("Try again later. You sent 3 models", None),
    ],
)
def test_a_wait_that_is_asked_for_in_words_is_kept(words: str, seconds: float | None) -> None:
    assert fault_for(429, error(words)).retry_after == seconds


def test_a_wait_in_googles_own_field_is_kept() -> None:
    assert fault_for(429, [error("busy", details=[{"retryDelay": "34s"}])]).retry_after == 34.0


def test_a_refusal_that_names_the_token_cap_is_an_answer_that_was_cut_off(endpoint: FakeEndpoint) -> None:
    endpoint.script(Reply.error(400, "Could not finish: max_tokens or model output limit was reached."))
    sample = ask(endpoint.base_url)
    assert (sample.outcome, sample.text, sample.attempts) == (SampleOutcome.TRUNCATED, "", 1)


def test_what_a_router_passes_on_is_shown() -> None:
    assert fault_for(400, passed_on("at least one message.")).message == (
        "Provider returned error (at least one message.)"
    )
    busy = fault_for(429, passed_on("m is temporarily rate-limited upstream"))
    assert (busy.kind, busy.message[-40:]) == (
        FaultKind.TRANSIENT,
        " (m is temporarily rate-limited upstream)"[-40:],
    )


def answer(content: object, finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": content, **message}, "finish_reason": finish}]}


def minimax(status: int, words: str) -> dict[str, Any]:
    return {"id": "x", "choices": None, "base_resp": {"status_code": status, "status_msg": words}}


def events(*chunks: object) -> str:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


STREAM = events(
    {"choices": [], "prompt_filter_results": []},
    {"choices": [{"delta": {"reasoning": "9?"}}]},
    {"choices": [{"delta": {"content": "42"}, "finish_reason": "stop"}]},
)
SIGNED = [{"type": "thinking", "thinking": [{"type": "text", "text": "9?"}]}, {"type": "text", "text": "42"}]
ANSWERS = {
    "vLLM": answer("42", reasoning="9?", refusal=None, tool_calls=[], function_call=None),
    "Mistral": answer(SIGNED),
    "Databricks": answer(
        [{"type": "reasoning", "summary": [{"text": "9?"}]}, {"type": "text", "text": "42"}]
    ),
    "reasoning beside text": answer([{"type": "reasoning", "text": "9?"}, {"type": "text", "text": "42"}]),
    "parts of the Responses API": answer([{"type": "output_text", "text": "42"}]),
    "TensorRT-LLM": answer("42", "stop_words"),
    "Triton": answer("42", "end_id"),
    "counts of another type": answer("42") | {"usage": []},
    "a lambda's proxy": {"statusCode": 200, "body": json.dumps(answer("42"))},
    "JSON as text": json.dumps(json.dumps(answer("42"))),
    "a stream that begins with a wait": "retry: 3000\n\n" + STREAM,
    "a stream that begins with a number": f"id: 1\nevent: message\ndata: {json.dumps(answer('42'))}\n\n",
    "a bare colon before a stream": ":\n\n" + STREAM,
    "a comment without a space": ":keep-alive\n\n" + json.dumps(answer("42")),
}


@pytest.mark.parametrize("document", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read(document: object) -> None:
    reply = reply_or_fault((document if isinstance(document, str) else json.dumps(document)).encode(), None)
    assert isinstance(reply, ChatReply), reply
    assert (reply.outcome, reply.text) == (SampleOutcome.ANSWERED, "42")


@pytest.mark.parametrize(
    ("document", "outcome", "text"),
    [
        (answer([{"type": "refusal", "refusal": "I will not"}]), SampleOutcome.REFUSED, "I will not"),
        (answer(None, "length", reasoning="9?"), SampleOutcome.TRUNCATED, ""),
        (answer("4", "context_length_exceeded"), SampleOutcome.TRUNCATED, "4"),
        (answer("4", "time_limit"), SampleOutcome.TRUNCATED, "4"),
        (answer("4", "contextLengthReached"), SampleOutcome.TRUNCATED, "4"),
        (answer("", "tool_calls", tool_calls=[]), SampleOutcome.EMPTY, ""),
    ],
)
def test_an_end_is_what_it_says(document: object, outcome: SampleOutcome, text: str) -> None:
    reply = reply_or_fault(json.dumps(document).encode(), None)
    assert isinstance(reply, ChatReply), reply
    assert (reply.outcome, reply.text) == (outcome, text)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"success": False, "error": "Invalid API Key"}, FaultKind.FATAL),
        ({"errorMessage": "Task timed out after 30.03 seconds"}, FaultKind.TRANSIENT),
        ({"statusCode": 500, "body": "oops"}, FaultKind.TRANSIENT),
        ({"requestId": "x", "status": "pending-evaluation"}, FaultKind.TRANSIENT),
        (answer("4", "USER_CANCEL"), FaultKind.TRANSIENT),
        ({"error": "Insufficient credits"}, FaultKind.FATAL),
        (minimax(1008, "insufficient balance"), FaultKind.FATAL),
        (minimax(1027, "output new_sensitive"), FaultKind.FILTERED),
        (minimax(1002, "rate limit"), FaultKind.TRANSIENT),
    ],
)
def test_a_fault_with_status_200_is_a_fault(document: object, kind: FaultKind) -> None:
    fault = reply_or_fault(json.dumps(document).encode(), None)
    assert isinstance(fault, Fault), fault
    assert fault.kind is kind
