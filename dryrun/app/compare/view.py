"""The compare page: two runs, and what differs between them."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.figures.comparison import difference_counts, prompt_differences
from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.run_choice import run_choice
from dryrun.app.shared.sample import sample_view
from dryrun.app.shared.session import BY_TOKEN, RUN, WITH, Chosen, current_run_id, open_by_name
from dryrun.app.shared.widgets import bullets, download
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.comparison import difference_alt, difference_chart, ecdf_alt, ecdf_chart
from dryrun.report.comparison import Comparison, Pairing, compare
from dryrun.report.comparison_text import comparison_outline, to_json, to_markdown
from dryrun.report.outline import Section
from dryrun.store.results import Results, Side, sides

KEPT = "compared_with"
"""The session's newest second run."""
SHOWN = 5


def pick_runs() -> tuple[Chosen | None, Chosen | None]:
    """Draw the two fields and return the runs that are chosen in them.

    Raises
    ------
    DryRunError
        There is no such run.
    """
    before, after = current_run_id(), _compared_with()
    if before.startswith(BY_TOKEN):  # a read-only link shows its run on Results alone
        before = ""
    left, right = st.columns(2)
    with left:
        first = run_choice("First (before)", "compare_first", before)
    with right:
        second = run_choice("Second (after)", "compare_second", after)
    if first and first != before:
        st.query_params[RUN] = st.session_state["current_run"] = first
    if second and second != after:
        st.query_params[WITH] = st.session_state[KEPT] = second
    elif not second and after:  # taken out of the field
        st.query_params.pop(WITH, None)
        st.session_state.pop(KEPT, None)
    chosen = [open_by_name(name, Right.PAGES) if name else None for name in (first, second)]
    return chosen[0], chosen[1]


def _compared_with() -> str:
    """The second run: in the URL, else the session's last one, since a click in the menu clears the URL."""
    given = str(st.query_params.get(WITH, ""))
    if not given and (kept := st.session_state.get(KEPT)):
        st.query_params[WITH] = given = str(kept)
    return given


def comparison_view(first: Chosen, second: Chosen, thresholds: Thresholds, evidence: bool) -> None:
    """Draw what the comparison says, charts, settings and topics that differ, flipped responses, the report.

    Raises
    ------
    DryRunError
        The runs cannot be compared.
    """
    results = [load_run(chosen)[1].results for chosen in (first, second)]
    comparison = compare(results[0], results[1], thresholds, evidence=evidence)
    st.header(f"{comparison.first.word} before, {comparison.second.word} after", anchor=False)
    words, *sections = comparison_outline(comparison)
    st.markdown(bullets("".join(sentence) for sentence in words.lines))
    _charts(comparison, sides(results[0], results[1]))
    for section in sections:
        _section(section)
    _flipped(comparison, results)
    _downloads(comparison)


def _charts(comparison: Comparison, both: tuple[Side, Side]) -> None:
    before, after = both
    charts = st.grid(2, min_column_width=320, gap="large")
    with charts.cell():
        st.markdown("Distributions of the scores")
        scores = before.seen.score, after.seen.score
        st.altair_chart(ecdf_chart(*scores), key="compare_ecdf", alt=ecdf_alt(*scores))
    if comparison.pairing is Pairing.NOTHING or comparison.difference is None:
        return
    with charts.cell():
        st.markdown("How the prompts moved")
        moved = prompt_differences(before.seen.score, before.prompt, after.seen.score, after.prompt)
        counts = difference_counts(moved)
        chart = difference_chart(counts, comparison.difference.value)
        st.altair_chart(chart, key="compare_difference", alt=difference_alt(counts))


def _section(section: Section) -> None:
    if not section:
        return
    st.header(section.title, anchor=False)
    for line in section.lines:
        st.caption(plain("".join(line), 400))
    for table in section.tables:
        columns = zip(*(map(str, row) for row in table.rows), strict=True)
        st.dataframe(dict(zip(table.titles, columns, strict=True)), hide_index=True, alt=section.title)


def _flipped(comparison: Comparison, results: list[Results]) -> None:
    if comparison.flipped is None:
        return
    for title, rows in (
        ("Pass after, failed before", comparison.flipped.gained),
        ("Fail after, passed before", comparison.flipped.lost),
    ):
        if rows.size:
            with st.expander(f"{title}: {rows.size:,}", icon=":material/swap_vert:"):
                _examples(comparison, results, [int(row) for row in rows[:SHOWN]])


def _examples(comparison: Comparison, results: list[Results], rows: list[int]) -> None:
    before, after = ([int(side[row]) for row in rows] for side in comparison.rows)
    scores = [result.observations().score for result in results]
    for old, new, seen in zip(before, after, results[1].inspect(after), strict=True):
        st.caption(f"Score {scores[0][old]:.2f} before, {scores[1][new]:.2f} after")
        sample_view(seen, float(scores[1][new]), results[1].config)


def _downloads(comparison: Comparison) -> None:
    name = f"compare-{short(comparison.first.run.id)}-{short(comparison.second.run.id)}"
    with st.container(horizontal=True):
        json, markdown = to_json(comparison).encode(), to_markdown(comparison).encode()
        download("Comparison (JSON)", json, f"{name}.json", "compare_json")
        download("Comparison (Markdown)", markdown, f"{name}.md", "compare_md")
