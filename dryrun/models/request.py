"""What is asked: one prompt and the sampling parameters -> the body of a chat completion call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dryrun.core.config import ModelConfig
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Item, Prompt
from dryrun.models.faults import Fault, FaultKind
from dryrun.models.urls import is_openai

SAMPLING = ("temperature", "top_p", "max_completion_tokens", "reasoning_effort", "seed")
"""Sent only when set. All of them are part of a sample's key."""

ROW_FIELDS = ("tools", "parallel_tool_calls")
"""Fields of a row that go into its request."""

CAP = "max_completion_tokens"
"""Sent as ``max_tokens`` to servers that refuse this name or do not keep to it."""
STREAM, STREAM_OPTIONS = "stream", "stream_options"
"""Asked for only where a server answers no other way."""
LEFT_OUT_NOTES = {
    STREAM: "answers only as a stream, asked for one",
    CAP: "max_completion_tokens not accepted, sent as max_tokens",
    "developer": "developer messages not accepted, sent as system messages",
}
OPTIONAL = (*SAMPLING, "store", STREAM_OPTIONS)
"""Parameters that may be left out when the endpoint refuses them by name."""

DEVELOPER = "developer"
"""The role that OpenAI puts in place of ``system``; servers that do not know it get ``system``."""
NO_SUCH_ROLE = re.compile(r"\bdeveloper\b|(unexpected|invalid|unknown|unsupported) (message )?role", re.I)

OFF_LIMITS = re.compile(
    r"\brange\b|\bbetween\b|too (large|big|high|small|low)|"
    r"must be (in|at|less|greater|smaller|positive|[<>≤≥])|"
    r"supported values are|at (most|least) \d|(less|greater|larger) than|maximum (value|allowed)|exceeds",
    re.I,
)
"""The value is wrong, not the parameter: nothing is left out behind the user's back."""

OLD_CAP_WANTED = re.compile(
    r"\bmax_tokens\b.{0,60}\b(required|missing)|\bmissing\b.{0,60}\bmax_tokens\b", re.I
)
"""The server cannot do without the cap's older name."""

STREAM_WANTED = re.compile(
    r"only supports? (the )?stream|stream(ing)? (mode )?(only|is required)|enable the stream|"
    r"\bstream\b.{0,40}\bmust be (set to )?true|set stream ?(=|to) ?true",
    re.I,
)
"""The server answers only as a stream."""

BYTES_PER_TOKEN = 3
"""UTF-8 bytes of a request that count as one prompt token: on the safe side for most text, whose
tokens are longer. OpenAI's rule of thumb is four characters of English."""


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Tokens that one request may cost.

    Attributes
    ----------
    prompt : int
        Estimated from its bytes.
    completion : int or None
        The largest number; None where nothing caps it.
    """

    prompt: int
    completion: int | None


def request_size(config: ModelConfig, prompt: Prompt) -> RequestSize:
    """What a request for this prompt may cost at worst; estimated, since each model counts in its own way."""
    size = len(orjson.dumps(request_body(config, prompt, None)))
    return RequestSize(-(-size // BYTES_PER_TOKEN), config.max_completion_tokens)


def sampling_parameters(config: ModelConfig) -> dict[str, Any]:
    """The sampling parameters that are set."""
    return {name: value for name in SAMPLING if (value := getattr(config, name)) is not None}


def response_format(config: ModelConfig, item: Item) -> Mapping[str, Any] | None:
    """The row's own response format, else the run's."""
    own: Mapping[str, Any] | None = item.get("response_format")
    return own or config.response_format


def request_body(
    config: ModelConfig, prompt: Prompt, seed: int | None, left_out: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The JSON body of one call.

    Parameters
    ----------
    config : ModelConfig
    prompt : Prompt
    seed : int or None
        This rollout's seed; takes the place of the configured one.
    left_out : frozenset of str
        Parameters the endpoint refused earlier; with `STREAM` the answer is asked for as a stream.
    """
    body: dict[str, Any] = {"model": config.name, "messages": _messages(prompt, DEVELOPER in left_out)}
    body |= {name: prompt.item[name] for name in ROW_FIELDS if prompt.item.get(name) is not None}
    wanted = response_format(config, prompt.item)
    if wanted is not None:
        body["response_format"] = wanted
    optional = sampling_parameters(config)
    if seed is not None:
        optional["seed"] = seed
    if config.base_url and is_openai(config.base_url):
        optional["store"] = False
    if STREAM in left_out:
        body[STREAM] = True
        optional[STREAM_OPTIONS] = {"include_usage": True}
    if CAP in left_out and CAP in optional:
        body["max_tokens"] = optional[CAP]
    return body | {name: value for name, value in optional.items() if name not in left_out}


def _messages(prompt: Prompt, as_system: bool) -> list[Mapping[str, Any]]:
    if not as_system:
        return list(prompt.messages)
    return [
        {**message, "role": "system"} if message.get("role") == DEVELOPER else message
        for message in prompt.messages
    ]


def refused_parameter(fault: Fault, body: Mapping[str, Any]) -> str | None:
    """The optional parameter of `body`, or the role, that a rejection names as its reason, if any; `STREAM`
    where it wants that asked for."""
    if fault.kind is not FaultKind.REJECTED:
        return None
    if _has_developer(body) and NO_SUCH_ROLE.search(fault.message):
        return DEVELOPER
    if (fault.status not in (400, 422) and (fault.status or 0) < 500) or OFF_LIMITS.search(fault.message):
        return None
    if "context" in fault.code or "context length" in fault.message:
        # Names the token cap, but the prompt is what is too long.
        return None
    if STREAM not in body and STREAM_WANTED.search(fault.message):
        return STREAM
    if CAP in body and any(OLD_CAP_WANTED.search(place) for place in (fault.message, fault.detail)):
        return CAP
    sent = [name for name in OPTIONAL if name in body]
    for place in (fault.param, fault.message, fault.detail):
        named = [(match.start(), name) for name in sent if (match := _word(name).search(place))]
        if named:
            return min(named)[1]
    return None


def _has_developer(body: Mapping[str, Any]) -> bool:
    return any(message.get("role") == DEVELOPER for message in body["messages"])


def _word(name: str) -> re.Pattern[str]:
    """The name, also as ``maxCompletionTokens``."""
    return re.compile(rf"(?<!\w){name.replace('_', '_?')}(?!\w)", re.I)


def left_out_note(left_out: frozenset[str]) -> str:
    """What was sent differently from the configuration, for `Sample.note`."""
    names = [name for name in (*OPTIONAL, DEVELOPER, STREAM) if name in left_out]
    return "; ".join(LEFT_OUT_NOTES.get(name, f"{name} not accepted, left out") for name in names)


def identity(config: ModelConfig, endpoint: str) -> dict[str, Any]:
    """What determines every response of a run beside its prompts, as JSON.

    Parameters
    ----------
    config : ModelConfig
    endpoint : str
        The normalised base URL, or ``"embedded:"`` and the SHA-256 of the weights.
    """
    named = {
        "endpoint": endpoint,
        "model": config.name,
        "sampling": sampling_parameters(config),
        "response_format": config.response_format,
    }
    return named if config.account is None else named | {"account": config.account}


def sample_key(identity: Mapping[str, Any], config: ModelConfig, prompt: Prompt, rollout: int) -> str:
    """The fingerprint of all that determines one response."""
    return fingerprint(
        {
            "identity": identity,
            "messages": prompt.messages,
            "row": {name: prompt.item.get(name) for name in ROW_FIELDS},
            "response_format": response_format(config, prompt.item),
            "rollout": rollout,
        }
    )
