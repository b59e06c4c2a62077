"""string_check: is the one text the other, or within it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dryrun.graders.format.specs import Operation

CHECKS: Mapping[Operation, Callable[[str, str], bool]] = {
    Operation.EQ: lambda given, reference: given == reference,
    Operation.NE: lambda given, reference: given != reference,
    Operation.LIKE: lambda given, reference: reference in given,
    # casefold() would also equate ß and ss; the service's folding is unpublished, lower() is the plain one
    Operation.ILIKE: lambda given, reference: reference.lower() in given.lower(),
}


def string_check(operation: Operation, given: str, reference: str) -> float:
    """1.0 when the check holds, else 0.0. The needle of ``like`` and ``ilike`` is `reference`."""
    return float(CHECKS[operation](given, reference))
