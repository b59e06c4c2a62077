"""Verdict, score distribution, topics and single samples of a run."""

import streamlit as st

from dryrun.app.banner import banner, headline, tested
from dryrun.app.ceiling_form import ceiling_section
from dryrun.app.downloads import report_downloads
from dryrun.app.figures import (
    bins_table,
    checks_table,
    distribution,
    ruler,
    signal,
    statistics_table,
    strip,
    topics_section,
)
from dryrun.app.frame import ensure_frame
from dryrun.app.grader_check import known_check, run_check_section
from dryrun.app.inspector import inspector
from dryrun.app.labelling import label_section
from dryrun.app.loading import load
from dryrun.app.notices import empty_state, not_measured, provenance
from dryrun.app.problems import show_error
from dryrun.app.quality import problem, quality_lines, topic_actions, warning_list
from dryrun.app.session import chosen_run, recorded_run
from dryrun.app.threshold_panel import rules_switch, threshold_panel
from dryrun.app.verdict_actions import verdict_actions
from dryrun.errors import DryRunError

ensure_frame()

try:
    chosen = chosen_run() or recorded_run()
    if chosen is None:
        empty_state()
        st.stop()
    with st.sidebar:
        thresholds = rules_switch(threshold_panel())
    status, loaded = load(chosen)
    found = loaded.judge(thresholds)
    document = found.document

    check = known_check(chosen)

    headline(found.verdict, partial=loaded.results.pending > 0, borderline=found.borderline, check=check)
    provenance(chosen, status, loaded)
    banner(found, check)

    left, right = st.columns([3, 2], gap="large")
    with left:
        tested(document)
        distribution(loaded.observations, document, thresholds)
        checks_table(document.checks)
        ruler(found)
        strip(found)
        signal(found)
    with right:
        if found.verdict == "GO":
            quality_lines(found)
        problem(found)
        warning_list(found)
    verdict_actions(chosen, loaded, found.verdict, check.caution if check else "")

    if document.topics:
        st.subheader("Topics")
        topics_section(found, thresholds)
        topic_actions(found)

    inspector(loaded)
    label_section(loaded, thresholds)
    ceiling_section(chosen, loaded, document.statistics.mean)

    run_check_section(chosen)

    st.subheader("Statistics")
    left, right = st.columns(2, gap="large")
    with left:
        statistics_table(document)
    with right:
        bins_table(document)
    not_measured(found)

    st.subheader("Report")
    report_downloads(loaded, thresholds)
except DryRunError as error:
    st.title("Results")
    show_error(error)
    st.page_link("pages/configure.py", label="Configure a run", icon=":material/tune:")
