"""One record of somebody's log -> a prompt, its responses, and the score they got there.

The shapes were read from the tools' own code and references:

- OpenAI and Azure evals: ``GET /evals/{id}/runs/{id}/output_items``, objects ``eval.run.output_item``.
- TRL (``log_completions``): ``step, prompt, completion, <reward function> ..., advantage``.
- verl (``rollout_data_dir``, ``validation_data_dir``): ``input, output, gts, score, step``.
- verifiers (``results.jsonl``): ``prompt, completion`` (chat messages), ``answer, info, task, reward``.
- lm-evaluation-harness, Inspect and promptfoo: see `harnesses`.
- Anybody's script: a prompt or ``messages`` and a response under one of the usual names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from dryrun.dataset.columns import conversation
from dryrun.dataset.fields import PROMPTS, REFERENCES, usual_field, value_at
from dryrun.engine.imports.harnesses import RESPS, from_harness

RESPONSES = ("response", "completion", "output", "responses", "completions", "output_text", "generated_text")
SCORES = ("score", "reward")
"""The first of each that a record has is taken."""

BOOKKEEPING = frozenset({"step", "advantage", "advantages", "id", "example_id", "finish_reason", "usage"})
NO_SCORES = frozenset({"index", "idx", "epoch", "global_step", "seed", "temperature", "top_p", "duration"})
"""Numbers in records that are no score, beside `BOOKKEEPING`."""
EVAL_ITEM = "eval.run.output_item"


class RecordError(Exception):
    """What is wrong with a record: the field, the fault, what to do."""

    def __init__(self, where: str, what: str, fix: str) -> None:
        super().__init__(what)
        self.where, self.what, self.fix = where, what, fix


@dataclass(frozen=True, slots=True)
class Response:
    """One response of a record.

    Attributes
    ----------
    text : str
    tool_calls : tuple of mapping
    score : float or None
        The score that came with it.
    finish_reason : str or None
    prompt_tokens, completion_tokens : int or None
    """

    text: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    score: float | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record.

    Attributes
    ----------
    messages : list of mapping
        The prompt.
    fields : mapping
        What else the record says; the row's fields, once those that differ between the responses to
        one prompt are left out.
    responses : tuple of Response
        At least one.
    could_score : tuple of str
        Fields, or graders of an eval, that hold a number for each response: any could be the score.
    step : float or None
        Of the training that wrote the record.
    filter : str
        Which reading of the responses the record scores, where the log has a record for each of several.
    """

    messages: list[Mapping[str, Any]]
    fields: Mapping[str, Any]
    responses: tuple[Response, ...]
    could_score: tuple[str, ...] = ()
    step: float | None = None
    filter: str = ""


def read_record(row: object, score_field: str | None = None) -> LogRecord:
    """What a record says.

    Parameters
    ----------
    row : object
        A parsed JSON value.
    score_field : str, optional
        Which field (for evals: which grader) holds the score. Default: ``score``, ``reward``, or for
        TRL its one reward function, for evals the one grader.

    Raises
    ------
    RecordError
        It has no prompt or no response, or one of them is not text.
    """
    if not isinstance(row, dict):
        raise RecordError("", "the record is not an object", "Write one JSON object per line.")
    if row.get("object") == "list" and isinstance(row.get("data"), list):
        fix = "Write its entries one a line: jq -c '.data[]' file.json > file.jsonl"
        raise RecordError("data", "the line is a page of a listing, not a record", fix)
    if row.get("object") == EVAL_ITEM or {"datasource_item", "sample"} <= row.keys():
        return _eval_item(row, score_field)
    plain = from_harness(row)
    if plain is not row and RESPS in row and plain["response"] is None:
        fix = "Import a task whose output type is generate_until."
        raise RecordError(RESPS, "the record holds likelihoods of options, no text of a response", fix)
    return _flat(plain, score_field)


def _eval_item(row: Mapping[str, Any], score_field: str | None) -> LogRecord:
    sample, source = row.get("sample"), row.get("datasource_item")
    if not isinstance(sample, dict) or not isinstance(source, dict):
        raise RecordError(
            "sample", "sample or datasource_item is not an object", "Export the output items whole."
        )
    item = source.get("item")
    fields = dict(item) if isinstance(item, dict) else dict(source)
    fields.pop("messages", None)
    fields.pop("sample", None)
    results = [result for result in row.get("results") or [] if isinstance(result, dict)]
    scored = [str(result.get("name")) for result in results if finite_number(result.get("score")) is not None]
    if score_field is not None:
        results = [result for result in results if result.get("name") == score_field]
    score = finite_number(results[0].get("score")) if len(results) == 1 else None
    answer = _response(sample.get("output"), "sample.output")
    details = _details(sample)
    return LogRecord(
        _messages(sample.get("input"), "sample.input"),
        _with_reference(fields),
        (Response(answer[0], answer[1], score, *details),),
        tuple(scored),
    )


def _flat(row: Mapping[str, Any], score_field: str | None) -> LogRecord:
    prompt, response = _first(row, PROMPTS), _first(row, RESPONSES)
    if prompt is None:
        raise RecordError("prompt", "there is no prompt", f"Name it one of: {', '.join(PROMPTS)}.")
    messages = _messages(row[prompt], prompt)
    if response is None and len(messages) > 1 and messages[-1].get("role") == "assistant":
        answers = [_response(messages[-1:], prompt)]
        messages = messages[:-1]
    elif response is None:
        raise RecordError("response", "there is no response", f"Name it one of: {', '.join(RESPONSES)}.")
    else:
        answers = _responses(row[response], response)
    scores, scored_by = _scores(row, score_field, len(answers))
    details = _details(row)
    left_out = {prompt, response, scored_by, *SCORES, *BOOKKEEPING}
    fields = {name: value for name, value in row.items() if name not in left_out}
    if _is_plain_text(row[prompt]):
        fields["prompt"] = row[prompt]
    paired = zip(answers, scores, strict=True)
    return LogRecord(
        messages,
        _with_reference(fields),
        tuple(Response(text, calls, score, *details) for (text, calls), score in paired),
        tuple(_could_score({**row, prompt: None, response or "": None}, len(answers))),
        finite_number(row.get("step", row.get("global_step"))),
        str(row.get("filter") or ""),
    )


def _is_plain_text(prompt: object) -> bool:
    """Whether a prompt was text from the start: logs show messages as text with a chat template's marks."""
    return isinstance(prompt, str) and not prompt.lstrip().startswith("[{") and not _CHAT.search(prompt)


_CHAT = re.compile(r"<\|(im_start|start_header_id|begin_of_text|system|user)\|>|<start_of_turn>|\[INST\]")


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if row.get(name) is not None), None)


def _with_reference(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, with the reference answer under the name graders use; one that stands there stays."""
    name = usual_field([fields])
    if name is None or fields.get("reference_answer") is not None:
        return fields
    return {**fields, "reference_answer": value_at(fields, name)}


def _messages(value: object, where: str) -> list[Mapping[str, Any]]:
    parsed = _parsed(value) if isinstance(value, str) and value.lstrip().startswith("[{") else value
    parsed = conversation(parsed)
    if (
        isinstance(parsed, list)
        and parsed
        and all(isinstance(part, dict) and "role" in part for part in parsed)
    ):
        return parsed
    if isinstance(value, str) and value.strip():
        return [{"role": "user", "content": value}]
    fix = "Give the prompt's text, or a list of chat messages with role and content."
    raise RecordError(where, "the prompt is neither text nor a list of messages", fix)


def _responses(value: object, where: str) -> list[tuple[str, tuple[Mapping[str, Any], ...]]]:
    """Several responses where the field is a list of texts, else one."""
    if isinstance(value, list) and value and all(isinstance(text, str) for text in value):
        return [(text, ()) for text in value]
    return [_response(value, where)]


def _response(value: object, where: str) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    if isinstance(value, str):
        return value, ()
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):
        spoken = [part for part in value if isinstance(part, dict) and part.get("role") == "assistant"]
        if spoken:
            return _text(spoken[-1].get("content"), where), _tool_calls(spoken[-1].get("tool_calls"))
        if not value:
            return "", ()
    fix = "Give the response's text, or chat messages with one of role assistant."
    raise RecordError(where, "the response is neither text nor an assistant's message", fix)


def _text(content: object, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    raise RecordError(f"{where}.content", "the response's content is not text", "Give it as text.")


def _tool_calls(value: object) -> tuple[Mapping[str, Any], ...]:
    parts = [_parsed(part) for part in value] if isinstance(value, list) else []
    return tuple(part for part in parts if isinstance(part, dict))


def _parsed(value: object) -> Any:
    """JSON in a text cell, as some writers leave it; else the value itself."""
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _scores(row: Mapping[str, Any], field: str | None, count: int) -> tuple[list[float | None], str | None]:
    """A score for each response, and the field they came from."""
    name = field or _first(row, SCORES) or _reward_function(row)
    value = value_at(row, name) if name else None
    if isinstance(value, list) and len(value) == count:
        return [finite_number(_parsed(score)) for score in value], name
    return [finite_number(_parsed(value)) if count == 1 else None] * count, name


def _could_score(row: Mapping[str, Any], count: int) -> Iterator[str]:
    """Paths of fields with one number for each of `count` responses, those within an object too."""
    for key, value in row.items():
        if key in BOOKKEEPING or key in NO_SCORES or key in REFERENCES:
            continue
        inner = value if isinstance(value, dict) else {}
        for path, entry in ((key, value), *((f"{key}.{name}", nested) for name, nested in inner.items())):
            numbers = entry if isinstance(entry, list) else [entry]
            if len(numbers) == count and all(finite_number(number) is not None for number in numbers):
                yield path


def _reward_function(row: Mapping[str, Any]) -> str | None:
    """TRL names a column after each reward function and puts ``advantage`` last: take it if it is one."""
    if not {"completion", "advantage"} <= row.keys():
        return None
    rewards = [name for name in row if name not in BOOKKEEPING and finite_number(row[name]) is not None]
    return rewards[0] if len(rewards) == 1 else None


def finite_number(value: object) -> float | None:
    """The finite number that `value` is, or None."""
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _details(row: Mapping[str, Any]) -> tuple[str | None, int | None, int | None]:
    """Why the response ended, and its tokens."""
    finish, usage = row.get("finish_reason"), row.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = [counts.get(name) for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (count if isinstance(count, int) else None for count in tokens)
    return (finish if isinstance(finish, str) else None), prompt, completion
