"""A run: its progress and figures while it is live, the offer to stop once settled, and how it ended."""

from __future__ import annotations

import altair as alt
import streamlit as st

from dryrun.analysis.figures.coverage import Coverage
from dryrun.app.run.growth import LEAST_PROMPTS, GrowingRun, Growth, Newest
from dryrun.app.shared import jobs
from dryrun.app.shared.budget import cost_of_cap, spent_words
from dryrun.app.shared.loading import Loaded, load_run
from dryrun.app.shared.looks import NOTHING_TO_JUDGE, VerdictLook, current_look, word_of_run
from dryrun.app.shared.run_rows import title_of
from dryrun.app.shared.session import Chosen, config_of, may_cancel, model_words, tab_title
from dryrun.app.shared.widgets import chart_spec, drawn_again, with_rows
from dryrun.core.config import ModelKind
from dryrun.core.records import RunState
from dryrun.core.text import figure, number, plain, plural, stopped, visible
from dryrun.core.thresholds import Thresholds
from dryrun.engine.budget import Budget
from dryrun.engine.early_stop import SettledWatch
from dryrun.engine.work import TRYING
from dryrun.models.silence import WAITING
from dryrun.report.charts.precision import RUNNING_ALT, running_chart, running_rows
from dryrun.report.charts.scores import HISTOGRAM_WORDS, histogram_bars, histogram_rows, score_histogram
from dryrun.store.runs import Run, RunStatus

WATCHED = "watched_run"
"""Where the session keeps the run that it saw being measured, until its end has been announced."""


def ended_run(chosen: Chosen, status: RunStatus, thresholds: Thresholds) -> Loaded:
    """Draw how the run ended and its verdict; the figures that it was judged by are returned."""
    clean = status.state is RunState.FINISHED and not (status.failed or status.ungraded)
    if not clean:
        end_words(status)
    loaded = load_run(chosen)[1]
    evidence = loaded.judge(thresholds)
    look = current_look(evidence, status, loaded)
    word = word_of_run(look, status)
    tab_title(chosen.run, word)
    _announce(chosen, status, look, word)
    if look not in NOTHING_TO_JUDGE:
        with st.container(border=True, key="verdict_card", gap="small"):
            beside = " :small[so far]" if loaded.results.pending else ""
            st.header(f"{look.markdown}{beside}", anchor=False)
            st.markdown(f"**{plain(evidence.short_reason, 600)}**")
            st.markdown(plain(evidence.how_sure, 600))
            st.caption(_measured(evidence.document.coverage, len({*loaded.results.keys})))
    return loaded


def end_words(status: RunStatus) -> None:
    """Draw how the run ended, or what it is doing. Icon and words say as much as the colour."""
    text = plain(stopped(status.message or "Working."), 600)
    match status.state:
        case RunState.RUNNING:
            st.info(text, icon=":material/hourglass_top:")
        case RunState.FINISHED if status.failed or status.ungraded:
            st.warning(text, icon=":material/warning:")
        case RunState.FINISHED:
            st.success(text, icon=":material/check_circle:")
        case RunState.STOPPED if not status.capped:
            st.error(f"Stopped. {text}", icon=":material/error:")
        case _:
            st.warning(text, icon=":material/pause_circle:")


def watch(chosen: Chosen) -> None:
    """Remember that this session sees the run being measured."""
    st.session_state[WATCHED] = chosen.run.id


def _announce(chosen: Chosen, status: RunStatus, look: VerdictLook, word: str) -> None:
    """Announce the end once, to the person who watched the run."""
    if st.session_state.get(WATCHED) == chosen.run.id:
        del st.session_state[WATCHED]
        what = "The run has ended; its verdict stands on this page."
        if status.state is not RunState.FINISHED:
            what = "The run has stopped before its end."
        st.toast(f"**{plain(word)}**. {what}", icon=look.icon)


def _measured(coverage: Coverage, asked: int) -> str:
    return (
        f"{coverage.prompts_scored:,} of {plural(asked, 'prompt')}, "
        f"{coverage.scored:,} of {plural(coverage.responses, 'response')} with a score"
    )


SIDE_BY_SIDE = 420
"""Pixels that each chart needs; on a narrower screen the second one stands below the first."""
CHART_HEIGHT = 300
"""Pixels that a chart takes with its axes and labels: its skeleton holds its place."""
TOO_FEW = f"an interval needs {LEAST_PROMPTS} prompts with a score."
HISTOGRAM_ALT = "Score histogram of the responses so far; the mean stands in the sentence above."
"""Constant: a browser draws a chart anew when its name changes."""


def growth_of(run: Run) -> Growth:
    """Draw what the run's scores say now."""
    plan = run.folder / "plan.parquet"
    return _growing(run, plan.stat().st_mtime_ns if plan.exists() else 0).look()


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _growing(run: Run, planned: int) -> GrowingRun:
    """One for all viewers of the run; each session writes its plan anew (`planned`), and is read anew."""
    return GrowingRun(run)


def charts(growth: Growth, total: int, thresholds: Thresholds, *, live: bool) -> None:
    """Draw histogram and running mean, each once: what comes in changes their rows alone."""
    if not growth.scores and not live:
        return
    halves = st.grid(2, min_column_width=SIDE_BY_SIDE, gap="medium")
    with halves.cell():
        title = "Score distribution so far" if live else "Score distribution"
        st.header(f":small[{title}]", anchor=False, help=HISTOGRAM_WORDS)
        _histogram(growth, thresholds)
    with halves.cell():
        st.header(":small[Mean with its 95 % interval]", anchor=False)
        if not growth.readings:
            st.skeleton(height=CHART_HEIGHT) if live else st.caption(f"Too few: {TOO_FEW}")
            return
        rows = running_rows(growth.readings, thresholds)
        st.vega_lite_chart(
            with_rows(chart_spec(running_chart, total), rows), key="running_mean", alt=RUNNING_ALT
        )


def _histogram(growth: Growth, thresholds: Thresholds) -> None:
    if growth.mean is None:
        st.skeleton(height=CHART_HEIGHT)
        return
    rows = histogram_rows(histogram_bars(growth.counts), growth.mean, thresholds)
    chart = with_rows(chart_spec(_empty_histogram), rows)
    st.vega_lite_chart(chart, key="live_histogram", alt=HISTOGRAM_ALT)


def _empty_histogram() -> alt.LayerChart:
    return score_histogram(histogram_bars(Growth().counts), 0.5, Thresholds(), clickable=False)


def running_mean_words(growth: Growth, thresholds: Thresholds, status: RunStatus) -> str:
    """Where the mean stands between its limits so far: a sentence; before that, how the first calls do."""
    if growth.mean is None:
        return _before_scores(status)
    if not growth.readings:
        return f"Mean {figure(growth.mean)} so far: {TOO_FEW}"
    now = growth.readings[-1]
    low, high = thresholds.mean_low, thresholds.mean_high
    words = f"Mean {figure(now.mean)} so far, 95 % interval {figure(now.low)} to {figure(now.high)}: "
    if low <= now.low and now.high <= high:
        return f"{words}inside the limits {figure(low)} and {figure(high)}."
    if now.high < low or now.low > high:
        side = f"under the limit {figure(low)}" if now.high < low else f"over the limit {figure(high)}"
        return f"{words}the whole interval lies {side}."
    crossed = [figure(limit) for limit in (low, high) if now.low < limit < now.high]
    return f"{words}it still reaches across the limit {' and '.join(crossed)}."


def _before_scores(status: RunStatus) -> str:
    failed = failed_calls(status)
    if failed and not status.sampled:
        again = "" if status.failed else f", and {'is' if failed == 1 else 'are'} tried again"
        return f"No call has been answered yet: {plural(failed, 'call')} failed{again}."
    return "There is nothing to judge yet: the first scores are on their way."


def newest_responses(newest: tuple[Newest, ...]) -> None:
    """Draw the responses that were graded a moment ago: letter by letter, never as Markdown."""
    if not newest:
        return
    st.header(":small[Newest responses]", anchor=False)
    cells = st.grid(3, min_column_width=260, gap="small")
    for response in newest:
        with cells.cell(), st.container(border=True, height=200, gap="small"):
            topic = f" · {response.topic}" if response.topic else ""
            st.markdown(f"**{figure(response.score)}** :small[{plain(f'row {response.row:,}{topic}', 60)}]")
            st.caption(plain(response.prompt, 120))
            st.text(visible(response.response) or "(nothing)")


def failure_reasons(growth: Growth, counted: int) -> None:
    """Draw why responses have no score, each reason with its count; `counted` are those of this session."""
    if not growth.reasons or not counted:
        return
    known = sum(reason.count for reason in growth.reasons)
    again = " Some are of an earlier session and are being tried again." if known > counted else ""
    lines = "\n".join(f"- {reason.count:,} × {plain(reason.words, 400)}" for reason in growth.reasons)
    st.markdown(f"{plural(counted, 'response')} without a score{again and '.' + again}\n\n{lines}")


POLL_SECONDS = 1.0
STAYS = "The run goes on when you leave this page or close the tab; its link brings you back."
PROMPT_TOKEN_SECONDS, TOKEN_SECONDS = 0.002, 0.02
"""What the embedded model takes, at most, to read a token and to write one on two idle cores."""
FIRST_ANSWERS, WORTH_SAYING = 6, 90.0
"""Answers to judge the pace by, and seconds left that make it worth a word."""
BRISK = 3.0
"""Answers a second from which the last seconds tell the pace."""


def live_progress(chosen: Chosen, status: RunStatus, thresholds: Thresholds, interval: str) -> None:
    """Draw progress that follows the run; when it ends or is resumed, the whole page runs again.

    `status` is what the page around it was drawn for: a run may end between two looks at it. `interval` is
    the one that the verdict was found with, in words; while there is none, the running one stands for it.
    It stands at the same place of the page in every state: Streamlit names a fragment by its place, and a
    draw of the page that is overtaken by the next one may forget the names that it did not give itself.
    """
    drawn_again(_follow, jobs.next_look(status, POLL_SECONDS), chosen, status, thresholds, interval)


def _follow(chosen: Chosen, before: RunStatus, thresholds: Thresholds, interval: str) -> None:
    run = chosen.run
    status, config = jobs.status(run), config_of(run)
    if jobs.turned(before, status):
        st.rerun()
    growth, total = growth_of(run), status.total or config.responses
    if status.live:
        watch(chosen)
        tab_title(run, f"{min(status.sampled, status.graded) / max(total, 1):.0%}")
        _measuring(chosen, status, total, running_mean_words(growth, thresholds, status))
    elif status.state is not RunState.FINISHED:
        _bar(status, total)
    _metrics(run, status, growth, interval)
    charts(growth, total, thresholds, live=status.live)
    if status.live:
        failure_reasons(growth, status.failed + status.ungraded)
        newest_responses(growth.newest)
    elif status.first:
        st.text(status.first)
    spent_words(config, status)


def _measuring(chosen: Chosen, status: RunStatus, total: int, words: str) -> None:
    """Draw the card that stands where the verdict will: what the run is doing, and `words` on its mean."""
    with st.container(border=True, key="verdict_card", gap="small"):
        st.header(VerdictLook.MEASURING.markdown, anchor=False)
        st.markdown(plain(words, 400))
        _bar(status, total)
        message = plain(status.message or "Working.", 600)
        if status.message.startswith(WAITING):
            st.warning(message, icon=":material/hourglass_disabled:")
            message = ""
        st.caption(f"{message} {STAYS}")
        if status.first:
            st.text(status.first)
        _offer_to_stop(chosen, status)


def _bar(status: RunStatus, total: int) -> None:
    """Draw how far responses and grades are; one bar, since each response needs both."""
    reused = f", {status.reused:,} of them reused" if status.reused else ""
    words = f"Responses: {status.sampled:,} of {total:,}{reused}. Grades: {status.graded:,}."
    st.progress(min((status.sampled + status.graded) / (2 * max(total, 1)), 1.0), words)


def _metrics(run: Run, status: RunStatus, growth: Growth, interval: str) -> None:
    job, now = jobs.find(run), growth.readings[-1] if growth.readings else None
    cost = cost_of_cap(config_of(run), status, job.budget if job else Budget())
    none = "no interval yet" if status.live else "no interval"
    running = f"95 %: {figure(now.low)} to {figure(now.high)}" if now else none
    with st.grid("auto", min_column_width=150):
        _metric("Mean", number(growth.mean), interval or running)
        _metric("Std", number(growth.std), plural(growth.scores, "score"))
        if status.live:
            _metric("Time left", *time_left(status))
        times = ("Time so far", "at work") if status.live else ("Time", "without pauses")
        _metric(times[0], _duration(status.seconds), times[1])
        _metric("Cost", *cost)
        _metric("Failed calls", f"{failed_calls(status):,}", f"{status.ungraded:,} without a grade")


def failed_calls(status: RunStatus) -> int:
    """Calls that brought no response: those that were tried again, and those of a run that gave up, too."""
    return status.failed + max(status.attempts - status.answers, 0)


def time_left(status: RunStatus) -> tuple[str, str]:
    """How long a live run still takes, and its pace: ``("1 m 20 s", "48.0 / min")``."""
    left = status.total - status.sampled - status.failed
    if status.message == TRYING or not left:
        return "–", "all responses are in"
    if status.message.startswith(WAITING):
        return "–", "nothing is answered"
    # A few slow calls end together, and then none for a while: only many say something of the last seconds.
    whole = status.answers / max(status.seconds, 1.0)
    pace = status.rate if status.rate > BRISK else whole
    if not pace:
        return "–", "no answer yet"
    return _duration(left / pace), f"{pace:.1f} / s" if pace >= 1 else f"{60 * pace:.1f} / min"


def _metric(label: str, value: str, beneath: str) -> None:
    st.metric(label, plain(value), plain(beneath), delta_color="off", delta_arrow="off")


def _duration(seconds: float | None) -> str:
    """``"42 s"``, ``"3 m 20 s"``, ``"2 h 5 m"``; a dash if unknown."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} m"


def _offer_to_stop(chosen: Chosen, status: RunStatus) -> None:
    """Draw the offer to stop, once the verdict has settled or where the embedded model is slow."""
    run = chosen.run
    if run.stop_asked():
        st.caption("Stopping: the calls in flight are finished and graded first.")
        return
    if status.message == TRYING:
        return
    settled = _watch(run).follow(status)
    slow = slow_words(status) if config_of(run).model.kind is ModelKind.EMBEDDED else None
    if settled is None and slow is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):  # a line: what is below moves little
        if settled is not None:
            st.success(plain(settled.sentence), icon=":material/flag:")
        else:
            st.info(str(slow), icon=":material/hourglass_bottom:")
        _stop_button(chosen)


def _stop_button(chosen: Chosen) -> None:
    if may_cancel(chosen):
        st.button(
            "Stop here and keep what is done",
            icon=":material/flag:",
            key="stop_early",
            on_click=_stop_early,
            args=(chosen,),
            help="Calls in flight are finished and graded. More prompts would narrow the intervals.",
        )


def _stop_early(chosen: Chosen) -> None:
    if may_cancel(chosen):
        chosen.run.stop_early()


def slow_words(status: RunStatus) -> str | None:
    """What to say where the embedded model takes twice its usual time, with minutes to go; else None."""
    usual = PROMPT_TOKEN_SECONDS * status.prompt_tokens + TOKEN_SECONDS * status.completion_tokens
    left = (status.total - status.sampled - status.failed) * status.seconds / max(status.answers, 1)
    if status.answers < FIRST_ANSWERS or status.seconds < 2 * usual or left < WORTH_SAYING:
        return None
    return f"Slower than usual: about {left / 60:.0f} min at this pace. Is this machine busy?"


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _watch(run: Run) -> SettledWatch:
    """One for all viewers of the run."""
    return SettledWatch(run)


def run_head(run: Run, status: RunStatus) -> None:
    """Draw the run's name, and below it dataset, size and model."""
    config = config_of(run)
    with st.container(gap=None, width="stretch"):
        st.title(f":small[Run] {plain(title_of(run, config), 80)}", anchor=False)
        st.caption(
            f"{plain(config.dataset.name, 80)} · {status.total or config.responses:,} responses "
            f"({config.sampling.rollouts} per prompt) by {model_words(config.model)}"
        )
