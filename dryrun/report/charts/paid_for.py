"""Charts of what training is paid for: kinds of groups, energy by part, pass@K."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from dryrun.analysis.training.advantages import GroupKinds, PartShare
from dryrun.analysis.training.headroom import Headroom
from dryrun.core.text import percent, plural
from dryrun.report.charts.scores import BLUE, FIT_ROWS, GREY, NAMES, ORANGE, ROW

KIND_NAMES = ("outcome differs", "shaping alone", "nothing differs")
KIND_COLOURS = (BLUE, ORANGE, GREY)
SHARE = {"format": "%", "grid": False, "tickCount": 5}


def kinds_chart(kinds: GroupKinds) -> alt.LayerChart:
    """One bar of 100 %, its pieces named inside or below: what the groups differ in."""
    rows: list[dict[str, str | float]] = []
    left = 0.0
    for name, share in zip(KIND_NAMES, (kinds.mixed, kinds.shaping, kinds.dead), strict=True):
        label = f"{name} {percent(share)}"
        rows.append({"kind": name, "left": left, "right": left + share, "share": share, "label": label})
        left += share
    base = alt.Chart(alt.InlineData(values=rows))
    scale = alt.Scale(domain=[0, 1], nice=False)
    bars = base.mark_bar(height=ROW, stroke=GREY, strokeWidth=0.5).encode(
        x=alt.X("left:Q", title="Share of groups", scale=scale, axis=SHARE),
        x2=alt.X2("right:Q"),
        color=alt.Color(
            "label:N",
            title=None,
            sort=None,
            scale=alt.Scale(domain=[str(row["label"]) for row in rows], range=list(KIND_COLOURS)),
            legend=alt.Legend(
                orient="bottom", direction="vertical", labelLimit=0, symbolOpacity=1, symbolStrokeWidth=0
            ),
        ),
        tooltip=[
            alt.Tooltip("kind:N", title="In the group"),
            alt.Tooltip("share:Q", title="Share", format=".0%"),
        ],
    )
    return alt.LayerChart(layer=[bars]).properties(width="container", height=ROW + 8, autosize=FIT_ROWS)


def kinds_alt(kinds: GroupKinds) -> str:
    """The bar in words."""
    shares = zip(KIND_NAMES, (kinds.mixed, kinds.shaping, kinds.dead), strict=True)
    words = ", ".join(f"{name} {percent(share)}" for name, share in shares)
    return f"{plural(kinds.prompts, 'group')}: {words}."


def energy_chart(parts: Sequence[PartShare]) -> alt.LayerChart:
    """A bar for each part of the reward, with its share of the energy; one below 0 works against it."""
    rows = [{"part": part.name, "share": part.share, "label": percent(part.share)} for part in parts]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("part:N", title=None, sort=None, axis=NAMES),
        x=alt.X("share:Q", title="Share of the squared advantages", axis=SHARE),
    )
    bars = base.mark_bar(color=BLUE, height=14)
    text = base.mark_text(align="left", dx=4, color=GREY).encode(text=alt.Text("label:N"))
    return alt.LayerChart(layer=[bars, text]).properties(
        width="container", height=ROW * len(rows), autosize=FIT_ROWS
    )


def energy_alt(parts: Sequence[PartShare]) -> str:
    """The bars in words. Holds part names as the grader gave them."""
    shares = ", ".join(f"{part.name} {percent(part.share)}" for part in parts)
    return f"Share of the squared advantages: {shares}."


def pass_chart(headroom: Headroom) -> alt.LayerChart:
    """pass@K from 1 to 256 with its 95 % band."""
    rows = [
        {"k": point.k, "value": point.value, "low": point.interval.low, "high": point.interval.high}
        for point in headroom.curve
    ]
    x = alt.X(
        "k:Q",
        title="Responses to each prompt (K)",
        scale=alt.Scale(type="log", base=2, domain=[1, rows[-1]["k"]], nice=False),
        axis=alt.Axis(values=[row["k"] for row in rows], grid=False),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x)
    scale = alt.Scale(domain=[0, 1], nice=False)
    band = base.mark_area(color=BLUE, opacity=0.25).encode(
        y=alt.Y("low:Q", title="pass@K", scale=scale, axis=alt.Axis(format="%")), y2=alt.Y2("high:Q")
    )
    tips = [
        alt.Tooltip("k:Q", title="K"),
        alt.Tooltip("value:Q", title="pass@K", format=".0%"),
        alt.Tooltip("low:Q", title="95 % from", format=".0%"),
        alt.Tooltip("high:Q", title="to", format=".0%"),
    ]
    line = base.mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE)).encode(
        y=alt.Y("value:Q", scale=scale), tooltip=tips
    )
    return alt.LayerChart(layer=[band, line]).properties(width="container", height=200, autosize=FIT_ROWS)


def pass_alt(headroom: Headroom) -> str:
    """The curve in words."""
    first, last = headroom.curve[0], headroom.curve[-1]
    low, high = last.interval
    return (
        f"pass@K over {plural(headroom.prompts, 'prompt')} rises from {percent(first.value)} "
        f"at K = {first.k} to {percent(last.value)} at K = {last.k} "
        f"(95 %: {percent(low)} to {percent(high)})."
    )
