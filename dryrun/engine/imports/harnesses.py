"""Logs of evaluation harnesses -> records as a script would write them: prompt, response, reference, score.

- lm-evaluation-harness (``--log_samples``): ``doc, target, arguments, resps, filter, metrics``, a line for
  each filter, with the same responses.
- Inspect (``inspect log dump``, the log's ``samples``): ``input, messages, target, output, scores``, a record
  for each epoch.
- promptfoo (``--output file.jsonl``): ``prompt, vars, response, score``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

RESPS = "resps"
"""Where lm-evaluation-harness keeps responses or, of tasks that generate nothing, likelihoods of options."""
GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect's scorers write: correct, partial, incorrect, no answer."""


def from_harness(row: Row) -> Row:
    """The record in plain words; one that is no harness's comes back as it is."""
    for fields, reshape in _HARNESSES:
        if fields <= row.keys() and (plain := reshape(row)) is not None:
            return plain
    return row


def _lm_eval(row: Row) -> Row | None:
    prompt, doc = _lm_eval_prompt(row["arguments"]), row.get("doc")
    if prompt is None:
        return None
    texts = _flattened(row[RESPS])
    metrics = row.get("metrics")
    names = metrics if isinstance(metrics, list) else []
    return {
        **(doc if isinstance(doc, dict) else {}),
        "prompt": prompt,
        "response": texts if all(isinstance(text, str) for text in texts) else None,
        "reference_answer": _as_text(row.get("target")),
        **{name: row.get(name) for name in names},
        **({"score": row.get(names[0])} if len(names) == 1 else {}),
        "filter": row.get("filter"),
    }


def _lm_eval_prompt(arguments: Any) -> str | None:
    """What was asked, as text or JSON: ``{"gen_args_0": {"arg_0": ...}}``, in older logs ``[[..., {}]]``."""
    first = next(iter(arguments.values()), None) if isinstance(arguments, dict) else arguments
    if isinstance(first, dict):
        first = first.get("arg_0")
    while isinstance(first, list) and first:
        first = first[0]
    return first if isinstance(first, str) else None


def _flattened(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _flattened(part)] if isinstance(value, list) else [value]


def _inspect(row: Row) -> Row | None:
    output = row["output"]
    choices = output.get("choices") if isinstance(output, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    asked, usage = row.get("messages"), output.get("usage") or {}
    if not isinstance(asked, list) or len(asked) < 2:
        asked = row["input"]
    elif isinstance(asked[-1], dict) and asked[-1].get("role") == "assistant":
        asked = asked[:-1]
    scores = {name: _inspect_score(score) for name, score in (row.get("scores") or {}).items()}
    metadata = row.get("metadata")
    return {
        **(metadata if isinstance(metadata, dict) else {}),
        "prompt": [_message(message) for message in asked] if isinstance(asked, list) else asked,
        "response": [_message(choices[0].get("message"))],
        "reference_answer": _as_text(row.get("target")),
        **({"score": next(iter(scores.values()))} if len(scores) == 1 else {"scores": scores}),
        "finish_reason": choices[0].get("stop_reason"),
        "usage": {
            "prompt_tokens": usage.get("input_tokens"),
            "completion_tokens": usage.get("output_tokens"),
        },
    }


def _inspect_score(score: Any) -> Any:
    value = score.get("value") if isinstance(score, dict) else score
    return GRADES.get(value, value) if isinstance(value, str) else value


def _message(message: Any) -> Any:
    """Role, words and tool calls; reasoning, ids and timings are left out."""
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "".join(str(part.get("text", "")) for part in parts)
    calls = {"tool_calls": message["tool_calls"]} if message.get("tool_calls") else {}
    return {"role": message.get("role"), "content": content, **calls}


def _promptfoo(row: Row) -> Row | None:
    prompt, response = row["prompt"], row["response"]
    if not isinstance(prompt, dict) or not isinstance(response, dict) or "raw" not in prompt:
        return None
    case = row.get("testCase")
    variables = row.get("vars") or (case.get("vars") if isinstance(case, dict) else None)
    usage = response.get("tokenUsage") or {}
    return {
        **(variables if isinstance(variables, dict) else {}),
        "prompt": prompt.get("raw"),
        "response": response.get("output"),
        "score": row.get("score"),
        "finish_reason": response.get("finishReason"),
        "usage": {"prompt_tokens": usage.get("prompt"), "completion_tokens": usage.get("completion")},
    }


def _as_text(target: Any) -> Any:
    """A reference answer: the first of several, a number as text."""
    if isinstance(target, Sequence) and not isinstance(target, str):
        target = target[0] if target else None
    return str(target) if isinstance(target, int | float) and not isinstance(target, bool) else target


_HARNESSES: tuple[tuple[frozenset[str], Callable[[Row], Row | None]], ...] = (
    (frozenset({"arguments", RESPS}), _lm_eval),
    (frozenset({"input", "output", "target"}), _inspect),
    (frozenset({"prompt", "response"}), _promptfoo),
)
