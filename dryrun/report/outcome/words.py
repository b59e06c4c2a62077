"""The outcomes of trainings, in sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from dryrun.analysis.forecast.chance import FEW, Brier, Prediction
from dryrun.analysis.forecast.course import ERRORS, GAINS, LEAST_ROWS, Course
from dryrun.core.errors import DryRunError
from dryrun.core.text import NO_NUMBER, figure, number, percent, plural
from dryrun.report.html import html_page, html_section
from dryrun.report.outcome.ledger import Entry, PublishedRun, TrainingLedger
from dryrun.report.outcome.of_run import Gap
from dryrun.report.outline import Named, Section, Table
from dryrun.store.trainings import KeptTraining

OFF_SCALE = 1e-6
LEARNED = {True: "yes", False: "no", None: "?"}
FORETOLD, CAME, FITS = "What the run said", "How the training went", "Do the first steps fit the run?"


def entry_sections(entry: Entry) -> tuple[Section, ...]:
    """One training beside its run's forecast."""
    kept = entry.kept
    log = f"{kept.trainer} log " if kept.trainer else ""
    source: tuple[str, ...] = ("From ", log, Named(kept.log), ", column ", Named(kept.column), ".")
    return (
        Section(CAME, (*came_lines(kept.course), *validation_lines(kept), source)),
        Section(FORETOLD, tuple(foretold_lines(kept.prediction))),
        Section(FITS, tuple(fit_lines(entry))),
    )


def came_lines(course: Course) -> Iterator[str]:
    """Start, end, gain, and whether that is learning."""
    yield outcome_line(course)
    first, last = course.first_step, course.last_step
    yield (
        f"Start and end are the means of the first and the last {plural(course.window, 'row')} of "
        f"{course.rows:,} (steps {first:,g} to {last:,g}), on the run's scale of 0 to 1."
    )


def outcome_line(course: Course) -> str:
    """The outcome in one line."""
    moved = f"Mean score {figure(course.start)} at the start, {figure(course.end)} at the end"
    return f"{learned_words(course)} {moved}: {gain_words(course)}."


def gain_words(course: Course) -> str:
    """``"+0.12 (95 % +0.08 to +0.16)"``."""
    around = course.gain_interval
    return f"{course.gain:+.2f}" + ("" if around is None else f" (95 % {around.signed})")


def learned_words(course: Course) -> str:
    """Whether the policy learned, and by which rule."""
    if course.learned is None:
        return f"Too few rows to tell: {course.rows:,} of {LEAST_ROWS}."
    if course.learned:
        return "The policy learned."
    small = course.gain <= GAINS
    why = f"gain not above {GAINS}" if small else f"gain within {ERRORS:g} standard errors of the log's noise"
    return f"The policy did not learn ({why})."


def validation_lines(kept: KeptTraining) -> Iterator[str]:
    """The first and the last evaluation on validation prompts, and whether they rose with the reward."""
    if not kept.validation:
        return
    (first, before), (last, after) = kept.validation[0], kept.validation[-1]
    if len(kept.validation) == 1:
        yield f"Validation: {figure(before)} at step {first:,g}, measured once."
        return
    alone = " The reward rose in training and not there." if kept.course.learned and after <= before else ""
    yield (
        f"Validation: {figure(before)} at step {first:,g}, {figure(after)} at step {last:,g}, "
        f"{after - before:+.2f}.{alone}"
    )


def foretold_lines(prediction: Prediction) -> Iterator[str]:
    """Verdict, Signal Index, probability, and how far training could go."""
    by = "no Signal Index" if prediction.signal is None else f"Signal Index {figure(prediction.signal)}"
    yield f"{prediction.headline}; {by}."
    if prediction.chance is None:
        yield "An INVALID run foretells nothing: the training enters no score."
    else:
        by = "verdict" if prediction.signal is None else "Signal Index"
        yield f"Chance that training learns: {percent(prediction.chance)}, by the {by} (docs/outcome.md)."
    if prediction.headroom is not None and prediction.headroom_interval is not None:
        room = prediction.headroom_interval.signed
        yield f"At most {prediction.headroom:+.2f} ({room}) could be gained in the outcome (pass@256)."


def fit_lines(entry: Entry) -> Iterator[str]:
    """The run's mean and groups against the first steps."""
    course, group = entry.kept.course, entry.kept.prediction.group
    yield from warnings_of(entry)
    for gap, what in ((entry.start, "Mean score"), (entry.mixed, f"Groups of {group} whose rewards differ")):
        if gap is None:
            yield f"{what}: not compared, one of the two is not known."
        elif not gap.off:
            yield f"{what}: {_gap_words(gap)}. That is no contradiction."
    if course.dead is None:
        yield "The log has no share of groups without a difference (TRL's frac_reward_zero_std)."


def warnings_of(entry: Entry) -> Iterator[str]:
    """Warnings that the trainer and the dry run do not measure the same."""
    course, start, mixed = entry.kept.course, entry.start, entry.mixed
    if course.lowest < -OFF_SCALE or course.highest > 1 + OFF_SCALE:
        yield (
            f"Off the scale: on the run's scale of 0 to 1 the log goes from {figure(course.lowest)} to "
            f"{figure(course.highest)}. The trainer's reward is another one, or a weighted sum of several."
        )
    if start is not None and start.off:
        yield (
            f"Mean score: {_gap_words(start)}. Trainer and dry run do not grade alike; or the training had "
            "other prompts, another template, temperature or model, or learned within its first steps."
        )
    if mixed is not None and mixed.off:
        yield (
            f"Groups of {entry.kept.prediction.group} whose rewards differ: {_gap_words(mixed)}. If the "
            "training had groups of another size, add the log again with that size."
        )


def _gap_words(gap: Gap) -> str:
    return (
        f"{figure(gap.foretold)} foretold, {figure(gap.seen)} in the first steps (difference "
        f"{gap.value:+.2f}, 95 % {gap.interval.signed}; a warning from {gap.least:.2f} on)"
    )


def ledger_sections(ledger: TrainingLedger, *, wide: bool = True) -> tuple[Section, ...]:
    """All trainings, their score, and what others published; `wide`: there is room for all columns."""
    table = _entries(ledger.entries, wide)
    return (
        Section("Predicted and actual", tuple(_about(ledger)), (table,), picture="outcomes"),
        Section("Brier score", tuple(brier_lines(ledger.brier))),
        Section("Published runs", (PUBLISHED_WORDS, *published_lines(ledger.published))),
    )


PUBLISHED_WORDS = (
    "Several responses to each prompt were published of none of these: no Signal Index, so no chance to be "
    "held against, and they enter no score."
)


def _about(ledger: TrainingLedger) -> Iterator[str]:
    if not ledger.entries:
        yield "No training is kept in this data directory yet. Add one: outcome RUN --log FILE."
        return
    yield (
        f"Learned: a gain above {GAINS} on 0 to 1 and above {ERRORS:g} standard errors of the log's noise. "
        "Mean is what the run foretold of the start."
    )
    off = sum(fit_word(entry) == "no" for entry in ledger.entries)
    if off:
        yield f"First steps that do not fit the run: {plural(off, 'training')}. outcome RUN says how far."


def brier_lines(score: Brier | None) -> Iterator[str]:
    """The Brier score, the scores to compare it with, and what limits its meaning."""
    if score is None:
        yield "None: it needs a training whose run has a verdict and whose log has enough rows."
        return
    over = f"{plural(score.trainings, 'training')} after {plural(score.runs, 'run')}"
    yield (
        f"Brier score {score.score:.3f} over {over}: the mean squared difference between the chance and what "
        "came. 0 is best, 0.25 is always saying 50 %."
    )
    yield f"The verdict alone, GO as 100 % and NO-GO as 0 %: {score.by_verdict:.3f}."
    if 0 < score.base_rate < 1:
        yield (
            f"Always saying {percent(score.base_rate)}, the share that learned: {score.by_base_rate:.3f}. "
            "Nobody knows it before."
        )
    else:
        came = "All" if score.base_rate else "None"
        yield f"{came} of them learned: that cannot tell a good forecast from one that always says so."
    if score.after_go in (0, score.trainings):
        verdict, other = ("GO", "NO-GO") if score.after_go else ("NO-GO", "GO")
        yield f"All of them followed a {verdict}: this says nothing about a {other}."
    if score.interval is not None:
        low, high = score.interval
        yield f"With other runs of the kind it might be {low:.3f} to {high:.3f} (95 %)."
    if score.trainings < FEW:
        yield f"Below {FEW} trainings this says little."


def _entries(entries: Sequence[Entry], wide: bool) -> Table:
    """Where there is less room, without the end and the fit, which the lines above it say."""
    titles = ("Run", "Log", "Verdict", "Chance", "Mean", "Start", "End", "Gain", "Learned", "Fits")
    shown = [place for place, title in enumerate(titles) if wide or title not in ("End", "Fits")]
    rows = [tuple(_entry(entry)[place] for place in shown) for entry in entries]
    return Table(tuple(titles[place] for place in shown), rows, frozenset(range(2, len(shown))))


def _entry(entry: Entry) -> tuple[str, ...]:
    prediction, course = entry.kept.prediction, entry.kept.course
    chance = NO_NUMBER if prediction.chance is None else percent(prediction.chance)
    names = (Named(entry.name), Named(entry.kept.log), prediction.verdict)
    figures = (
        chance,
        number(prediction.mean),
        figure(course.start),
        figure(course.end),
        f"{course.gain:+.2f}",
    )
    return (*names, *figures, LEARNED[course.learned], fit_word(entry))


def fit_word(entry: Entry) -> str:
    """Whether the first steps fit what the run foretold."""
    if any(True for _ in warnings_of(entry)):
        return "no"
    return LEARNED[None] if entry.start is None else "yes"


def published_lines(runs: Sequence[PublishedRun]) -> Iterator[str]:
    """Each with its figures, what is missing, and its source."""
    for run in runs:
        pieces = (_published_figures(run), run.came, run.foretold and f"Decision tree: {run.foretold}.")
        missing = f"Not published: {', '.join(run.missing)}." if run.missing else ""
        yield " ".join(filter(None, (f"{run.name}:", *pieces, missing, f"({run.source})")))


def _published_figures(run: PublishedRun) -> str:
    if not run.start:
        return ""
    if not run.end:
        return f"{_mean(run.start)} before training."
    return f"{_mean(run.start)} to {_mean(run.end)}, gain {published_gain(run)}."


def published_gain(run: PublishedRun) -> str:
    """``"+0.045 ± 0.020"``: with two standard errors where measurements were repeated."""
    error = "" if run.gain_error is None else f" ± {ERRORS * run.gain_error:.3f}"
    return NO_NUMBER if run.gain is None else f"{run.gain:+.3f}{error}"


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f}"


TITLE = "Forecasts and trainings"
CAPTION = "Bar: 95 % of the gain. Dashed: the gain that counts as learning."


def ledger_page(ledger: TrainingLedger) -> str:
    """All trainings with their plot; without the plot, and a line that says so, where it cannot be drawn."""
    picture, missing = _picture(ledger)
    sections = (
        html_section(section, picture if section.picture else "") for section in ledger_sections(ledger)
    )
    note = f'<p class="soft">{escape(missing)}</p>' if missing else ""
    return html_page(TITLE, "\n".join((f"<h1>{TITLE}</h1>{note}", *sections)))


def _picture(ledger: TrainingLedger) -> tuple[str, str]:
    """The plot, and why there is none. Altair is loaded here, for nothing else needs it."""
    if all(entry.kept.prediction.chance is None for entry in ledger.entries):
        return "", ""
    from dryrun.report.outcome.chart import outcomes_alt, outcomes_chart
    from dryrun.report.pictures import Picture, static_pictures

    plot = Picture(outcomes_chart(ledger.entries), outcomes_alt(ledger.entries), CAPTION)
    try:
        return static_pictures({"outcomes": plot})["outcomes"], ""
    except DryRunError as error:
        return "", f"{error} The table holds the same figures."
