"""What a sandboxed worker runs, and whether it is plain: certain to do nothing but compute.

Plain grades may share a process. A source is plain only where every part of it is on a list: its syntax,
builtins, modules, and the names of attributes. Nothing that a function can reach outlives a grade: there are
no classes, decorators or ``global``, no attribute is written, and what the source binds outside its functions
is never changed.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from fractions import Fraction
from functools import cache
from importlib import resources
from json import JSONDecodeError
from types import CodeType
from typing import Any

from dryrun.dataset.fields import REFERENCES
from dryrun.graders.format.conventions import Convention, EntryPoint
from dryrun.graders.format.python_source import syntax_tree

_SYNTAX = """
Add And AnnAssign Assert Assign Attribute AugAssign BinOp BitAnd BitOr BitXor BoolOp Break Call Compare
Constant Continue Del Delete Dict DictComp Div Eq ExceptHandler Expr FloorDiv For FormattedValue FunctionDef
GeneratorExp Gt GtE If IfExp Import ImportFrom In Invert Is IsNot JoinedStr LShift Lambda List ListComp Load
Lt LtE MatMult Mod Module Mult Name NamedExpr Not NotEq NotIn Or Pass Pow RShift Raise Return Set SetComp
Slice Starred Store Sub Subscript Try Tuple UAdd USub UnaryOp While Yield YieldFrom alias arg arguments
comprehension keyword
"""
SYNTAX = frozenset(_SYNTAX.split())
"""Names of `ast`'s classes."""

_BUILTINS = """
abs all any ascii bin bool bytes chr complex dict divmod enumerate filter float frozenset hex int isinstance
issubclass iter len list map max min next oct ord pow print range repr reversed round set slice sorted str sum
tuple zip ArithmeticError AssertionError AttributeError Exception IndexError KeyError LookupError
NotImplementedError OverflowError RecursionError RuntimeError StopIteration TypeError UnicodeDecodeError
UnicodeEncodeError UnicodeError ValueError ZeroDivisionError
"""
BUILTINS = frozenset(_BUILTINS.split())

_RESERVED = frozenset(dir(builtins)) | BUILTINS

_MODULES = """
re: A ASCII DOTALL I IGNORECASE M MULTILINE S U UNICODE VERBOSE X compile error escape findall finditer
    fullmatch match search split sub subn
math: acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp
    exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt
    lcm ldexp lgamma log log10 log1p log2 modf nan nextafter perm pi pow prod radians remainder sin sinh
    sqrt tan tanh tau trunc ulp
json: JSONDecodeError dumps loads
string: ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable
    punctuation whitespace
difflib: SequenceMatcher context_diff get_close_matches ndiff unified_diff
decimal: Decimal DecimalException DivisionByZero InvalidOperation ROUND_CEILING ROUND_DOWN ROUND_FLOOR
    ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP
fractions: Fraction
statistics: StatisticsError correlation covariance fmean geometric_mean harmonic_mean mean median
    median_high median_low mode multimode pstdev pvariance quantiles stdev variance
unicodedata: category combining decimal digit name normalize numeric
collections: ChainMap Counter OrderedDict defaultdict deque
itertools: accumulate chain combinations combinations_with_replacement compress count cycle dropwhile
    filterfalse groupby islice pairwise permutations product repeat starmap takewhile zip_longest
functools: cmp_to_key partial reduce
typing: Any Dict List Mapping Optional Sequence Set Tuple Union
__future__: annotations
"""
MODULES = {
    module: frozenset(names.split())
    for module, names in re.findall(r"^(\w+): (.+(?:\n {4}.+)*)", _MODULES, re.M)
}
"""What may be used of each."""

_OBJECTS = (
    *(str, bytes, bool, float, complex, list, dict, set, frozenset, tuple, slice, range),
    *(Counter, OrderedDict, deque, Decimal, Fraction, SequenceMatcher, JSONDecodeError, re.Pattern, re.Match),
)
METHODS = frozenset(name for kind in _OBJECTS for name in dir(kind) if not name.startswith("_")) | {
    *("args", "start", "stop", "step", "pos", "lineno", "colno", "msg", "maps", "parents", "new_child")
}
"""Attributes of what a plain source can get hold of; ``format`` reads further ones, see `_attribute`."""

READING = frozenset(("get", "index", "count", "items", "keys", "values", "copy")) | {"isdisjoint", "union"}
"""Methods that leave a table as it is."""

READERS = frozenset(
    (
        *("all", "any", "dict", "enumerate", "frozenset", "len", "list", "max", "min", "reversed"),
        *("set", "sorted", "sum", "tuple", "zip"),
    )
)
"""Builtins that a plain source may use."""

MAKERS = frozenset(["bool", "bytes", "complex", "float", "frozenset", "int", "range", "str", "tuple"])
"""Builtins that make something that cannot be changed, of what cannot be."""


def is_plain(source: str) -> bool:
    """Whether grades by this source may share a process: none leaves anything to the next, or looks at it."""
    try:
        return _Source(syntax_tree(source)).plain
    except (ValueError, RecursionError):
        return False


class _Source:
    """What a source binds at its top level, and whether it is plain."""

    def __init__(self, tree: ast.Module) -> None:
        self._modules: dict[str, str] = {}
        self._parents = {inner: node for node in ast.walk(tree) for inner in ast.iter_child_nodes(node)}
        self._tables: set[str] = set()
        self._lasting: set[str] = set()
        self._names = set(_bound_names(tree))
        self.plain = not any(name in _RESERVED or name.startswith("__") for name in self._names)
        self.plain = self.plain and all(map(self._import, _of_kind(tree, ast.Import, ast.ImportFrom)))
        self.plain = self.plain and all(self._statement(statement) for statement in tree.body)
        self.plain = self.plain and all(map(self._node, ast.walk(tree)))

    def _import(self, node: ast.AST) -> bool:
        """Note the names of whole modules."""
        match node:
            case ast.Import(names=names):
                self._modules.update({alias.asname or alias.name: alias.name for alias in names})
                return all(alias.name in MODULES for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                return {alias.name for alias in names} <= MODULES.get(module, frozenset())
        return False

    def _statement(self, statement: ast.stmt) -> bool:
        """One at the top level: an import, a function, a text, or a name for a value that lasts."""
        match statement:
            case ast.FunctionDef(name=name):
                self._lasting.add(name)
                return True
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                return True
            case ast.Assign(targets=targets, value=value):
                return all(self._bound(target, value) for target in targets)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self._bound(target, value)
        return False

    def _bound(self, target: ast.expr, value: ast.expr) -> bool:
        if not isinstance(target, ast.Name):
            return False
        if self._is_fixed(value):
            self._lasting.add(target.id)
            return True
        self._tables.add(target.id)
        return self._is_table(value)

    def _is_fixed(self, node: ast.expr) -> bool:
        """Whether a value cannot be changed, nor what is in it."""
        match node:
            case ast.Constant() | ast.Lambda():
                return True
            case ast.Name(id=name):
                return (name in self._lasting or name in BUILTINS) and name not in self._tables
            case ast.Attribute(value=ast.Name(id=name)):
                return name in self._modules
            case ast.Tuple(elts=parts):
                return all(map(self._is_fixed, parts))
            case ast.UnaryOp(operand=inner):
                return self._is_fixed(inner)
            case ast.BinOp(left=left, right=right):
                return self._is_fixed(left) and self._is_fixed(right)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="compile"), args=parts, keywords=[]
            ):
                return self._modules.get(name) == "re" and all(map(self._is_fixed, parts))
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in MAKERS:
                return all(self._is_fixed(part) or self._is_table(part) for part in parts)
        return False

    def _is_table(self, node: ast.expr) -> bool:
        """Whether it is a list, set or dict of what cannot be changed."""
        match node:
            case ast.List(elts=parts) | ast.Set(elts=parts):
                return all(map(self._is_fixed, parts))
            case ast.Dict(keys=keys, values=values):
                return all(part is not None and self._is_fixed(part) for part in (*keys, *values))
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="split" | "splitlines"), args=parts):
                return all(map(self._is_fixed, parts))
            case ast.Call(func=ast.Name(id="set" | "list" | "dict"), args=parts, keywords=[]):
                return all(self._is_fixed(part) or self._is_table(part) for part in parts)
        return False

    def _node(self, node: ast.AST) -> bool:
        if type(node).__name__ not in SYNTAX:
            return False
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.FunctionDef(decorator_list=[_, *_]):
                return False
            case ast.arguments(defaults=defaults, kw_defaults=others):
                return all(self._is_fixed(value) for value in (*defaults, *others) if value is not None)
        return True

    def _name(self, node: ast.Name) -> bool:
        if node.id not in BUILTINS and node.id not in self._names:
            return False
        parent = self._parents[node]
        if node.id in self._modules:
            return isinstance(parent, ast.Attribute)
        if node.id in self._tables and isinstance(node.ctx, ast.Load):
            return self._reads(node, parent)
        return True

    def _attribute(self, node: ast.Attribute) -> bool:
        if not isinstance(node.ctx, ast.Load):
            return False
        if isinstance(node.value, ast.Name) and node.value.id in self._modules:
            return node.attr in MODULES[self._modules[node.value.id]]
        if node.attr in ("format", "format_map"):  # a template reads attributes of what it is filled with
            return isinstance(node.value, ast.Constant) and _is_simple(str(node.value.value))
        return node.attr in METHODS

    def _reads(self, node: ast.Name, parent: ast.AST) -> bool:
        """Whether a table stands where it is only looked into."""
        match parent:
            case ast.Compare() | ast.BinOp():
                return True
            case (
                ast.Subscript(value=value, ctx=ast.Load())
                | ast.For(iter=value)
                | ast.comprehension(iter=value)
            ):
                return value is node
            case ast.Attribute(attr=attr):
                call = self._parents[parent]
                return attr in READING and isinstance(call, ast.Call) and call.func is parent
            case ast.Call(func=ast.Name(id=name)):
                return name in READERS
        return False


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """Every name that the source binds somewhere. None may be a builtin's, which it would be elsewhere."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store() | ast.Del())
                | ast.FunctionDef(name=name)
                | ast.arg(arg=name)
            ):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)) | ast.alias(name=name):
                yield name


def _is_simple(template: str) -> bool:
    """Whether a template names no attributes."""
    return not re.search(r"\{[^{}]*[.\[]", re.sub(r":[^{}]*\}", "}", template))


def _of_kind(tree: ast.Module, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


_SLOW = """
ast asyncio copy ctypes dataclasses datetime decimal difflib fractions inspect random shutil socket sqlite3
statistics subprocess tempfile textwrap threading traceback uuid
jsonschema math_verify nltk numpy pandas pydantic rapidfuzz regex rouge_score scipy sklearn sympy yaml
"""
SLOW = frozenset(_SLOW.split())
"""What is imported before the source where it is loaded anew for each grade."""

LATE = {"strptime": "_strptime", "async": "asyncio"}
"""What a function imports when it is first called: each fork of a worker would again."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Program:
    """A Python source and how it wants to be called.

    Attributes
    ----------
    source : str
    entry : Entry or None
        None for OpenAI's ``grade(sample, item)``.
    """

    source: str
    entry: EntryPoint | None = None

    @property
    def plain(self) -> bool:
        """Whether grades can share a process; else each has one of its own, which ends with it."""
        return is_plain(self.source)

    def imports(self, anew: bool) -> list[str]:
        """What a worker imports before it forks; nothing of the user's is among it.

        Parameters
        ----------
        anew : bool
            The source is loaded by each fork: with those of `SLOW` that it names.
        """
        words = set(_WORD.findall(self.source))
        return [*(LATE[word] for word in words & set(LATE)), *(sorted(words & SLOW) if anew else ())]

    @property
    def adapter(self) -> dict[str, Any] | None:
        """As a worker gets it."""
        if self.entry is None:
            return None
        helpers = ["adapters.py"]
        if self.entry.convention is Convention.EVAL_PROTOCOL:
            helpers.append("eval_protocol.py")
        return {
            "helpers": [code_of(name) for name in helpers],
            "convention": self.entry.convention.value,
            "function": self.entry.function,
            "as_text": not self.entry.reads_messages,
            "references": list(REFERENCES),
        }


def text_of(name: str) -> str:
    """The text of a module that runs inside the sandbox."""
    return resources.files("dryrun.graders.inside").joinpath(name).read_text("utf-8")


@cache
def code_of(name: str) -> CodeType:
    """The same compiled once for all workers, which are of this same Python."""
    return compile(text_of(name), f"<{name}>", "exec", dont_inherit=True)
