"""One case of the battery: a reward function, its rows, and the words that name what is wrong with it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dryrun import check_function
from dryrun.probes.result import GraderCheck

Rows = Sequence[Mapping[str, Any]]
Grade = Callable[[Any, Any], float]
SECONDS = 120.0
"""Long enough that a busy machine grades everything."""
LENIENT = frozenset({"too lenient", "hackable"})
STRICT = frozenset({"too strict"})
EMPTY = frozenset({"hackable", "no signal"})
"""Words for a reward that never looks at the answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """A reward function as somebody would use it.

    Attributes
    ----------
    name : str
    package : str
        Where the function is from.
    call : str
        How it is called, in a sentence.
    make : callable
        The function and its rows; loads the package.
    words : frozenset of str
        Profiles that name its defect; none where it is sound.
    bounds : (float, float)
        The scale of its rewards.
    """

    name: str
    package: str
    call: str
    make: Callable[[], tuple[Grade, Rows]]
    words: frozenset[str] = frozenset()
    bounds: tuple[float, float] = (0.0, 1.0)


def checked(case: Case) -> GraderCheck:
    """What the check says of the case.

    Raises
    ------
    ImportError
        The package, or something that it needs, is absent.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        grade, rows = case.make()
        return check_function(grade, rows, seconds=SECONDS, bounds=case.bounds)


def as_expected(case: Case, check: GraderCheck) -> bool:
    """No alarm on a sound function; a word that names the defect of another."""
    return check.profile in case.words if case.words else check.sound


def told(check: GraderCheck) -> list[str]:
    """What blocks, in sentences."""
    return [f"{finding.sentence} {finding.text[:80]!r}" for finding in check.blocking]
