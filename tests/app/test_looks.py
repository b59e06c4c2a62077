"""How a run stands, in one look for every page."""

from __future__ import annotations

import pytest
from streamlit.material_icon_names import ALL_MATERIAL_ICONS

from dryrun.app.shared.looks import VerdictLook, look_of
from dryrun.core.config import Verdict


@pytest.mark.parametrize(
    ("verdict", "conditions", "invalid", "look"),
    [
        ("GO", False, VerdictLook.INVALID, VerdictLook.GO),
        ("GO", True, VerdictLook.INVALID, VerdictLook.CONDITIONS),
        ("GO", False, VerdictLook.MEASURING, VerdictLook.GO),
        ("NO-GO", False, VerdictLook.INVALID, VerdictLook.NO_GO),
        ("NO-GO", True, VerdictLook.NOT_FINISHED, VerdictLook.NO_GO),
        ("INVALID", False, VerdictLook.INVALID, VerdictLook.INVALID),
        ("INVALID", False, VerdictLook.MEASURING, VerdictLook.MEASURING),
    ],
)
def test_what_cannot_be_judged_yet_is_being_measured_and_not_invalid(
    verdict: Verdict, conditions: bool, invalid: VerdictLook, look: VerdictLook
) -> None:
    assert look_of(verdict, conditions=conditions, invalid=invalid) is look


def test_no_two_looks_share_a_word_an_icon_or_a_colour() -> None:
    for part in ("value", "icon", "colour"):
        assert len({getattr(look, part) for look in VerdictLook}) == len(VerdictLook)
    assert {look.icon.removeprefix(":material/").rstrip(":") for look in VerdictLook} <= set(
        ALL_MATERIAL_ICONS
    )
    assert VerdictLook.NO_GO.markdown == ":red[:material/cancel: NO-GO]"
