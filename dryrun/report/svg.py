"""The report's charts as SVG, drawn by hand: a file that must open offline cannot load a chart library.

Colours are CSS classes of the page around them (`STYLE`), so that one file reads in light and dark and
prints. No meaning hangs on colour alone. All text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from dryrun.analysis.verdict.topics import Standing, standing
from dryrun.core.text import cut, figure
from dryrun.core.thresholds import Thresholds
from dryrun.report.fields import AnchorFigures, StripEntry, TopicEntry

WIDTH, LEFT, RIGHT = 720, 190, 150
ROW = 24
SHOWN_TOPICS = 40
MARKS = {
    Standing.CONFIRMED: ("problem", "diamond"),
    Standing.PROBLEM: ("problem", "diamond"),
    Standing.WATCH: ("watch", "square"),
}
"""CSS class and shape of a topic's mark; others are plain circles."""

STYLE = """
svg { width: 100%; height: auto; max-width: 760px; display: block; font: 12px system-ui, sans-serif; }
svg text { fill: var(--text); } svg .soft { fill: var(--soft); }
.bar { fill: var(--blue); } .band { fill: var(--soft); opacity: .14; }
.limit { stroke: var(--orange); stroke-dasharray: 5 4; } .axis { stroke: var(--soft); }
.mean { stroke: var(--text); stroke-width: 2; }
.right { fill: var(--blue); stroke: var(--blue); } .model { fill: var(--soft); stroke: var(--soft); }
.junk, .problem { fill: var(--orange); stroke: var(--orange); }
.plain { fill: var(--blue); stroke: var(--blue); } .watch { fill: var(--soft); stroke: var(--soft); }
.raw { fill: none; stroke: var(--text); stroke-width: 1.4; } .whisker { stroke-width: 2.5; }
.dead { fill: var(--orange); } .cell { fill: var(--blue); stroke: var(--soft); stroke-width: .25; }
"""
"""For a page that defines ``--text``, ``--soft``, ``--blue`` and ``--orange``."""


def histogram_svg(counts: Sequence[int], mean: float | None, limits: Thresholds) -> str:
    """The scores in bars of 0.05, with the healthy band, the tree's limits and the mean."""
    height, base, top = 220, 190, 24
    most = max([*counts, 1])
    step = WIDTH / max(len(counts), 1)
    parts = [
        _rect(
            "band",
            limits.healthy_mean_low * WIDTH,
            top,
            (limits.healthy_mean_high - limits.healthy_mean_low) * WIDTH,
            base - top,
        )
    ]
    for number, count in enumerate(counts):
        tall = (base - top) * count / most
        told = f"{number * 0.05:.2f} to {number * 0.05 + 0.05:.2f}: {count:,}"
        parts.append(_rect("bar", number * step + 1, base - tall, step - 2, tall, told))
    for limit in (limits.mean_low, limits.mean_high):
        parts.append(_line("limit", limit * WIDTH, top, limit * WIDTH, base))
    if mean is not None:
        parts += [_line("mean", mean * WIDTH, top - 6, mean * WIDTH, base), _mean_label(mean, top)]
    parts += _axis(0, WIDTH, base)
    shown = f"Histogram of {sum(counts):,} scores" + (f", mean {figure(mean)}." if mean is not None else ".")
    return _svg(height, shown, parts)


def ruler_svg(at: AnchorFigures, mean: float | None, span: tuple[float, float] | None) -> str:
    """Right answers, the model and junk on one axis: a triangle, a circle, crosses."""
    rows: list[tuple[str, float, str]] = []
    right = "stronger model (best tenth)" if at.from_stronger_model else "reference answers"
    rows += [(right, at.reference, "right")] if at.reference is not None else []
    rows += [("the same, reformatted", at.reformatted, "right")] if at.reformatted is not None else []
    rows += [("base model", mean, "model")] if mean is not None else []
    rows += [(name.replace("_", " "), value, "junk") for name, value in at.junk_kinds.items()]
    parts: list[str] = []
    for number, (name, value, kind) in enumerate(rows):
        y = 16 + number * ROW
        parts.append(_label(name, y))
        if kind == "model" and span is not None:
            parts.append(_line("model whisker", _x(span[0]), y, _x(span[1]), y))
        parts += [_mark(kind, _x(value), y, name), _note(figure(value), y)]
    base = 16 + len(rows) * ROW
    told = "Mean scores: " + ", ".join(f"{name} {figure(value)}" for name, value, _ in rows) + "."
    return _svg(base + 30, told, [*parts, *_axis(LEFT, WIDTH - RIGHT, base)])


def strip_svg(columns: Sequence[StripEntry]) -> str:
    """Prompts from the lowest mean to the highest, lowest score below; dead ones marked underneath."""
    if not columns:
        return ""
    cells = max(len(column.cells) for column in columns)
    wide, tall = WIDTH / len(columns), min(18, 150 / cells)
    parts: list[str] = []
    for number, column in enumerate(columns):
        for level, value in enumerate(column.cells):
            y = (cells - 1 - level) * tall
            x = number * wide
            parts.append(
                f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{wide:.2f}" height="{tall:.2f}" '
                f'fill-opacity="{0.04 + 0.96 * value:.2f}"/>'
            )
        told = f"{column.prompts:,} prompts, mean {column.mean:.2f}, {column.dead:.0%} with equal scores"
        parts.append(_rect("dead", number * wide, cells * tall + 4, wide * 0.96, 10 * column.dead, told))
    base = cells * tall + 32
    parts.append(f'<text x="0" y="{base}">lowest mean</text>')
    parts.append(f'<text x="{WIDTH}" y="{base}" text-anchor="end">highest mean</text>')
    prompts = sum(column.prompts for column in columns)
    dead = sum(column.prompts * column.dead for column in columns) / max(prompts, 1)
    told = f"{prompts:,} prompts sorted by mean score; {dead:.0%} of them have equal scores throughout."
    return _svg(base + 8, told, parts)


def topics_svg(topics: Mapping[str, TopicEntry], limits: Thresholds) -> str:
    """Each topic's own mean hollow, its pooled mean filled with a 95 % bar, its prompts at the right."""
    chosen = [(name, topic) for name, topic in topics.items() if topic.mean is not None][:SHOWN_TOPICS]
    base = 16 + len(chosen) * ROW
    wide = (limits.healthy_mean_high - limits.healthy_mean_low) * (WIDTH - LEFT - RIGHT)
    parts = [_rect("band", _x(limits.healthy_mean_low), 4, wide, base - 4)]
    for limit in (limits.mean_low, limits.mean_high):
        parts.append(_line("limit", _x(limit), 4, _x(limit), base))
    for number, (name, topic) in enumerate(chosen):
        parts += _topic_row(name, topic, 16 + number * ROW)
    told = "Mean score by topic: " + ", ".join(
        f"{name or '(no topic)'} {topic.mean:.2f}" for name, topic in chosen
    )
    return _svg(base + 30, told + ".", [*parts, *_axis(LEFT, WIDTH - RIGHT, base)])


def _topic_row(name: str, topic: TopicEntry, y: float) -> Iterator[str]:
    word = standing(topic.status, topic.evidence)
    kind, shape = MARKS.get(word, ("plain", "circle"))
    yield _label(name or "(no topic)", y)
    if topic.interval is not None and topic.pooled is not None:
        low, high = max(topic.interval[0], 0.0), min(topic.interval[1], 1.0)
        yield _line(f"{kind} whisker", _x(low), y, _x(high), y)
        yield _shape(shape, kind, _x(min(max(topic.pooled, 0.0), 1.0)), y)
    yield f'<circle class="raw" cx="{_x(topic.mean or 0.0):.1f}" cy="{y}" r="6"/>'
    yield _note(f"n {topic.prompts:,} · {word}", y)


def _x(value: float) -> float:
    return LEFT + min(max(value, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)


def _svg(height: float, told: str, parts: Sequence[str]) -> str:
    inner = "".join(parts)
    return (
        f'<svg viewBox="-4 -4 {WIDTH + 8} {height + 4:.0f}" role="img" aria-label="{escape(told)}" '
        f'xmlns="http://www.w3.org/2000/svg">{inner}</svg>'
    )


def _axis(left: float, right: float, y: float) -> Iterator[str]:
    yield _line("axis", left, y, right, y)
    for tick in range(6):
        x = left + (right - left) * tick / 5
        anchor = "start" if tick == 0 else "end" if tick == 5 else "middle"
        yield f'<text class="soft" x="{x:.0f}" y="{y + 18:.0f}" text-anchor="{anchor}">{tick / 5:.1f}</text>'


def _mean_label(mean: float, top: float) -> str:
    anchor = "start" if mean < 0.1 else "end" if mean > 0.9 else "middle"
    return f'<text x="{mean * WIDTH:.1f}" y="{top - 10}" text-anchor="{anchor}">mean {figure(mean)}</text>'


def _rect(kind: str, x: float, y: float, width: float, height: float, told: str = "") -> str:
    title = f"<title>{escape(told)}</title>" if told else ""
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
        f'height="{max(height, 0):.1f}">{title}</rect>'
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _label(text: str, y: float) -> str:
    return f'<text x="{LEFT - 10}" y="{y + 4:.0f}" text-anchor="end">{escape(cut(text, 28))}</text>'


def _note(text: str, y: float) -> str:
    return f'<text class="soft" x="{WIDTH - RIGHT + 10}" y="{y + 4:.0f}">{escape(text)}</text>'


def _mark(kind: str, x: float, y: float, told: str) -> str:
    return _shape({"right": "triangle", "model": "circle"}.get(kind, "cross"), kind, x, y, told)


def _shape(shape: str, kind: str, x: float, y: float, told: str = "") -> str:
    path = {
        "triangle": "M-6 5 L6 5 L0 -6 Z",
        "diamond": "M-6 0 L0 -6 L6 0 L0 6 Z",
        "square": "M-5 -5 H5 V5 H-5 Z",
        "cross": "M-5 -5 L5 5 M-5 5 L5 -5",
        "circle": "M-5 0 A5 5 0 1 0 5 0 A5 5 0 1 0 -5 0 Z",
    }[shape]
    title = f"<title>{escape(told)}</title>" if told else ""
    place = f'transform="translate({x:.1f} {y:.1f})" stroke-width="2"'
    return f'<path class="{kind}" d="{path}" {place}>{title}</path>'
