"""How a run stands, in one look for every page."""

from __future__ import annotations

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from dryrun.app.shared.looks import Look, look_of
from dryrun.core.config import Verdict


@pytest.mark.parametrize(
    ("verdict", "conditions", "measuring", "look"),
    [
        ("GO", False, False, Look.GO),
        ("GO", True, False, Look.CONDITIONS),
        ("GO", False, True, Look.GO),
        ("NO-GO", False, False, Look.NO_GO),
        ("NO-GO", True, True, Look.NO_GO),
        ("INVALID", False, False, Look.INVALID),
        ("INVALID", False, True, Look.MEASURING),
    ],
)
def test_what_cannot_be_judged_yet_is_being_measured_and_not_invalid(
    verdict: Verdict, conditions: bool, measuring: bool, look: Look
) -> None:
    assert look_of(verdict, conditions=conditions, measuring=measuring) is look


def test_no_two_looks_share_a_word_an_icon_a_colour_or_a_dot() -> None:
    for told in ("value", "icon", "colour", "dot"):
        assert len({getattr(look, told) for look in Look}) == len(Look)
    assert {look.icon.removeprefix(":material/").rstrip(":") for look in Look} <= set(ALL_MATERIAL_ICONS)
    assert Look.CONDITIONS.cell == "🟡 GO, with conditions"
    assert Look.NO_GO.markdown == ":red[:material/cancel: NO-GO]"
