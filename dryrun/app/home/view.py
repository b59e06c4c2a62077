"""The first page: the recorded examples as cards, the latest runs, the quick run on the sample data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.examples import Example, examples
from dryrun.app.shared.launch import drop_zone, launch
from dryrun.app.shared.looks import verdict_badge
from dryrun.app.shared.run_rows import RunRow, run_row, run_rows, waiting
from dryrun.app.shared.session import (
    ADJUST,
    RUN,
    SHARE,
    WITH,
    listed_runs,
    open_by_name,
    run_link,
    url_parameters,
)
from dryrun.app.shared.widgets import drawn_again, errors_shown
from dryrun.core.config import SamplingConfig, SamplingMethod
from dryrun.core.errors import DryRunError
from dryrun.core.paths import sample_data_dir
from dryrun.core.records import RunState
from dryrun.core.text import plain, plural
from dryrun.core.thresholds import Thresholds
from dryrun.dataset import Dataset, read_dataset
from dryrun.engine.prepare import Prepared, prepare
from dryrun.report.summary import Summary
from dryrun.store.notes import note_of
from dryrun.store.runs import Run, RunStatus

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


NARROWEST = 260
"""Pixels of a card; on a narrower screen they stand one below the other."""


def example_cards() -> None:
    """Draw one card for each recorded example."""
    recorded = [(example, row) for example in examples() if (row := run_row(example.run)) is not None]
    if not recorded:
        return
    st.header("Recorded examples", anchor=False)
    st.caption("Real runs of the past that come with Dry Run. Nothing is called when you open one.")
    cards = st.grid(4, min_column_width=NARROWEST, gap="medium", border=True)
    for example, row in recorded:
        with cards.cell():
            _card(example, row)


def _card(example: Example, row: RunRow) -> None:
    if row.look is not None:
        verdict_badge(row.look, example.cause)
    st.subheader(example.title, anchor=False)
    st.markdown(example.lesson)
    if row.summary is not None:
        thumbnail(row.summary)
        st.caption(_figures(row, row.summary))
    # Each link is heard without its card, so it says itself where it leads.
    verdict = f"the {row.look.value}" if row.look else "the result"
    run_link("results", f"Open {verdict} {example.cause}".strip(), "insights", example.link)


def _figures(row: RunRow, summary: Summary) -> str:
    quality = f"Dataset: {summary.dataset.lower()} · Grader: {summary.grader.lower()}"
    mean, model = mean_words(summary, row.status), plain(row.config.model.name, 60)
    return f"{quality}  \n{mean} · {row.size} responses by {model}"


def mean_words(summary: Summary | None, status: RunStatus) -> str:
    """The mean with its interval; where there is none, how many scores there are."""
    if summary is None or summary.mean is None:
        none = "no score yet" if status.live else "no score"
        return plural(status.graded, "score") if status.graded else none
    if summary.low is None or summary.high is None:
        return f"mean {summary.mean:.2f}"
    return f"mean {summary.mean:.2f} ({summary.low:.2f} to {summary.high:.2f})"


LATEST = 5
"""Runs that are shown."""
BADGE = 150
"""Pixels of the widest verdict: the names stand in line below each other."""


def latest_runs() -> None:
    """Draw the latest runs; nothing before the first. What is still being judged comes by itself."""
    runs = [run for run in listed_runs() if not note_of(run).archived][:LATEST]
    rows = run_rows(runs)
    if not rows:
        return
    st.header("Latest runs", anchor=False)
    if count := len(jobs.live()):
        st.caption(f"{plural(count, 'live run')} on this server")
    judging = any(row.look is None for row in rows) and waiting() > 0
    drawn_again(_rows, 1 if judging else None, [row.run for row in rows], judging)
    run_link("runs", "All runs", "list")


def _rows(runs: list[Run], judging: bool) -> None:
    for row in run_rows(runs):
        _row(row)
    if judging and not waiting():
        st.rerun()  # ends the timer


def _row(row: RunRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=BADGE):
            if row.look is None:
                st.badge("Being judged", icon=":material/hourglass_empty:", color="gray")
            else:
                verdict_badge(row.look)
        run_link(row.page, plain(row.name, 80), "chevron_right", row.run.id)
        mean = mean_words(row.summary, row.status)
        mean = f"{mean} so far" if row.so_far else mean
        st.caption(f"{mean} · {row.size} · {plain(row.config.grader_name, 40)} · {row.when}")


QUICK = SamplingConfig(size=60, rollouts=2, method=SamplingMethod.STRATIFIED)


def quick_start() -> None:
    """Draw the button that tries Dry Run, and beside it the place for one's own data."""
    sides = st.grid(2, min_column_width=320, gap="medium", border=True)
    with sides.cell():
        st.header("Try it", anchor=False)
        clicked = st.button("Quick run here", type="primary", icon=":material/play_arrow:", key="quick")
        st.caption(
            f"{QUICK.size} prompts × {QUICK.rollouts} responses by a small model on this machine. "
            "No account, no key, about a minute. Its weights (93 MB) are fetched once."
        )
    with sides.cell():
        st.header("Use my data", anchor=False)
        drop_zone("Drop your prompts")
    if clicked:
        with errors_shown():
            launch(_quick_prepared())


def _quick_prepared() -> Prepared:
    dataset, grader = sample_data_dir() / "reasoning.jsonl", sample_data_dir() / "graders" / "combined.json"
    if not (dataset.is_file() and grader.is_file()):
        raise DryRunError("This copy of Dry Run came without its sample data. Use your own on New run.")
    return prepare(_sample_dataset(dataset), grader.read_text(encoding="utf-8"), sampling=QUICK)


@st.cache_resource(max_entries=1, show_spinner=False)
def _sample_dataset(path: Path) -> Dataset:
    return read_dataset(path, path.name)


def hand_on() -> None:
    """Go to the page that the URL's parameters are about, with all of them; stay where they name none."""
    if name := page_of(url_parameters()):
        st.switch_page(f"pages/{name}.py", query_params=url_parameters())


def page_of(parameters: dict[str, list[str]]) -> str:
    """The file name, without its ending, of the page that these parameters belong to; ``""`` for none."""
    if ADJUST in parameters:
        return "configure"
    if SHARE in parameters:
        return "results"
    if RUN not in parameters:
        return ""
    return "compare" if WITH in parameters else _page_of_run(parameters[RUN][-1])


def _page_of_run(name: str) -> str:
    try:
        chosen = open_by_name(name)
    except DryRunError:
        return "results"  # which says that there is no such run
    finished = chosen.recorded or jobs.status(chosen.run).state is RunState.FINISHED
    return "results" if finished else "run"
