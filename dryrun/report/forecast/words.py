"""The forecast in sentences and tables. No figure stands without the inputs it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.groups import groups
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.forecast.group_size import (
    CUT_SHARE,
    GroupSize,
    Lengths,
    lengths_of,
    possible_group_sizes,
    proposal_words,
)
from dryrun.analysis.forecast.price import RATES, Forecast, TrainingPlan, Usage, forecast
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.record import NOT_OWN, Training, training_of
from dryrun.core.arrays import Floats
from dryrun.core.errors import DryRunError
from dryrun.core.records import SampleOutcome
from dryrun.core.text import NO_NUMBER, percent, plural
from dryrun.report.outline import Section, Table
from dryrun.store.results import Results

CHARACTERS = 4.0
"""Characters of a token, where the server did not count tokens."""

COUNTED = (SampleOutcome.ANSWERED.value, SampleOutcome.TRUNCATED.value)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of a training before it starts.

    Attributes
    ----------
    forecast : Forecast
    lengths : Lengths
    counted : bool
        Whether the server counted tokens; else they are characters divided by four.
    sizes : tuple of GroupSize
    training : Training
    """

    forecast: Forecast
    lengths: Lengths
    counted: bool
    sizes: tuple[GroupSize, ...]
    training: Training


def outlook_of(results: Results, plan: TrainingPlan) -> Outlook:
    """Measure the run's lengths and groups, and multiply the plan out.

    Raises
    ------
    DryRunError
        The run has no response, or fewer than two prompts with two scores.
    """
    observed = results.observations()
    completion, prompt, counted = _tokens(results)
    kept = np.isin(observed.outcome.astype(str), COUNTED)
    cut = observed.outcome == SampleOutcome.TRUNCATED.value
    lengths = lengths_of(completion[kept], cut[kept].astype(bool))
    score = own_scores(observed)
    at_plan = groups(score, observed.prompt, plan.group)
    if lengths is None or at_plan is None:
        raise DryRunError(
            f"Run {results.run.id} has too little for a forecast: it needs two scores for each of two "
            "prompts. Run it with two responses per prompt or more."
        )
    limit = float(plan.limit or lengths.longest)
    mean = lengths.mean(limit)
    usage = Usage(
        prompt_tokens=float(np.nanmean(prompt)),
        completion_tokens=float(np.nanmean(completion[kept])) if mean is None else mean,
        at_least=mean is None or (plan.limit is None and lengths.cut > 0),
        usable=at_plan.usable,
        usable_interval=at_plan.usable_interval,
    )
    sizes = possible_group_sizes(score, observed.prompt)
    training = training_of(observed, by_topic=False)
    return Outlook(forecast(plan, usage), lengths, counted, sizes, training)


def own_scores(observed: Observations) -> Floats:
    """The scores; NaN where a response was cut, refused or withheld by a filter."""
    return np.where(np.isin(observed.outcome.astype(str), NOT_OWN), np.nan, observed.score)


def _tokens(results: Results) -> tuple[Floats, Floats, bool]:
    """Completion and prompt tokens of each rollout, and whether the server counted them."""
    columns = {
        name: results.rollouts[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in ("completion_tokens", "prompt_tokens", "characters")
    }
    completion, prompt = columns["completion_tokens"], columns["prompt_tokens"]
    if np.isfinite(completion).any() and np.isfinite(prompt).any():
        return completion, prompt, True
    size = [
        len(str(inspected.prompt.messages)) for inspected in results.inspect(range(results.rollouts.num_rows))
    ]
    return columns["characters"] / CHARACTERS, np.array(size, np.float64) / CHARACTERS, False


CURVE = (1, 8, 64, 256)
MISSING = {
    True: ("--tokens-per-second or --seconds-per-step", "--price, or --hourly-price with a pace"),
    False: ("tokens per second or seconds per step", "a price of tokens, or of an hour with a pace"),
}
"""What time and price need, as options and in words."""


def outlook_sections(outlook: Outlook, *, options: bool = True) -> tuple[Section, ...]:
    """The forecast, section by section.

    Parameters
    ----------
    outlook : Outlook
    options : bool
        Whether what is missing is named as the command's option; else in words, for a page.
    """
    return (
        Section("What it is made from", tuple(_inputs(outlook))),
        Section("Time and price", tuple(_price(outlook.forecast, options))),
        Section("Groups that teach nothing", (*_dead(outlook.forecast), *_shaping(outlook.training))),
        Section(
            "Group size", tuple(filter(None, [proposal_words(outlook.sizes)])), tables=(_sizes(outlook),)
        ),
        Section("Limit of a response", tuple(_limit(outlook.lengths))),
        Section("What training can reach, at most", tuple(_headroom(outlook))),
    )


def _inputs(outlook: Outlook) -> Iterator[str]:
    plan, usage = outlook.forecast.plan, outlook.forecast.usage
    limit = f" of {plan.limit:,} tokens at most" if plan.limit else ""
    yield (
        f"You: {plan.steps:,} steps of {plan.prompts:,} prompts with {plan.group} responses each, "
        f"{outlook.forecast.responses:,} responses{limit}."
    )
    yield from _prices(plan)
    yield from (f"You: {words}." for words in _pace(plan))
    at_least = "at least " if usage.at_least else ""
    counted = "" if outlook.counted else " (the server counted none: characters divided by four)"
    yield (
        f"Measured: {usage.prompt_tokens:,.0f} tokens a prompt, {at_least}{usage.completion_tokens:,.0f} a "
        f"response{counted}; {percent(usage.usable)} ({usage.usable_interval.in_percent}) of groups of "
        f"{plan.group} have rewards that differ."
    )
    yield "The lengths are the base model's. Responses often grow in training, and so do time and price."


def _prices(plan: TrainingPlan) -> Iterator[str]:
    rate = RATES.get(plan.published)
    who, source = "You", ""
    if rate is not None:
        who, source = "Published", f": {rate.words} ({rate.source}, read {rate.read})"
    if plan.prompt_price is not None or plan.completion_price is not None:
        read, drawn = plan.prompt_price or 0, plan.completion_price or 0
        yield f"{who}: ${read:g} and ${drawn:g} for a million tokens in and out{source}."
    if plan.hourly_price is not None:
        yield f"{who}: ${plan.hourly_price:g} an hour for all machines{source}."


def _pace(plan: TrainingPlan) -> Iterator[str]:
    if plan.tokens_per_second is not None:
        yield f"{plan.tokens_per_second:,g} tokens a second generated by all machines"
    if plan.seconds_per_step is not None:
        beside = " beside generation" if plan.tokens_per_second is not None else ""
        yield f"{plan.seconds_per_step:g} seconds a step{beside}"
    if plan.judge_price:
        yield f"${plan.judge_price:g} for a grade by the judge"


def outlook_figures(outlook: Outlook) -> dict[str, str]:
    """What a person looks for first, by its name: time, price, tokens, groups that teach nothing."""
    forecast = outlook.forecast
    least = "≥ " if forecast.usage.at_least else "≈ "
    return {
        "Price": NO_NUMBER if forecast.dollars is None else f"{least}${forecast.dollars:,.2f}",
        "Time": NO_NUMBER if forecast.hours is None else f"{least}{_hours(forecast.hours)}",
        "Tokens generated": f"{least}{_million(forecast.completion_tokens)}",
        "Groups that teach nothing": percent(forecast.dead_share),
    }


def _price(forecast: Forecast, options: bool) -> Iterator[str]:
    least = "at least " if forecast.usage.at_least else "about "
    pace, price = MISSING[options]
    yield (
        f"Tokens: {least}{_million(forecast.completion_tokens)} generated, "
        f"{_million(forecast.prompt_tokens)} read as prompts (each counts once a response)."
    )
    if forecast.hours is None:
        yield f"Time: not known. Give {pace}."
    else:
        yield f"Time: {least}{_hours(forecast.hours)}."
    if forecast.dollars is None:
        yield f"Price: not known. Give {price}."
    else:
        judged = f", ${forecast.judge_dollars:,.2f} for the judge included" if forecast.judge_dollars else ""
        yield f"Price: {least}${forecast.dollars:,.2f}{judged}."


def _dead(forecast: Forecast) -> Iterator[str]:
    usage, each = forecast.usage, forecast.tokens_per_useful_group
    low, high = 1 - usage.usable_interval.high, 1 - usage.usable_interval.low
    share = f"{percent(forecast.dead_share)} ({Interval(low, high).in_percent})"
    money = f", ${forecast.dead_dollars:,.2f}" if forecast.dead_dollars else ""
    yield f"{share} of all groups would have equal rewards and teach nothing{money}."
    if each is None or forecast.fill_factor is None:
        yield "No group would teach anything: training cannot work with these prompts and this grader."
        return
    teaching = f"{forecast.useful_groups:,.0f}"
    yield f"One group that teaches costs {each:,.0f} tokens; {teaching} are expected in all."
    if forecast.fill_factor >= 1.05:
        yield (
            f"Filling each step with groups that teach (dynamic sampling) takes {forecast.fill_factor:.1f} "
            "times as many responses; dropping prompts always right or always wrong first is cheaper."
        )


def _shaping(training: Training) -> Iterator[str]:
    if training.by_part and training.kinds is not None:
        yield (
            f"Of the run's groups {percent(training.kinds.mixed)} differ in the outcome, "
            f"{percent(training.kinds.shaping)} in shaping alone."
        )


def _sizes(outlook: Outlook) -> Table:
    rows = [
        (
            f"{size.size}",
            percent(size.usable),
            size.interval.in_percent,
            "–" if size.responses is None else f"{size.responses:,.1f}",
        )
        for size in outlook.sizes
    ]
    titles = ("Responses", "Groups that teach", "95 %", "Responses for one that teaches")
    return Table(titles, rows, frozenset({0, 1, 3}))


def _limit(lengths: Lengths) -> Iterator[str]:
    cut = f"{lengths.cut:,} of {plural(lengths.responses, 'response')} were cut and count as longer"
    best = lengths.proposal()
    if best is None:
        yield f"More than {lengths.longest:,.0f} tokens: {cut}, too many to say where 98 % would end."
    else:
        yield f"{best:,} tokens cut at most {percent(CUT_SHARE)} of the responses ({cut})."


def _headroom(outlook: Outlook) -> Iterator[str]:
    room = outlook.training.headroom
    if room is None:
        return
    at = {point.k: point for point in room.curve}
    points = ", ".join(
        f"pass@{k} {percent(at[k].value)} ({at[k].interval.in_percent})" for k in CURVE if k in at
    )
    yield f"{points}: an estimate of how often one of K responses is right."
    yield (
        "A policy that always gives the best of 256 would gain "
        f"{100 * room.gain:.0f} points ({100 * room.gain_interval.low:.0f} to "
        f"{100 * room.gain_interval.high:.0f}). Training seldom gets there."
    )


def _million(tokens: float) -> str:
    return f"{tokens / 1e6:,.1f} million" if tokens >= 1e5 else f"{tokens:,.0f}"


def _hours(hours: float) -> str:
    return f"{hours:,.1f} hours" if hours >= 1 else f"{60 * hours:,.0f} minutes"
