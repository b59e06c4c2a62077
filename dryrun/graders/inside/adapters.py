"""Runs inside the sandbox: calls a reward function the way the library it was written for would.

Handed over compiled like `worker`, so the standard library is all there is. A row and a response go
in; what comes out is the number, the numbers beside it, or why there is none. Written against TRL
1.16, verl 0.9, eval-protocol 0.3, verifiers 0.1.5 and the AWS pages on reward functions.
"""

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from time import monotonic
from typing import Any

Outcome = tuple[Any, dict[str, float], str]
"""What the function returned as reward, its further numbers, and why it has none (else ``""``)."""

MAX_PARTS = 16
MAX_BATCHES, SURE = 20, 3
"""Batches of two rows that are tried, and how many must show the same."""
QUICK_SECONDS, AT_ONCE = 0.5, 0.05
"""Functions that take longer are not called a second time to see two responses, and not to see two rows."""
TRUTHS: list[str] = []
"""Where a row's right answer is looked for, where a convention has one place for it; set by `adapted`."""


def adapted(
    function: Any, convention: str, as_text: bool, references: Sequence[str]
) -> Callable[[Any, Any], Outcome]:
    """A grader of (sample, item) that calls `function` by `convention`.

    `as_text` serves the words of errors alone; `references` are where rows carry the right answer.
    """
    TRUTHS[:] = references
    return CALLS[convention](function, as_text)


def awaited(value: Any) -> Any:
    """The value itself, awaited where it has to be."""
    if not inspect.isawaitable(value):
        return value
    if not _loops:
        _loops.append(import_module("asyncio").new_event_loop())
    return _loops[0].run_until_complete(_awaited(value))


async def _awaited(value: Any) -> Any:
    return await value


_loops: list[Any] = []


def wanted(function: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the function takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return arguments
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return arguments
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in arguments.items() if name in names}


def numbers(values: Any) -> dict[str, float]:
    """The finite numbers of a mapping, at most `MAX_PARTS`."""
    finite: dict[str, float] = {}
    for name, value in dict(values).items():
        if len(finite) < MAX_PARTS and not isinstance(value, (str, bytes)) and hasattr(value, "__float__"):
            try:
                number = float(value)
            except (TypeError, ValueError, OverflowError):
                continue  # an array has __float__ too, whatever its length
            if math.isfinite(number):
                finite[str(name)[:60]] = number
    return finite


def truth(item: Any) -> Any:
    """The row's right answer, from the first of the usual places that has one."""
    return next((value for name in TRUTHS if (value := _at(item, name)) is not None), None)


def _at(item: Any, path: str) -> Any:
    if path in item:  # a flattened table has the path itself as a column's name
        return item[path]
    value = item
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def assistant_message(sample: Any) -> dict[str, Any]:
    """The response as an assistant's message."""
    message = {"role": "assistant", "content": sample["output_text"]}
    if sample["output_tools"]:
        message["tool_calls"] = sample["output_tools"]
    return message


def asked(item: Any) -> list[dict[str, Any]]:
    """The prompt as messages."""
    return [dict(message) for message in item.get("messages") or []]


def turn(sample: Any, item: Any) -> tuple[Any, Any]:
    """Prompt and completion: strings where the row's ``prompt`` is text, else messages."""
    prompt = item.get("prompt")
    if isinstance(prompt, str):
        return prompt, sample["output_text"]
    return prompt if isinstance(prompt, list) else asked(item), [assistant_message(sample)]


@contextmanager
def shape_explained(completion: Any, as_text: bool) -> Iterator[None]:
    """Explain an error by the shape of completions where the source reads another shape."""
    try:
        yield
    except (TypeError, AttributeError, KeyError, IndexError) as error:
        if isinstance(completion, str) and not as_text:
            note = "the row's prompt is text, so each completion is a string, not a list of messages"
        elif isinstance(completion, list) and as_text:
            note = "the row's prompt is messages, so each completion is a list of messages, not a string"
        else:
            raise
        error.args = (f"{error}; {note}",)
        raise


def batch_of_two(check: Callable[[Any, Any], Any]) -> Callable[[float, Any, Any], None]:
    """A call with two responses, once, after a grade that was quick: some functions fail only then.

    What a response earns was graded alone before. A slow function keeps its time for the grade.
    """
    passed: list[bool] = []

    def once(begun: float, sample: Any, item: Any) -> None:
        if not passed and monotonic() - begun < QUICK_SECONDS:
            check(sample, item)
            passed.append(True)

    return once


def as_many(function: Any, results: Any, size: int, what: str = "rewards") -> Any:
    """The results themselves, if there are as many as completions."""
    name = getattr(function, "__name__", "the function")
    if isinstance(results, (str, bytes, Mapping)) or not hasattr(results, "__len__"):
        kind = type(results).__name__
        raise TypeError(f"{name} returned {kind}, not a list with one of the {what} for each completion")
    if len(results) != size:
        number = f"{len(results)} {what if len(results) != 1 else what[:-1]}"
        raise ValueError(f"{name} returned {number} for {size} completion{'s' if size > 1 else ''}")
    return results


def first_row_alone(rewards: Callable[[list[Any]], Any]) -> Callable[[float, Any, Any, Any], None]:
    """Stops a function that reads the first row's columns for a whole batch, as ``answer[0]`` does.

    A paid response is graded behind another row's, and alone with that row's columns: where it earns the same
    both times, and not what it earns by its own row, those columns are read.
    """
    first: list[Any] = []
    seen: list[bool] = []
    left = [None] * MAX_BATCHES

    def look(begun: float, reward: Any, sample: Any, item: Any) -> None:
        first.extend([] if first else (sample, item))
        if reward and item != first[1] and all(seen) and left and monotonic() - begun < AT_ONCE:
            left.pop()
            with suppress(Exception):
                behind = rewards([first, (sample, item)])[1]
                if behind != reward:
                    crossed, again = rewards([(sample, first[1])])[0], rewards([(sample, item)])[0]
                    seen.append(behind == crossed and again == reward)
        if len(seen) >= SURE and all(seen):
            raise ValueError("grades the whole batch by its first row's columns, as answer[0] would")

    return look


class NoTokens:
    """Stands where token ids would be; reading them raises an error that says why there are none."""

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("completion_ids: Dry Run has the response's text, not the model's tokens")

    __iter__ = __len__ = __getitem__ = __contains__ = __bool__ = _refuse


class FirstStep:
    """The trainer's state before its first step; what is not known then is an error, not a guess."""

    global_step, epoch = 0, 0.0

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"trainer_state.{name}: there is no training yet; global_step and epoch are 0")


def trl(function: Any, as_text: bool) -> Callable[[Any, Any], Outcome]:
    """A batch of one. None and NaN are what TRL leaves out of the sum."""
    apart = ("prompt", "completion", "completion_ids")

    def rewards(batch: list[Any], logged: dict[str, float] | None = None) -> Any:
        turns, size = [turn(*pair) for pair in batch], len(batch)
        names = batch[-1][1].keys() - apart
        columns = {name: [item.get(name) for _, item in batch] for name in names} | {
            "prompts": [prompt for prompt, _ in turns],
            "completions": [completion for _, completion in turns],
            "completion_ids": [NoTokens()] * size,
            "trainer_state": FirstStep(),
            "log_extra": lambda column, values: None,
            "log_metric": ({} if logged is None else logged).__setitem__,
        }
        with shape_explained(turns[-1][1], as_text):
            return as_many(function, awaited(function(**wanted(function, columns))), size)

    def call(sample: Any, item: Any) -> Outcome:
        logged: dict[str, float] = {}
        begun = monotonic()
        reward = rewards([(sample, item)], logged)[0]
        together(begun, sample, item)
        if reward is None or reward != reward:
            return None, numbers(logged), f"the function returned {reward}"
        apart_from_first(begun, reward, sample, item)
        return reward, numbers(logged), ""

    together = batch_of_two(lambda sample, item: rewards([(sample, item)] * 2))
    apart_from_first = first_row_alone(rewards)
    return call


def verl(function: Any, _: bool) -> Callable[[Any, Any], Outcome]:
    """One response by keyword, or a batch of one where the function has the plural names."""
    try:
        plural = "solution_strs" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        plural = False

    def result_of(sample: Any, item: Any, size: int) -> Any:
        arguments = {
            "data_source": item.get("data_source", ""),
            "solution_str": sample["output_text"],
            "ground_truth": truth(item),
            "extra_info": {**(item.get("extra_info") or {}), "num_turns": None, "rollout_reward_scores": {}},
        }
        if not plural:
            return awaited(function(**wanted(function, arguments)))
        batch = {f"{name}s": [value] * size for name, value in arguments.items()}
        return as_many(function, awaited(function(**wanted(function, batch))), size)[0]

    def call(sample: Any, item: Any) -> Outcome:
        begun = monotonic()
        result = result_of(sample, item, 1)
        if plural:
            together(begun, sample, item)
        if isinstance(result, Mapping):
            if "score" not in result:
                raise KeyError("the dict that was returned has no 'score'")
            return result["score"], numbers({k: v for k, v in result.items() if k != "score"}), ""
        return result, {}, ""

    together = batch_of_two(lambda sample, item: result_of(sample, item, 2))
    return call


class Context:
    """What AWS Lambda hands over beside the event."""

    function_name, function_version = "reward", "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-west-2:000000000000:function:reward"
    memory_limit_in_mb = 2048
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    log_group_name = log_stream_name = "/aws/lambda/reward"

    def get_remaining_time_in_millis(self) -> int:
        """The most Lambda gives: 15 minutes."""
        return 900_000


def bedrock(function: Any, _: bool) -> Callable[[Any, Any], Outcome]:
    """A list of one. The row's fields stand in ``metadata`` (Bedrock) and beside it (SageMaker)."""

    def results_of(sample: Any, item: Any, numbers_of: Sequence[str]) -> Any:
        row = {name: value for name, value in item.items() if name != "messages"}
        event = [
            {**row, "id": number, "messages": [*asked(item), assistant_message(sample)], "metadata": row}
            for number in numbers_of
        ]
        results = function(event, Context())
        if not isinstance(results, (list, tuple)):
            raise TypeError(f"returned {type(results).__name__}, not a list of results")
        return results

    def call(sample: Any, item: Any) -> Outcome:
        number = str(item.get("id", "0"))
        begun = monotonic()
        results = results_of(sample, item, [number])
        matching = [entry for entry in results if str(_field(entry, "id")) == number]
        if len(matching) != 1 or "aggregate_reward_score" not in matching[0]:
            raise ValueError(f"returned no result with id {number!r} and aggregate_reward_score")
        together(begun, sample, item)
        metrics = [metric for metric in matching[0].get("metrics_list") or [] if isinstance(metric, Mapping)]
        parts = numbers({metric.get("name"): metric.get("value") for metric in metrics})
        return matching[0]["aggregate_reward_score"], parts, ""

    together = batch_of_two(
        lambda sample, item: as_many(function, results_of(sample, item, ["0", "0-again"]), 2, "results")
    )
    return call


class Parser:
    """As verifiers' default parser: text stays as it is, of messages the last one's content counts."""

    def parse(self, text: str) -> str:
        """The text."""
        return text

    def parse_answer(self, completion: Any) -> Any:
        """The text of a completion."""
        return completion if isinstance(completion, str) else completion[-1]["content"]

    def get_assistant_messages(self, completion: Any) -> list[Any]:
        """Those of the assistant."""
        return [message for message in completion if message["role"] == "assistant"]


def verifiers(function: Any, as_text: bool) -> Callable[[Any, Any], Outcome]:
    """By name, only what the signature asks for. A ``parser`` of the source goes before the default one."""
    parser = getattr(function, "__globals__", {}).get("parser") or Parser()

    def call(sample: Any, item: Any) -> Outcome:
        prompt, completion = turn(sample, item)
        answer = item["answer"] if "answer" in item else truth(item)
        info = item.get("info") or {}
        info = json.loads(info) if isinstance(info, str) else info
        common = {
            "prompt": prompt,
            "completion": completion,
            "answer": "" if answer is None else answer,
            "task": item.get("task", "default"),
            "info": info,
        }
        state = {**common, "id": 0, "responses": [], "turn": 1, "timing": {}}
        arguments = {**common, "state": state, "parser": parser}
        with shape_explained(completion, as_text):
            return awaited(function(**wanted(function, arguments))), {}, ""

    return call


def eval_protocol(function: Any, _: bool) -> Callable[[Any, Any], Outcome]:
    """A row (``@evaluation_test``) or messages (``@reward_function``); a score marked invalid is none."""
    function = getattr(function, "_origin_func", function)
    names = set(inspect.signature(function).parameters)
    mode = getattr(function, "_dryrun_mode", getattr(function, "_reward_function_mode", None)) or "pointwise"
    if mode != "pointwise" or "rows" in names or "rollouts_messages" in names:
        raise ValueError(f"mode {mode!r} compares responses; Dry Run grades one by one (mode 'pointwise')")

    def call(sample: Any, item: Any) -> Outcome:
        messages = [*asked(item), assistant_message(sample)]
        columns = {name: value for name, value in item.items() if name not in ("messages", "ground_truth")}
        if "row" in names:
            result = awaited(function(_row(messages, truth(item), columns)))
        else:
            arguments = columns | {"messages": messages, "ground_truth": truth(item)}
            result = awaited(function(**wanted(function, arguments)))
        return _score(getattr(result, "evaluation_result", result) if "row" in names else result)

    return call


def _row(messages: list[Any], ground_truth: Any, columns: dict[str, Any]) -> Any:
    models = import_module("eval_protocol.models")
    messages = [models.Message.model_validate(message) for message in messages]
    return models.EvaluationRow(messages=messages, ground_truth=ground_truth, **columns)


def _score(result: Any) -> Outcome:
    if result is None:
        raise ValueError("set no evaluation_result")
    if isinstance(result, (int, float)):
        return result, {}, ""
    metrics = _field(result, "metrics") or {}
    parts = numbers({name: _field(metric, "score") for name, metric in dict(metrics).items()})
    if _field(result, "is_score_valid") is False:
        why = _field(result, "error") or _field(result, "reason") or "no reason given"
        return None, parts, f"is_score_valid is False ({why})"
    return _field(result, "score"), parts, ""


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


CALLS = {"trl": trl, "verl": verl, "bedrock": bedrock, "verifiers": verifiers, "eval_protocol": eval_protocol}
