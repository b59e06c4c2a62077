"""Runs inside the sandbox, where eval-protocol is not installed: types and decorators of its names.

Enough for an evaluation function to be loaded and called: the records it reads and fills, the two
decorators, and inert names for what only configures a training run. Anything else of the package is
an ImportError that says so. Semantics as in eval-protocol 0.3.33. Standard library alone.
"""

import functools
import inspect
import sys
import types
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, ClassVar, Union, get_args, get_origin

PACKAGES = ("eval_protocol", "reward_kit")


def stand_in() -> None:
    """Stand in for the package, and its earlier name, where they are not installed."""
    for package in PACKAGES:
        if find_spec(package) is None:
            _put_in_place(package)


class Model:
    """A record whose fields are attributes and, like in eval-protocol, can be read by name too."""

    defaults: ClassVar[dict[str, Any]] = {}
    needed: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **fields: Any) -> None:
        missing = [name for name in self.needed if name not in fields]
        if missing:
            raise ValueError(f"{type(self).__name__} needs {', '.join(missing)}")
        fresh = {name: make() if callable(make) else make for name, make in self.defaults.items()}
        self.__dict__.update({**fresh, **fields})

    def get(self, name: str, default: Any = None) -> Any:
        """A field, or the default."""
        return getattr(self, name, default)

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def model_dump(self, **_: Any) -> dict[str, Any]:
        """The fields."""
        return dict(self.__dict__)

    @classmethod
    def model_validate(cls, value: Any) -> Any:
        """A record of a mapping."""
        return value if isinstance(value, cls) else cls(**dict(value))


class Message(Model):
    """A chat message; only by attribute, as in eval-protocol."""

    needed = ("role",)
    defaults: ClassVar[dict[str, Any]] = {
        "content": "",
        **dict.fromkeys(("name", "tool_calls", "tool_call_id", "function_call", "reasoning_content")),
    }

    def __getitem__(self, name: str) -> Any:
        raise TypeError("'Message' object is not subscriptable")


class MetricResult(Model):
    """A figure beside the score."""

    needed = ("score", "reason")
    defaults: ClassVar[dict[str, Any]] = {"is_score_valid": True, "data": dict}


class EvaluateResult(Model):
    """What an evaluation comes to."""

    needed = ("score",)
    defaults: ClassVar[dict[str, Any]] = {
        "is_score_valid": True,
        "metrics": dict,
        **dict.fromkeys(("reason", "step_outputs", "error", "trajectory_info")),
    }


class InputMetadata(Model):
    """Where a row comes from."""

    defaults: ClassVar[dict[str, Any]] = {"row_id": None, "completion_params": dict, "dataset_info": None}


class EvaluationRow(Model):
    """A conversation to evaluate; the row's further columns are attributes too."""

    messages: list[Any]

    defaults: ClassVar[dict[str, Any]] = {
        "messages": list,
        "tools": None,
        "input_metadata": InputMetadata,
        "ground_truth": None,
        "evaluation_result": None,
    }

    def last_assistant_message(self) -> Any:
        """The response."""
        return next((message for message in reversed(self.messages) if message.role == "assistant"), None)

    def get_assistant_messages(self) -> list[Any]:
        """All of the assistant's messages."""
        return [message for message in self.messages if message.role == "assistant"]

    def get_user_messages(self) -> list[Any]:
        """All of the user's messages."""
        return [message for message in self.messages if message.role == "user"]

    def get_first_user_message(self) -> Any:
        """The first of the user's messages."""
        return next(iter(self.get_user_messages()), None)

    def get_system_message(self) -> Any:
        """The system's message, or an empty one."""
        return next(
            (message for message in self.messages if message.role == "system"),
            Message(role="system", content=""),
        )


class Opaque:
    """Something of eval-protocol that only configures a training run; it takes anything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...


def evaluation_test(*_: Any, **options: Any) -> Any:
    """The decorator: the function as it is, its mode beside it."""

    def decorate(function: Any) -> Any:
        function._dryrun_mode = options.get("mode", "pointwise")
        return function

    return decorate


def reward_function(function: Any = None, **options: Any) -> Any:
    """The decorator: messages become `Message` where the annotation says so; ``**kwargs`` is compulsory."""

    def decorate(inner: Any) -> Any:
        parameters = inspect.signature(inner).parameters
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            raise ValueError(f"Function '{inner.__name__}' must accept **kwargs parameter.")
        typed = "messages" in parameters and _lists_messages(parameters["messages"].annotation)

        @functools.wraps(inner)
        def call(*args: Any, **keywords: Any) -> Any:
            if typed and "messages" in keywords:
                keywords["messages"] = [Message.model_validate(message) for message in keywords["messages"]]
            return inner(*args, **keywords)

        vars(call)["_reward_function_mode"] = options.get("mode", "pointwise")
        return call

    return decorate if function is None else decorate(function)


def _lists_messages(annotation: Any) -> bool:
    """Whether it is ``list[Message]``, or that or None."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [part for part in get_args(annotation) if part is not type(None)]
        return len(inner) == 1 and _lists_messages(inner[0])
    return get_origin(annotation) is list and get_args(annotation)[:1] == (Message,)


CONFIGURING = """
SingleTurnRolloutProcessor NoOpRolloutProcessor RemoteRolloutProcessor
DynamicDataLoader InlineDataLoader DefaultParameterIdGenerator
ChatCompletionContentPartParam ChatCompletionContentPartTextParam
"""
"""Names that a file may import and that only configure a training run, or stand in its annotations."""

MODULES = """
models typed_interface pytest pytest.evaluation_test pytest.types
pytest.default_single_turn_rollout_process pytest.default_no_op_rollout_processor
"""
"""Where a file may import them from, beside the package itself."""


def _put_in_place(package: str) -> None:
    """Put modules of this name in place; what they lack says so when it is imported."""
    kinds = (Message, MetricResult, EvaluateResult, InputMetadata, EvaluationRow)
    offered: dict[str, Any] = {kind.__name__: kind for kind in kinds}
    offered |= {"evaluation_test": evaluation_test, "reward_function": reward_function}
    offered |= dict.fromkeys(CONFIGURING.split(), Opaque)
    for name in [package, *(f"{package}.{inner}" for inner in MODULES.split())]:
        module = types.ModuleType(name)
        vars(module).update(offered, __path__=[], __getattr__=_says_no(name))
        sys.modules[name] = module


def _says_no(module: str) -> Callable[[str], Any]:
    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        package = module.split(".")[0].replace("_", "-")
        raise ImportError(
            f"{module}.{name}: {package} is not installed here; Dry Run has its types and decorators alone"
        )

    return missing
