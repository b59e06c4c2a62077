"""Reward functions from elsewhere: the convention that a Python source follows, found without running it.

Signatures as in TRL 1.16 (``GRPOTrainer``), verl 0.9 (``reward_manager``), the Bedrock and SageMaker
pages on reward functions, eval-protocol 0.3 and verifiers 0.1 (``Rubric``). How each is called is in
`adapters`, which runs inside the sandbox.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from dryrun.graders.format.foreign import VERIFIERS_GROUP, library_of, why_none
from dryrun.graders.format.python_source import (
    FIX_SIGNATURE,
    Function,
    annotation_of,
    binding_of,
    callables_of,
    check_grade,
    decorators_of,
    is_body,
    parameters_of,
    required_of,
    syntax_tree,
)


class Convention(StrEnum):
    """How a Python source wants to be called."""

    OPENAI = "openai"
    """``grade(sample, item)``."""
    TRL = "trl"
    """A batch at a time, by keyword: ``f(prompts, completions, completion_ids, <columns>, **kwargs)``."""
    VERL = "verl"
    """``compute_score(data_source, solution_str, ground_truth, extra_info=None)``."""
    BEDROCK = "bedrock"
    """``lambda_handler(event, context)``."""
    EVAL_PROTOCOL = "eval_protocol"
    """``@reward_function f(messages, ground_truth=None, **kwargs)``, ``@evaluation_test f(row)``."""
    VERIFIERS = "verifiers"
    """Any of ``completion, prompt, answer, info, state, task, parser``, by name."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A convention in words.

    Attributes
    ----------
    name : str
        ``"TRL's"``, before "reward function".
    zero_on_error : bool
        Whether its own rule for a function that raises is 0. OpenAI documents so, and verifiers'
        ``Rubric`` logs the error and goes on with 0.0; elsewhere the training stops or the response
        is marked invalid, so there is no grade.
    absent : str
        What happens to a response without a reward, as a sentence part; ``""`` where none can lack one.
    """

    name: str
    zero_on_error: bool
    absent: str = ""


VOICES = {
    Convention.OPENAI: Voice("OpenAI's", True),
    Convention.TRL: Voice("TRL's", False, "TRL leaves such a response out"),
    Convention.VERL: Voice("verl's", False),
    Convention.BEDROCK: Voice("Bedrock's", False),
    Convention.EVAL_PROTOCOL: Voice("eval-protocol's", False, "eval-protocol leaves such a row out"),
    Convention.VERIFIERS: Voice("verifiers'", True),
}

PASSED = {
    Convention.TRL: ("prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric"),
    Convention.VERL: ("data_source", "solution_str", "ground_truth", "extra_info"),
    Convention.VERIFIERS: ("prompt", "completion", "answer", "state", "task", "info", "parser"),
    Convention.EVAL_PROTOCOL: ("messages", "ground_truth"),
}
"""What a function is handed by name, the row's columns apart."""

TAKES_ALL = (Convention.TRL, Convention.VERL)
"""Libraries that hand over all of `PASSED`, wanted or not; verifiers looks at the signature first."""

TAKES_COLUMNS = (Convention.TRL, Convention.EVAL_PROTOCOL)
"""Conventions in which the row's other columns are handed over too."""

USUAL = {Convention.OPENAI: "grade", Convention.BEDROCK: "lambda_handler", Convention.VERL: "compute_score"}
"""Names that tell a convention by themselves, whatever else the source holds."""

VERL_BATCH = {"data_sources", "solution_strs", "ground_truths", "extra_infos"}
EP_DECORATORS = {"evaluation_test", "reward_function"}


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """The function of a source that grades, and what is known about it.

    Attributes
    ----------
    convention : Convention
    function : str
    line : int
    parameters : tuple of str
        Names, in order.
    required : tuple of str
        Those without a default.
    takes_any : bool
        It has ``**kwargs``, or its signature cannot be seen.
    reads_messages : bool
        Its source looks up the content of messages, so completions are messages to it.
    """

    convention: Convention
    function: str
    line: int
    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    takes_any: bool = True
    reads_messages: bool = True

    def __str__(self) -> str:
        shown = ", ".join((*self.parameters, "**kwargs") if self.takes_any else self.parameters)
        return f"{self.function}({shown})"


def entry_of(source: str, convention: Convention | None = None, function: str | None = None) -> EntryPoint:
    """The function that grades.

    Parameters
    ----------
    source : str
    convention : Convention, optional
        Default: guessed from names and parameters.
    function : str, optional
        Default: the only one that can be meant.

    Raises
    ------
    ValueError
        It is not Python, there is no such function, or several could be meant.
    """
    tree = syntax_tree(source)
    functions = {node.name: node for node in callables_of(tree)}
    if function is not None:
        return _named(tree, functions, convention, function)
    if convention is not None and functions:
        return _only(tree, list(functions.values()), convention)
    own = {name: node for name, node in functions.items() if not library_of(node)}
    for guess, usual in USUAL.items():
        if usual in own and MARKS[guess](own[usual]):
            return _chosen(tree, [own[usual]], guess)
    for guess, fits in MARKS.items():
        meant = [node for node in own.values() if fits(node)]
        if meant:
            return _chosen(tree, meant, guess)
    if assigned := binding_of(tree, "grade"):
        return EntryPoint(Convention.OPENAI, "grade", assigned.lineno)
    raise ValueError(why_none(tree, list(functions.values()), CHOOSE))


def function_names(source: str) -> list[str]:
    """Names at the top level that can be called, functions and instances; none where it is not Python."""
    try:
        return [node.name for node in callables_of(syntax_tree(source))]
    except ValueError:
        return []


def callable_source(source: str, convention: Convention | None, function: str | None) -> None:
    """Check that a grader can be made of a source, as OpenAI's where no convention is named.

    Raises
    ------
    ValueError
        It cannot; the message says what would help.
    """
    if convention is not None:
        entry_of(source, convention, function)
        return
    if function not in (None, "grade"):
        raise ValueError(f'names the function {function!r}, but no "convention" that calls it')
    tree = syntax_tree(source)
    if binding_of(tree, "grade") is None:
        raise ValueError(f"defines no function named grade. {_hint(source, tree)}")
    check_grade(source, tree)


def _hint(source: str, tree: ast.Module) -> str:
    """What a source without ``grade`` is instead."""
    if is_body(tree):
        return "It is a bare body: write def grade(sample, item): above it and indent it."
    try:
        entry = entry_of(source)
    except ValueError:
        return FIX_SIGNATURE
    whose, name = VOICES[entry.convention].name, entry.convention.value
    return (
        f'{entry} follows {whose} convention: add "convention": "{name}" to run it here. '
        "The service runs grade(sample, item) only."
    )


def _is_bedrock(node: Function) -> bool:
    return node.name == "lambda_handler" or parameters_of(node) == ["event", "context"]


def _is_eval_protocol(node: Function) -> bool:
    if decorators_of(node) & EP_DECORATORS or "EvaluationRow" in annotation_of(node, "row"):
        return True
    return parameters_of(node)[:2] == ["messages", "ground_truth"]


def _is_trl(node: Function) -> bool:
    names = set(parameters_of(node))
    # A column may be called answers: what takes it beside all that TRL hands over is TRL's.
    own = names - {"answers"} if node.args.kwarg else names
    return "completions" in names and not own & VERIFIERS_GROUP


def _is_verl(node: Function) -> bool:
    names = set(parameters_of(node))
    return node.name == "compute_score" or {"solution_str", "ground_truth"} <= names or names >= VERL_BATCH


def _is_verifiers(node: Function) -> bool:
    known = set(PASSED[Convention.VERIFIERS])
    return "completion" in parameters_of(node) and set(required_of(node)) <= known


def _is_openai(node: Function) -> bool:
    others = list(MARKS.values())[1:]
    return node.name == "grade" and not any(fits(node) for fits in others)


MARKS: dict[Convention, Callable[[Function], bool]] = {
    Convention.OPENAI: _is_openai,
    Convention.BEDROCK: _is_bedrock,
    Convention.EVAL_PROTOCOL: _is_eval_protocol,
    Convention.TRL: _is_trl,
    Convention.VERL: _is_verl,
    Convention.VERIFIERS: _is_verifiers,
}
"""How each convention is recognised, the most telling first."""


def _chosen(tree: ast.Module, nodes: list[Function], convention: Convention) -> EntryPoint:
    """The one that is meant: the usual name, else the one that no other calls and is not private."""
    named = [node for node in nodes if node.name == USUAL.get(convention, "grade")]
    public = [node for node in nodes if not node.name.startswith("_")] or nodes
    called = {
        part.id
        for node in public
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and part.id != node.name
    }
    left = named or [node for node in public if node.name not in called] or public
    if len(left) > 1:
        names = ", ".join(node.name for node in left)
        weighed = " + ".join(node.name for node in left)
        raise ValueError(
            f"holds {len(left)} functions by {VOICES[convention].name} convention: {names}. "
            f'Choose one: "function": "{left[0].name}" in JSON, --function {left[0].name} in a terminal. '
            f"Or weigh and add them as the trainer does: --function '{weighed}'."
        )
    return _completed(tree, _entry(tree, left[0], convention))


def _completed(tree: ast.Module, entry: EntryPoint) -> EntryPoint:
    """The entry, or the ``partial`` that the source makes from it."""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=made, args=[ast.Name(id=inner)], keywords=keywords),
            ) if inner == entry.function and ast.unparse(made).split(".")[-1] == "partial":
                known = {keyword.arg for keyword in keywords}
                parameters = tuple(parameter for parameter in entry.parameters if parameter not in known)
                required = tuple(parameter for parameter in entry.required if parameter not in known)
                return replace(
                    entry, function=name, line=node.lineno, parameters=parameters, required=required
                )
    return entry


def _only(tree: ast.Module, functions: list[Function], convention: Convention) -> EntryPoint:
    """The function for a convention that was given: one that shows its marks, else the only one."""
    fitting = [node for node in functions if MARKS[convention](node)]
    if not fitting and convention is not Convention.OPENAI:
        fitting = [node for node in functions if not node.name.startswith("_")]
    if not fitting:
        fix = f" {FIX_SIGNATURE}" if convention is Convention.OPENAI else ""
        raise ValueError(f"defines no function that {VOICES[convention].name} convention could call.{fix}")
    return _chosen(tree, fitting, convention)


def _named(
    tree: ast.Module, functions: dict[str, Function], convention: Convention | None, name: str
) -> EntryPoint:
    if name in functions:
        node = functions[name]
        if convention is None and library_of(node):
            raise ValueError(library_of(node))
        guesses = [guess for guess, fits in MARKS.items() if fits(node)]
        if convention is None and not guesses:
            raise ValueError(f"line {node.lineno}: {name} follows no convention known here. {CHOOSE}")
        return _entry(tree, node, convention or guesses[0])
    assigned = binding_of(tree, name)
    if convention is None or assigned is None:
        known = f" It defines {', '.join(functions)}." if functions else ""
        raise ValueError(f"defines no function named {name}.{known}")
    return EntryPoint(convention, name, assigned.lineno)


def _entry(tree: ast.Module, node: Function, convention: Convention) -> EntryPoint:
    constants = (part.value for part in ast.walk(tree) if isinstance(part, ast.Constant))
    return EntryPoint(
        convention,
        node.name,
        node.lineno,
        tuple(parameters_of(node)),
        tuple(required_of(node)),
        node.args.kwarg is not None,
        annotation_of(node, "completions").lower() != "list[str]" and "content" in constants,
    )


CHOOSE = (
    "Say which it is, in the field Convention or with --convention: "
    f"{', '.join(convention.value for convention in Convention)}."
)
