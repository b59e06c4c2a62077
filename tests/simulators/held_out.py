"""Conditions on which no rule may be tuned. The list was written before anything was measured."""

from __future__ import annotations

FAMILIES = ("topics", "mixture")
CASES = (
    "noise_30",
    "lenient_floor",
    "shaped_multi",
    "minus_one_to_one",
    "one_bad_topic",
    "length_bonus_harmful",
    "dead_groups",
    "reads_a_part",
    "broken_references_topics",
)


def is_held_out(family: str, case: str) -> bool:
    """Whether a condition belongs to the half that is looked at once, at the end."""
    return family in FAMILIES or case in CASES
