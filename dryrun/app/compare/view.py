"""The compare page: which two runs, what they say of each other, what differs between them."""

from __future__ import annotations

import streamlit as st

from dryrun.analysis.figures.comparison import difference_counts, prompt_differences
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.sample import sample_view
from dryrun.app.shared.session import RECORDED, RUN, Chosen, current_run_id, open_by_name
from dryrun.app.shared.sidebar import run_choice
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.comparison import difference_alt, difference_chart, ecdf_alt, ecdf_chart
from dryrun.report.comparison import Comparison, Pairing, compare
from dryrun.report.comparison_text import comparison_outline, to_json, to_markdown
from dryrun.report.outline import Section
from dryrun.store.results import Results, Side, sides

WITH = "with"
"""URL parameter: the run that is compared with `RUN`."""
KEPT = "compared_with"
"""The session's newest second run."""
SHOWN = 5


def pick_runs() -> tuple[Chosen | None, Chosen | None]:
    """Two choices. On a shared server runs are not listed: their ids, or links, are typed.

    Raises
    ------
    DryRunError
        There is no such run.
    """
    left, right = st.columns(2)
    before, after = current_run_id(), _compared_with()
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
    return _open(first), _open(second)


def _compared_with() -> str:
    """The second run in the URL, or the one this session compared last: a click in the menu drops it."""
    given = str(st.query_params.get(WITH, ""))
    if not given and (kept := st.session_state.get(KEPT)):
        st.query_params[WITH] = given = str(kept)
    return given


def _open(name: str) -> Chosen | None:
    return Chosen(open_by_name(name), recorded=name == RECORDED) if name else None


def comparison_view(first: Chosen, second: Chosen, thresholds: Thresholds, evidence: bool) -> None:
    """Sentences, charts, what differs, topics, flipped responses, the report.

    Raises
    ------
    DryRunError
        The runs cannot be compared.
    """
    results = [load_run(chosen)[1].results for chosen in (first, second)]
    found = compare(results[0], results[1], thresholds, evidence=evidence)
    st.subheader(f"{found.first.word} before, {found.second.word} after", anchor=False)
    words, *sections = comparison_outline(found)
    st.markdown("\n".join(f"- {plain(''.join(sentence), 400)}" for sentence in words.lines))
    _charts(found, sides(results[0], results[1]))
    for section in sections:
        _section(section)
    _flipped(found, results)
    _downloads(found)


def _charts(found: Comparison, both: tuple[Side, Side]) -> None:
    one, two = both
    charts = st.grid(2, min_column_width=320, gap="large")
    with charts.cell():
        st.markdown("Distributions of the scores")
        scores = one.seen.score, two.seen.score
        st.altair_chart(ecdf_chart(*scores), key="compare_ecdf", alt=ecdf_alt(*scores))
    if found.pairing is Pairing.NOTHING or found.difference is None:
        return
    with charts.cell():
        st.markdown("How the prompts moved")
        counts = difference_counts(prompt_differences(one.seen.score, one.prompt, two.seen.score, two.prompt))
        chart = difference_chart(counts, found.difference.value)
        st.altair_chart(chart, key="compare_difference", alt=difference_alt(counts))


def _section(section: Section) -> None:
    if not section:
        return
    st.subheader(section.title, anchor=False)
    for line in section.lines:
        st.caption(plain("".join(line), 400))
    for table in section.tables:
        columns = zip(*(map(str, row) for row in table.rows), strict=True)
        st.dataframe(dict(zip(table.titles, columns, strict=True)), hide_index=True, alt=section.title)


def _flipped(found: Comparison, results: list[Results]) -> None:
    if found.flipped is None:
        return
    for title, rows in (
        ("Pass after, failed before", found.flipped.gained),
        ("Fail after, passed before", found.flipped.lost),
    ):
        if rows.size:
            with st.expander(f"{title}: {rows.size:,}", icon=":material/swap_vert:"):
                _examples(found, results, [int(row) for row in rows[:SHOWN]])


def _examples(found: Comparison, results: list[Results], rows: list[int]) -> None:
    before, after = ([int(side[row]) for row in rows] for side in found.rows)
    scores = [one.observations().score for one in results]
    for old, new, seen in zip(before, after, results[1].inspect(after), strict=True):
        st.caption(f"Score {scores[0][old]:.2f} before, {scores[1][new]:.2f} after")
        sample_view(seen, float(scores[1][new]), results[1].config)


def _downloads(found: Comparison) -> None:
    name = f"compare-{short(found.first.run.id)}-{short(found.second.run.id)}"
    with st.container(horizontal=True):
        for kind, write in (("json", to_json), ("md", to_markdown)):
            st.download_button(
                f"Comparison ({'JSON' if kind == 'json' else 'Markdown'})",
                write(found).encode(),
                file_name=f"{name}.{kind}",
                on_click="ignore",
                icon=":material/download:",
                key=f"compare_{kind}",
            )
