"""Answers that are not chat completions: whose they are, and where that vendor has chat completions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Vendor:
    """An API whose answers are not chat completions.

    Attributes
    ----------
    api : str
        Its name in a sentence: ``"Ollama's /api/chat"``.
    base_url : str
        The base URL of the vendor's own chat completions, or its path at the same host.
    """

    api: str
    base_url: str


OLLAMA = Vendor("Ollama's own API", "/v1")
LLAMA_CPP = Vendor("llama.cpp's own API", "/v1")
TGI = Vendor("the text generation API of Hugging Face", "/v1")
COHERE = Vendor("Cohere's Chat API", "https://api.cohere.ai/compatibility/v1")
ANTHROPIC = Vendor("Anthropic's Messages API", "https://api.anthropic.com/v1")
GEMINI = Vendor("Gemini's generateContent", "https://generativelanguage.googleapis.com/v1beta/openai")
BEDROCK = Vendor("Bedrock's Converse API", "https://bedrock-runtime.REGION.amazonaws.com/openai/v1")
RESPONSES = Vendor("OpenAI's Responses API", "/v1")
CLOUDFLARE = Vendor("Workers AI's own API", "https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1")


Answer = Mapping[str, Any]


def vendor_of(answer: Any) -> Vendor | None:
    """Whose own answer this is; None for a chat completion, an error, and what is not known.

    Parameters
    ----------
    answer : JSON
        The body of an answer with status 200, or one event of a stream.
    """
    if isinstance(answer, list) and answer and isinstance(answer[0], dict):
        answer = answer[0]
    if not isinstance(answer, dict) or "choices" in answer or answer.get("error"):
        return None
    return next((vendor for vendor, known in _SHAPES if known(answer)), None)


def _has(answer: Answer, *path: str, kind: type = str) -> bool:
    value: Any = answer
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return isinstance(value, kind)


def _event(answer: Answer, beginning: str) -> bool:
    return str(answer.get("type")).startswith(beginning)


_SHAPES: tuple[tuple[Vendor, Callable[[Answer], bool]], ...] = (
    (OLLAMA, lambda a: _has(a, "done", kind=bool) and (_has(a, "message", kind=dict) or _has(a, "response"))),
    (LLAMA_CPP, lambda a: _has(a, "content") and ("tokens_predicted" in a or "stopped_eos" in a)),
    (TGI, lambda a: _has(a, "generated_text") or _has(a, "token", kind=dict)),
    (RESPONSES, lambda a: a.get("object") == "response" or _event(a, "response.")),
    (BEDROCK, lambda a: "stopReason" in a and _has(a, "output", "message", kind=dict)),
    (GEMINI, lambda a: _has(a, "candidates", kind=list) or _has(a, "promptFeedback", kind=dict)),
    (COHERE, lambda a: "finish_reason" in a and _has(a, "message", "content", kind=list)),
    (COHERE, lambda a: _has(a, "text") and "generation_id" in a),
    (ANTHROPIC, lambda a: "stop_reason" in a and _has(a, "content", kind=list)),
    (ANTHROPIC, lambda a: _event(a, "message_start")),
    (CLOUDFLARE, lambda a: _has(a, "result", "response")),
)
"""What only this vendor's answers have."""


HOMES: Mapping[str, str] = {
    "api.anthropic.com": ANTHROPIC.base_url,
    "generativelanguage.googleapis.com": GEMINI.base_url,
    "api.cohere.com": COHERE.base_url,
    "api.cohere.ai": COHERE.base_url,
    "api-inference.huggingface.co": "https://router.huggingface.co/v1",
    "api.groq.com": "https://api.groq.com/openai/v1",
    "openrouter.ai": "https://openrouter.ai/api/v1",
    "api.fireworks.ai": "https://api.fireworks.ai/inference/v1",
    "api.deepinfra.com": "https://api.deepinfra.com/v1/openai",
    "dashscope.aliyuncs.com": "https://dashscope.aliyuncs.com/compatible-mode/v1",
}
"""By host, base URLs that are more than the host and ``/v1``, or are at another host."""


OLLAMAS_PORT = 11434


def home_of(base_url: str, native: str = "") -> str:
    """The base URL to try in place of this one, which has no chat completions; ``""`` where it is not known.

    Parameters
    ----------
    base_url : str
        Normalised.
    native : str
        The `Vendor.base_url` of whoever's own answers come from there.
    """
    parts = urlsplit(base_url)
    host, root = (parts.hostname or "").lower(), f"{parts.scheme}://{parts.netloc}"
    known = HOMES.get(host, "")
    if host.startswith("bedrock-runtime.") and host.endswith(".amazonaws.com"):
        known = f"{root}/openai/v1"
    if parts.port == OLLAMAS_PORT:
        known = root + OLLAMA.base_url
    known = known or (root + native if native.startswith("/") else native)
    return "" if known == base_url else known
