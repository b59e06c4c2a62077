"""The battery as tests: in small always, in full where the packages are."""

from __future__ import annotations

from functools import cache

import pytest

from tests.battery.case import Case, as_expected, checked, told
from tests.battery.cases import CASES
from tests.battery.miniature import MINIATURE
from tests.battery.packages import VARIABLE, open_site, site

pytestmark = pytest.mark.slow


def name(case: Case) -> str:
    return case.name


@cache
def opened() -> bool:
    """Whether the packages are there; they are made importable once."""
    folder = site()
    if folder is not None:
        open_site(folder)
    return folder is not None


@pytest.mark.parametrize("case", MINIATURE, ids=name)
def test_a_function_in_the_style_of_public_ones_is_judged_rightly(case: Case) -> None:
    check = checked(case)
    assert as_expected(case, check), (check.profile, told(check))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_public_function_is_judged_rightly(case: Case) -> None:
    if not opened():
        pytest.skip(f"The packages are not here: install them and set {VARIABLE}, see tests/battery.")
    try:
        check = checked(case)
    except ImportError as error:
        pytest.skip(f"Not importable here: {error}.")
    assert as_expected(case, check), (check.profile, told(check))


def test_the_battery_is_large_enough_to_mean_something() -> None:
    assert sum(not case.words for case in CASES) >= 40
    assert sum(bool(case.words) for case in CASES) >= 30
    assert len({case.name for case in CASES}) == len(CASES)
