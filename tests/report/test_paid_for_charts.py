"""What training is paid for as charts: valid Vega-Lite, words in each, colour never alone."""

from __future__ import annotations

from dryrun.analysis.training.record import training_of
from dryrun.report.charts.paid_for import (
    KIND_NAMES,
    energy_alt,
    energy_chart,
    kinds_alt,
    kinds_chart,
    pass_alt,
    pass_chart,
)
from tests.analysis.training.shaped import shaped_run

FOUND = training_of(shaped_run())


def test_the_kinds_of_groups_fill_one_bar_and_are_named_with_their_shares() -> None:
    assert FOUND.kinds is not None
    spec = kinds_chart(FOUND.kinds).to_dict()
    [rows] = spec["datasets"].values()
    assert [row["kind"] for row in rows] == list(KIND_NAMES)
    assert rows[-1]["right"] == 1.0
    assert all(str(round(100 * row["share"])) in row["label"] for row in rows)
    assert kinds_alt(FOUND.kinds).startswith("200 groups: outcome differs ")


def test_each_part_has_a_bar_with_its_number() -> None:
    assert FOUND.energy is not None
    [rows] = energy_chart(FOUND.energy.parts).to_dict()["datasets"].values()
    assert [row["part"] for row in rows] == ["right", "short"]
    assert all(row["label"].endswith("%") for row in rows)
    assert "short" in energy_alt(FOUND.energy.parts)


def test_pass_at_k_has_a_band_around_its_line() -> None:
    assert FOUND.headroom is not None
    spec = pass_chart(FOUND.headroom).to_dict()
    [rows] = spec["datasets"].values()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["area", "line"]
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    assert "K = 256" in pass_alt(FOUND.headroom)
