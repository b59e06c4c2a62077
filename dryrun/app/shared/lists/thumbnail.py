"""The score distribution as a small picture: 20 bars and the limits of the mean."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dryrun.core.thresholds import Thresholds
from dryrun.report.summary import Summary

WIDTH, HEIGHT = 320, 72
BAR, LIMIT, LINE = "#3f7fdc", "#d9541e", "#8a8f98"
"""Colours that can be told apart on white and on black."""


def thumbnail(summary: Summary) -> None:
    """Draw it, with its words for screen readers."""
    st.image(thumbnail_svg(summary.bars), width="stretch", alt=thumbnail_words(summary))


def thumbnail_svg(bars: Sequence[int]) -> str:
    """The picture as SVG; numbers alone enter it, never text from a run."""
    limits = Thresholds()
    most, wide = max(max(bars, default=0), 1), WIDTH / max(len(bars), 1)
    parts = [
        f'<rect x="{place * wide + 1:.1f}" y="{HEIGHT - tall:.1f}" width="{wide - 2:.1f}" '
        f'height="{tall:.1f}" rx="1" fill="{BAR}"/>'
        for place, count in enumerate(bars)
        if (tall := count and max(2.0, (HEIGHT - 4) * count / most))
    ]
    parts += [
        f'<path d="M{limit * WIDTH:.1f} 0V{HEIGHT}" stroke="{LIMIT}" stroke-width="1.5" '
        'stroke-dasharray="3 3"/>'
        for limit in (limits.mean_low, limits.mean_high)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 1}" width="{WIDTH}" '
        f'height="{HEIGHT + 1}">{"".join(parts)}<path d="M0 {HEIGHT + 0.5}H{WIDTH}" stroke="{LINE}"/></svg>'
    )


def thumbnail_words(summary: Summary) -> str:
    """The picture in words."""
    whole = max(sum(summary.bars), 1)
    ends = [round(100 * sum(part) / whole) for part in (summary.bars[:4], summary.bars[16:])]
    return f"Score distribution: {ends[0]} % of the scores below 0.2, {ends[1]} % from 0.8 up."
