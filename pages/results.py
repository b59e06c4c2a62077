"""Verdict, score distribution, topics and single samples of a run."""

import streamlit as st

from dryrun.app.results.banner import (
    banner,
    problem,
    quality_lines,
    tested,
    title,
    topic_action_list,
    verdict_actions,
    warning_list,
)
from dryrun.app.results.ceiling import ceiling_section
from dryrun.app.results.downloads import report_downloads
from dryrun.app.results.figures import (
    bins_table,
    checks_table,
    distribution,
    ruler,
    signal_panel,
    statistics_table,
    strip,
    topics_section,
)
from dryrun.app.results.inspector import inspector
from dryrun.app.results.labels import label_section
from dryrun.app.results.paid_for import outcome_choice, training_section
from dryrun.app.results.provenance import empty_state, missing_view, not_measured, provenance
from dryrun.app.results.thresholds import rules_switch, threshold_panel
from dryrun.app.shared.frame import ensure_frame
from dryrun.app.shared.grader_check import run_check_section
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import chosen_run, recorded_run, run_link
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError

SIDE_BY_SIDE = 360
"""Pixels that each half needs; on a narrower screen the second half stands below the first."""

ensure_frame()

try:
    chosen = chosen_run() or recorded_run()
    if chosen is None:
        empty_state()
        st.stop()
    with st.sidebar:
        thresholds = rules_switch(threshold_panel())
    status, loaded = load_run(chosen)
    with st.sidebar:
        loaded = outcome_choice(loaded)
    evidence = loaded.judge(thresholds)
    diagnosis = evidence.document

    title(evidence, partial=loaded.results.pending > 0)
    provenance(chosen, status, loaded)
    banner(evidence)

    parts = st.grid(2, min_column_width=SIDE_BY_SIDE, gap="medium")
    with parts.cell():
        tested(diagnosis)
        distribution(loaded.observations, diagnosis, thresholds)
        checks_table(diagnosis.checks)
        ruler(evidence)
        strip(evidence)
        signal_panel(evidence)
    with parts.cell():
        if evidence.verdict == "GO":
            quality_lines(evidence)
        problem(evidence)
        missing_view(loaded)
        warning_list(evidence)
    verdict_actions(chosen, loaded, evidence)

    if diagnosis.topics:
        st.subheader("Topics")
        topics_section(evidence, thresholds)
        topic_action_list(evidence)

    training_section(loaded, thresholds)
    inspector(loaded)
    label_section(loaded, thresholds)
    ceiling_section(chosen, loaded, diagnosis.statistics.mean)

    run_check_section(chosen)

    st.subheader("Statistics")
    tables = st.grid(2, min_column_width=SIDE_BY_SIDE, gap="large")
    with tables.cell():
        statistics_table(diagnosis)
    with tables.cell():
        bins_table(diagnosis)
    not_measured(evidence)

    st.subheader("Report")
    report_downloads(loaded, thresholds)
except DryRunError as error:
    st.title("Results")
    show_error(error)
    run_link("configure", "Configure a run", "tune")
