"""The anchor ruler shows every anchor once, in an order that reads, and never by colour alone."""

from __future__ import annotations

import numpy as np

from dryrun.analysis.figures.anchors import Anchors
from dryrun.report.charts.anchor_chart import JUNK, SHAPES, anchor_ruler, marks, ruler_alt

ANCHORS = Anchors(
    reference=np.array([1.0, 1.0, 0.7]),
    junk={"empty": np.zeros(3), "filler": np.array([0.5, np.nan, 0.7]), "lost": np.full(2, np.nan)},
)


def test_right_answers_then_the_model_then_junk_by_what_it_earns() -> None:
    rows = marks(ANCHORS, 0.4, None)
    assert [row.name for row in rows] == ["reference answers", "base model", "filler", "empty"]
    assert rows[2].mean == np.float64(0.6)
    assert 0.0 <= rows[2].low < rows[2].mean < rows[2].high <= 1.0
    assert [row.name for row in marks(Anchors(), None, None)] == []


def test_every_kind_has_a_shape_and_words() -> None:
    rows = marks(ANCHORS, 0.4, None)
    chart = anchor_ruler(rows).to_dict()
    assert len(chart["layer"]) == 2
    shape = chart["layer"][1]["encoding"]["shape"]["scale"]
    assert len(set(shape["range"])) == len(SHAPES)
    assert JUNK in shape["domain"]
    assert "filler 0.60" in ruler_alt(rows)
