"""What the endpoint answered: the bytes of a chat completion -> a typed reply."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from dryrun.core.records import ANSWERED_BY, SampleOutcome
from dryrun.models.body import MalformedReplyError, finish_word, joined_text, quote
from dryrun.models.server_words import MESSAGES


class Ending(Enum):
    """The meaning of a finish reason."""

    STOPPED = auto()
    CUT = auto()
    FILTERED = auto()
    REFUSED = auto()
    ERROR = auto()
    """The server broke off; asked again it may answer."""
    UNKNOWN = auto()


WORDS: Mapping[Ending, str] = {
    Ending.STOPPED: "stop stopped eos eos_token end_turn stop_sequence stop_token end_of_sequence done end "
    "normal natural_stop stop_str stop_words end_id eos_token_id eot_id im_end end_of_turn end_of_text "
    "stopped_eos stopped_word complete completed finish finished tool_call tool_calls tool_use function_call "
    "function_calls eos_found stop_string_found",
    Ending.CUT: "length max_tokens max_token max_output_tokens max_completion_tokens max_new_tokens "
    "max_tokens_reached max_length limit stopped_limit repetition "
    "token_limit length_limit context_length model_length model_context_window_exceeded time_limit "
    "context_window_exceeded context_length_exceeded "
    "incomplete truncated context_length_reached max_predicted_tokens_reached",
    Ending.FILTERED: "content_filter content_filtered content_policy content_policy_violation filtered "
    "filter safety recitation blocklist blocked prohibited_content spii image_safety moderation sensitive "
    "guardrail guardrails guardrail_intervened error_toxic",
    Ending.REFUSED: "refusal refused",
    Ending.ERROR: "error errored error_limit failed failure abort aborted cancel cancelled canceled timeout "
    "user_cancel overloaded network_error server_error internal_error insufficient_system_resource "
    "malformed_function_call malformed_response unexpected_tool_call unfinished_stream",
}
"""Finish reasons by what they say: OpenAI's, Azure's, Anthropic's, Gemini's, Bedrock's, Cohere's, Mistral's,
DeepSeek's, Zhipu's, those of Hugging Face's TGI, vLLM and gateways in front of them."""

REASONING = ("reasoning_content", "reasoning", "reasoning_text", "reasoning_details", "thinking")
"""Fields in which servers put what comes before the answer; a parser that is not set up for the model puts
the answer itself there."""


def _letters(word: str) -> str:
    return re.sub("[^a-z]", "", word.lower()).removeprefix("finishreason")


ENDINGS = {_letters(word): how for how, words in WORDS.items() for word in words.split()}


def ending_of(finish_reason: str) -> Ending:
    """What a finish reason says, in any spelling: ``MAX_TOKENS``, ``end-turn``, ``FINISH_REASON_STOP``."""
    known = ENDINGS.get(_letters(finish_reason))
    if known is not None:
        return known
    # Gemini's ``content_filter: RECITATION``. A good ending has no second word.
    parts = {ENDINGS.get(_letters(part)) for part in finish_reason.split(":")}
    return next((bad for bad in BAD if bad in parts), Ending.UNKNOWN)


BAD = (Ending.ERROR, Ending.FILTERED, Ending.REFUSED, Ending.CUT)
"""Endings that are not good, the one that counts most first."""


class UnfinishedReplyError(Exception):
    """A chat completion without an answer: it ended in an error, or by a word that is not known, or the text
    stands in a field for reasoning. The message is a sentence.

    Attributes
    ----------
    curable : bool
        Whether asking again may help.
    usage : (int or None, int or None)
        Prompt and completion tokens, which are paid for all the same.
    """

    def __init__(self, message: str, curable: bool, usage: tuple[int | None, int | None]) -> None:
        self.curable, self.usage = curable, usage
        super().__init__(message)


class NoChoicesError(UnfinishedReplyError):
    """JSON without choices, which some routers send now and then, and some servers always."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a chat completion that a sample is made of; meanings as in `Sample`."""

    outcome: SampleOutcome
    text: str
    tool_calls: tuple[Mapping[str, Any], ...]
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    model: str = ""
    """As the endpoint names it; the configured name may stand for several."""


class Answerers:
    """The models that an endpoint names in its answers: a router or a fallback may send calls elsewhere."""

    def __init__(self, asked: str) -> None:
        self._asked, self._named = asked, list[str]()

    def note(self, model: str) -> str:
        """What to keep with an answer of this model; ``""`` for the one that was asked for."""
        return f"{ANSWERED_BY}{quote(model)}" if model and not _same_model(model, self._asked) else ""

    def news(self, model: str) -> str:
        """What to say where this model answers for the first time, after another."""
        first = bool(model) and not any(_same_model(model, other) for other in self._named)
        self._named += [model] * first
        if not first or len(self._named) < 2:
            return ""
        names = " and ".join(map(quote, self._named))
        return f"The endpoint answers as several models, {names}: the figures are those of a mixture."


VERSION = re.compile(r"(?:[-@](?:\d{4}-\d\d-\d\d|\d{3,8}|latest|v\d+)|:\w+)*")
"""What may stand behind a model's name without making it another one; ``-mini`` and ``.1`` do."""


def _same_model(first: str, second: str) -> bool:
    """Also where one has a date, a version or a provider that the other leaves out."""
    short, long = sorted((first.lower().split("/")[-1], second.lower().split("/")[-1]), key=len)
    return long.startswith(short) and VERSION.fullmatch(long, len(short)) is not None


def read_reply(document: Any, cap: int | None = None) -> Reply:
    """Read a chat completion.

    Parameters
    ----------
    document : JSON
    cap : int, optional
        Most completion tokens that were asked for: a response of just as many was cut off there, whatever
        its finish reason says.

    Raises
    ------
    MalformedReplyError
        It is not a chat completion.
    UnfinishedReplyError
        It holds no answer.
    """
    choice, usage = _parts(document)
    message = _message(choice)
    if not _is_text(message.get("content")):
        raise MalformedReplyError(f"The answer's content is no text: {quote(json.dumps(message['content']))}")
    calls = _calls(message)
    finish_reason = finish_word(choice.get("finish_reason"))
    text, refusal = joined_text(message.get("content")), joined_text(message.get("refusal"))
    if not refusal and isinstance(message.get("content"), list):
        refusal = joined_text([part for part in message["content"] if isinstance(part, dict)], "refusal")
    tokens = used_tokens(usage)
    outcome = _outcome(finish_reason, text, refusal, bool(calls))
    if outcome is None:
        error = ending_of(finish_reason or "") is Ending.ERROR
        raise UnfinishedReplyError(
            f"The answer ended with the finish reason {quote(finish_reason or '')}", error, tokens
        )
    if cap is not None and cap in (tokens[1], usage.get("completion_tokens")) and outcome in WHOLE:
        outcome = SampleOutcome.TRUNCATED
    elsewhere = next((name for name in REASONING if message.get(name)), None) or _reasoning_part(message)
    if outcome is SampleOutcome.EMPTY and elsewhere is not None:
        raise UnfinishedReplyError(
            f"The answer's content is empty and its text stands in {elsewhere}: set the server's reasoning "
            "parser to the one for this model, or turn it off",
            False,
            tokens,
        )
    return Reply(
        outcome=outcome,
        text=refusal if outcome is SampleOutcome.REFUSED and refusal else text,
        tool_calls=calls,
        finish_reason=finish_reason,
        prompt_tokens=tokens[0],
        completion_tokens=tokens[1],
        model=named if isinstance(named := document.get("model"), str) else "",
    )


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message; some servers send ``delta`` or ``text`` in its place, and none with what was withheld."""
    finish_reason = finish_word(choice.get("finish_reason"))
    # without a finish reason, a delta is the beginning of something that broke off
    parts = (choice.get("message"), choice.get("delta") if finish_reason else None)
    message = next((part for part in parts if isinstance(part, dict)), None)
    if message is None and isinstance(choice.get("text"), str):
        message = {"content": choice["text"]}
    if message is None and finish_reason and ending_of(finish_reason) in BAD:
        message = {}
    if message is None:
        raise MalformedReplyError("The answer's first choice has no message")
    return message


def _reasoning_part(message: Mapping[str, Any]) -> str | None:
    """The type of a part of the content in which there is reasoning, as Mistral and Anthropic send it."""
    parts = message.get("content")
    types = [part.get("type") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return next((str(name) for name in types if name in REASONING), None)


def _calls(message: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The tool calls, or the one ``function_call`` of the older API, which some servers still send."""
    calls, old = message.get("tool_calls"), message.get("function_call")
    if not calls and isinstance(old, dict):
        calls = [{"type": "function", "function": old}]
    return tuple(_call(call) for call in (calls if isinstance(calls, list) else ()) if isinstance(call, dict))


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """A tool call whose arguments are JSON text, as the API has it; some servers send the object itself."""
    function = call.get("function")
    if not isinstance(function, dict) or isinstance(function.get("arguments", ""), str):
        return call
    return {**call, "function": {**function, "arguments": json.dumps(function["arguments"])}}


MOST_TOKENS = 10**9

WHOLE = frozenset({SampleOutcome.ANSWERED, SampleOutcome.EMPTY})


def used_tokens(usage: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Prompt and completion tokens. Some servers count reasoning in the total only."""
    prompt, answer = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    total = _count(usage.get("total_tokens"))
    if prompt is not None and total is not None and total > prompt:
        answer = max(answer or 0, total - prompt)
    return prompt, answer


def _parts(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    if not isinstance(document, dict):
        raise MalformedReplyError(
            f"The answer is JSON but not a chat completion: {quote(json.dumps(document))}"
        )
    choices = document.get("choices")
    usage = document.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    if not choices:
        places = [part for part in (document, document.get("base_resp")) if isinstance(part, dict)]
        words = next(
            (text for part in places for name in MESSAGES if isinstance(text := part.get(name), str)), ""
        )
        answer = quote(words or json.dumps(document))
        filtered = " (some filters withhold an answer so)" * (choices == [] and bool(usage))
        raise NoChoicesError(f"The answer holds no choices{filtered}: {answer}", True, used_tokens(usage))
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise MalformedReplyError(
            f"The answer's choices are no list of objects: {quote(json.dumps(choices))}"
        )
    return choices[0], usage


def _is_text(content: Any) -> bool:
    """Whether content is text, parts, or left out: a number or another object is nothing that can be read."""
    if isinstance(content, list):
        return not content or any(isinstance(part, str | dict) for part in content)
    return content is None or isinstance(content, str) or (isinstance(content, dict) and "text" in content)


def _outcome(finish_reason: str | None, text: str, refusal: str, calls: bool) -> SampleOutcome | None:
    """None where there is no answer. Servers that give no finish reason are taken at their text."""
    how = ending_of(finish_reason) if finish_reason else Ending.STOPPED
    if how in (Ending.ERROR, Ending.UNKNOWN):
        return None
    if how is Ending.FILTERED:
        return SampleOutcome.FILTERED
    if refusal or how is Ending.REFUSED:
        return SampleOutcome.REFUSED
    # Also with empty text: reasoning models may spend the whole cap before the first visible word.
    if how is Ending.CUT:
        return SampleOutcome.TRUNCATED
    return SampleOutcome.ANSWERED if calls or text.strip() else SampleOutcome.EMPTY


def _count(value: Any) -> int | None:
    """Some servers send 20.0 or "20"; more than `MOST_TOKENS` no model has read or written."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MOST_TOKENS else None
