"""What a python grader's source says about itself: it is parsed here, never run."""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterable, Mapping
from copy import copy

MAX_SOURCE_BYTES = 256 * 1024
"""The service's limit: "less than 256 kB"."""

TRIES = 5
"""How often a source is parsed at most."""
_PARSING = threading.Lock()

FIX_SIGNATURE = "Write def grade(sample, item): and return a number."


def check_grade(source: str, tree: ast.Module) -> None:
    """Check that the service would run a source that binds ``grade``.

    Raises
    ------
    ValueError
        It is too long, or ``grade`` does not take two positional parameters.
    """
    size = len(source.encode("utf-8", "surrogatepass"))
    if size >= MAX_SOURCE_BYTES:
        fix = "Shorten it: tables belong into the rows, as fields of the item."
        raise ValueError(f"has {size:,} bytes; the limit is {MAX_SOURCE_BYTES:,}. {fix}")
    function = binding_of(tree, "grade")
    if isinstance(function, ast.AsyncFunctionDef):
        raise ValueError(
            f"line {function.lineno}: grade is async; graders are plain functions. {FIX_SIGNATURE}"
        )
    if isinstance(function, ast.FunctionDef):
        _check_signature(function)


def read_tree(source: str) -> ast.Module:
    """`ast.parse`, while other threads parse as well.

    Before Python 3.13 a tree that is made while another thread makes one may fail with "AST constructor
    recursion depth mismatch": all threads count in one place (CPython issue 106905). Two workers that start
    at once parse their source so, and so does Streamlit in each session.
    """
    with _PARSING:
        for _ in range(TRIES - 1):
            try:
                return ast.parse(source)
            except SystemError:
                continue
        return ast.parse(source)


def syntax_tree(source: str) -> ast.Module:
    """The syntax tree.

    Raises
    ------
    ValueError
        It is not Python; the message names the line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_tree(source)
    except SyntaxError as error:
        if "\n" not in source.strip() and "\\n" in source:
            raise ValueError(
                "is one line with \\n in it: its line breaks were escaped once too often. "
                "Write each line break as \\n within the JSON string, not as \\\\n."
            ) from None
        raise ValueError(f"line {error.lineno or 1} is not Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"cannot be read as Python: {error}") from None


def binding_of(tree: ast.Module, name: str) -> ast.stmt | None:
    """The statement that gives `name` its value: the last one at the top level, as at run time."""
    statements = [statement for statement in top_level(tree.body) if name in defined_names(statement)]
    return statements[-1] if statements else None


def parameter_names(source: str) -> tuple[str, str] | None:
    """What the two parameters of ``grade`` are called; None where it is not a plain function."""
    function = binding_of(syntax_tree(source), "grade")
    if not isinstance(function, ast.FunctionDef):
        return None
    first, second = parameters_of(function)
    return first, second


def keys_read(source: str, parameter: int = 1) -> list[str]:
    """Constant keys that ``grade(sample, item)`` looks up: ``item["x"]``, ``item.get("x")``.

    Parameters
    ----------
    source : str
    parameter : int
        0: keys of the sample; 1: keys of the row.
    """
    names = parameter_names(source)
    keys: dict[str, None] = {}
    for node in ast.walk(syntax_tree(source)):
        match node:
            case (
                ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key), ctx=ast.Load())
                | ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="get"),
                    args=[ast.Constant(value=str() as key), *_],
                )
            ) if names and name == names[parameter]:
                keys[key] = None
    return list(keys)


def paths_read(source: str, roots: Mapping[str, str]) -> list[str]:
    """Paths of two constant keys or more that a source looks up, also through variables.

    Parameters
    ----------
    source : str
    roots : mapping of str to str
        Names that hold the row or one of its parts, each with the part's place: ``""`` for the whole row.

    Returns
    -------
    list of str
        As ``"info.gold"`` for ``item["info"]["gold"]``, or ``info = item.get("info")`` and ``info["gold"]``.
    """
    tree, known = syntax_tree(source), dict(roots)
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name not in known:
                if path := _path(value, known):
                    known[name] = path
    paths = (_path(node, known) for node in ast.walk(tree) if isinstance(node, ast.Subscript | ast.Call))
    return list(dict.fromkeys(path for path in paths if path and "." in path))


def _path(node: ast.expr, known: Mapping[str, str]) -> str | None:
    """The path that an expression looks up; None where it does not begin with a known name."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Subscript(value=inner, slice=ast.Constant(value=str() as key), ctx=ast.Load()):
            pass
        case ast.Call(
            func=ast.Attribute(value=inner, attr="get"), args=[ast.Constant(value=str() as key), *_]
        ):
            pass
        case ast.BoolOp(values=[first, *_]):  # item.get("info") or {}
            return _path(first, known)
        case _:
            return None
    before = _path(inner, known)
    return None if before is None else f"{before}.{key}".lstrip(".")


def defined_names(statement: ast.stmt) -> set[str]:
    """The names a statement binds: functions, classes, imports, assignments."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
        case ast.Assign(targets=targets):
            return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _check_signature(function: ast.FunctionDef) -> None:
    arguments, names = function.args, parameters_of(function)
    stars = ["*" + arguments.vararg.arg] if arguments.vararg else []
    stars += ["**" + arguments.kwarg.arg] if arguments.kwarg else []
    if len(names) != 2 or arguments.kwonlyargs or stars:
        shown = f"grade({', '.join([*names, *stars])})"
        raise ValueError(
            f"line {function.lineno}: {shown} must take exactly two positional parameters. {FIX_SIGNATURE}"
        )


Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_body(tree: ast.Module) -> bool:
    """Whether the source is the bare body of a function: it returns at the top level."""
    return any(isinstance(node, ast.Return) for node in top_level(tree.body))


def functions_of(tree: ast.Module) -> list[Function]:
    """Functions defined at the top level; of two with one name the last."""
    by_name = {node.name: node for node in top_level(tree.body) if isinstance(node, FUNCTIONS)}
    return list(by_name.values())


def callables_of(tree: ast.Module) -> list[Function]:
    """Functions at the top level, and as such the instances there of its own classes with ``__call__``."""
    methods = {
        node.name: part
        for node in top_level(tree.body)
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, FUNCTIONS) and part.name == "__call__" and part.args.args
    }
    functions: list[Function] = functions_of(tree)
    for node in top_level(tree.body):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=made)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=ast.Name(id=made)))
            ) if made in methods:
                functions.append(_bound(methods[made], name))
    return functions


def _bound(method: Function, name: str) -> Function:
    """A method as the function that an instance of this name is: without ``self``."""
    function, arguments = copy(method), copy(method.args)
    arguments.args = arguments.args[1:]
    arguments.defaults = arguments.defaults[-len(arguments.args) :] if arguments.args else []
    function.name, function.args = name, arguments
    return function


def top_level(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    """The statements of a block, those under if, try, for and the like included, not those of functions."""
    flat: list[ast.stmt] = []
    for node in body:
        flat.append(node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            continue
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):  # in the order they would run
            for inner in getattr(node, block, []):
                flat += top_level([inner] if isinstance(inner, ast.stmt) else inner.body)
    return flat


def _arguments_of(node: Function) -> list[ast.arg]:
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def parameters_of(node: Function) -> list[str]:
    """Names of its parameters, in order."""
    return [argument.arg for argument in _arguments_of(node)]


def required_of(node: Function) -> list[str]:
    """Names of those without a default."""
    arguments = node.args
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    plain = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return plain + [argument.arg for argument, default in pairs if default is None]


def decorators_of(node: Function) -> set[str]:
    """The last names of its decorators: ``@ep.reward_function(...)`` gives ``reward_function``."""
    names = set()
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        names.add(called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))
    return names


def annotation_of(node: Function, parameter: str) -> str:
    """The annotation of a parameter as it is written; ``""`` if it has none."""
    annotations = {argument.arg: argument.annotation for argument in _arguments_of(node)}
    annotation = annotations.get(parameter)
    return ast.unparse(annotation) if annotation else ""


def imports_of(nodes: Iterable[ast.AST]) -> dict[str, int]:
    """Packages that import statements among these nodes name, with their lines; relative imports apart."""
    packages: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            packages.update((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            packages[node.module.split(".")[0]] = node.lineno
    return packages
