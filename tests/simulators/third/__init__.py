"""Policies and rewards that no rule was chosen on, written down before any result of it was seen.

Written after both other halves had been read often. Only the rates of learning were set, on the clean reward
and before any verdict was seen. Once the totals of the whole set were known, and nothing else, a quarter
of it was opened to be read: `READ_FAMILIES` under `READ_CASES`. The rest stays closed.
"""

READ_FAMILIES = ("anchored", "slow", "chain")
READ_CASES = (
    "plus_minus_one",
    "tests_all",
    "outcome_and_format",
    "length_cost",
    "length_cost_that_harms",
    "shorter_is_better",
    "judge_of_verbosity",
    "judge_flattered",
    "reward_model",
    "rubric_of_form",
    "verifier_misses_most",
    "times_out",
    "call_required",
    "progress",
    "stale_key",
)
"""Every second reward."""


def is_read(family: str, case: str) -> bool:
    """Whether rules may be chosen on a condition of this set."""
    return family in READ_FAMILIES and case in READ_CASES
