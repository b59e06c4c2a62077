"""Where a row's right answer is, when nobody says so."""

from __future__ import annotations

import json

from dryrun.core.records import Item
from dryrun.dataset.fields import value_at

REFERENCES = ("reference_answer", "reference", "answer", "expected", "ground_truth", "gts")
"""Names under which rows carry what the right answer is, the likeliest first."""


def reference_of(item: Item, field: str) -> str | None:
    """The reference answer as a model would write it: text as it is, all else as JSON; None without one.

    `field` is a key, or a path with dots: ``"reward_model.ground_truth"``.
    """
    value = value_at(item, field)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def usual_reference(item: Item) -> str | None:
    """The answer under the first of the usual names that the row has."""
    return next((text for name in REFERENCES if (text := reference_of(item, name)) is not None), None)
