"""Rows, grader and sizes for a place of training, before they are in that place's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from dryrun.analysis.figures.groups import GROUP
from dryrun.analysis.forecast.group_size import GroupSize, proposal_words, proposed, sizes_by_rates
from dryrun.analysis.forecast.price import TrainingPlan
from dryrun.analysis.training.choice import Places, TrainingSet
from dryrun.analysis.training.profile import DatasetProfile
from dryrun.core.config import EMBEDDED_MODEL, ModelConfig, ModelKind
from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt, SampleOutcome
from dryrun.dataset import read_dataset
from dryrun.graders.load import load_grader
from dryrun.graders.specs import GraderSpec
from dryrun.report.forecast.words import outlook_of
from dryrun.store.results import Results

VALIDATION_SHARE = 10
"""One prompt in ten is kept for validation."""
PROMPTS = 32
"""Prompts of a step, where there are that many rows."""
GRADED_RESPONSES = 20
"""Responses that are handed over with their rewards."""
LIMIT, PROMPT_LIMIT = 2048, 1024
"""Tokens of a response and of a prompt, at most, where nothing was measured."""
STEP = 64
"""A limit is a multiple of this number of tokens."""


@dataclass(frozen=True, slots=True)
class TrainingSizes:
    """The hyperparameters that a dry run can propose.

    Attributes
    ----------
    group : int
        Responses to a prompt.
    limit, prompt_limit : int
        Tokens of a response and of a prompt, at most.
    prompts : int
        Prompts of a step.
    reasons : mapping of str to str
        By the name of each: where it is from, in a sentence.
    """

    group: int
    limit: int
    prompt_limit: int
    prompts: int
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GradedResponse:
    """A response of the dry run, with the reward it got there.

    Attributes
    ----------
    key : str
        Of its prompt.
    text : str
    reward : float
    """

    key: str
    text: str
    reward: float


@dataclass(frozen=True, slots=True)
class Material:
    """Rows, grader and sizes of one training.

    Attributes
    ----------
    train, validation : tuple of Prompt
    grader : GraderSpec
    sizes : TrainingSizes
    run, dataset : str
        Id of the run that they are from, and the name of its dataset.
    started : float
        When that run was started, in seconds since the epoch.
    verdict : str
    model : ModelConfig
        What the dry run asked.
    reward_range : tuple of float
    cut_reasoning : bool
        Whether what follows the reasoning in a response was graded.
    graded : tuple of GradedResponse
        By which a place's `--check` can see that it pays the same.
    """

    train: tuple[Prompt, ...]
    validation: tuple[Prompt, ...]
    grader: GraderSpec
    sizes: TrainingSizes
    run: str
    dataset: str
    started: float
    verdict: str
    model: ModelConfig
    reward_range: tuple[float, float]
    cut_reasoning: bool = False
    graded: tuple[GradedResponse, ...] = ()

    @property
    def model_advice(self) -> str:
        """Which model to train."""
        if self.model.kind is ModelKind.EMBEDDED:
            return (
                f"The dry run used the embedded model {EMBEDDED_MODEL}, which no service trains: choose the "
                "model to train, and dry-run that one before you pay."
            )
        return f"Train the model that the dry run asked, {self.model.name}, or dry-run the other one first."


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to train on, and for validation.

    Attributes
    ----------
    train, validation : sequence of Prompt
    sizes : tuple of GroupSize
        What groups of the training rows would be, where these were chosen by their profile.
    """

    train: Sequence[Prompt]
    validation: Sequence[Prompt]
    sizes: tuple[GroupSize, ...] = ()


def material_of_run(results: Results, verdict: str, split: Split) -> Material:
    """These rows with the run's grader, and the sizes that its responses propose."""
    config = results.config
    return Material(
        train=tuple(split.train),
        validation=tuple(split.validation),
        grader=load_grader(config.grader),
        sizes=sizes_of(results, split),
        run=results.run.id,
        dataset=config.dataset.name,
        started=results.run.status().started,
        verdict=verdict,
        model=config.model,
        reward_range=config.reward_range,
        cut_reasoning=config.cut_reasoning,
        graded=_graded(results, {prompt.key for prompt in split.train}),
    )


def _graded(results: Results, keys: set[str]) -> tuple[GradedResponse, ...]:
    """Responses to training rows from the lowest reward to the highest, evenly spaced."""
    of_prompt = np.array([key in keys for key in results.keys], bool)
    seen, prompt = results.observations(), results.rollouts["prompt"].to_numpy()
    fits = (seen.outcome == SampleOutcome.ANSWERED.value) & np.isfinite(seen.score) & of_prompt[prompt]
    places = np.flatnonzero(fits & ~seen.grader_error)
    ranked = places[np.argsort(seen.score[places], kind="stable")]
    some = np.unique(np.linspace(0, max(len(ranked) - 1, 0), min(len(ranked), GRADED_RESPONSES)).astype(int))
    return tuple(
        GradedResponse(rollout.prompt.key, rollout.sample.text, rollout.grade.reward)
        for rollout in results.inspect(ranked[some].tolist() if len(ranked) else [])
        if rollout.grade is not None and rollout.grade.reward is not None and not rollout.sample.tool_calls
    )


def split_of_folder(folder: Path) -> Split:
    """The rows of ``train.jsonl`` and, where they are there, of ``validation.jsonl`` and ``profile.jsonl``.

    Raises
    ------
    DryRunError
        The folder holds no rows that can be read.
    """
    held = folder / "validation.jsonl"
    validation = _rows_of(held) if held.exists() and held.stat().st_size else []
    return Split(_rows_of(folder / "train.jsonl"), validation, _sizes_of_profile(folder / "profile.jsonl"))


def _rows_of(path: Path) -> list[Prompt]:
    dataset = read_dataset(path, path.name)
    return dataset.prompts(range(len(dataset)))


def _sizes_of_profile(path: Path) -> tuple[GroupSize, ...]:
    """By the profile that ``training-set`` wrote beside the rows; empty where it is not there, or another."""
    try:
        rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        rates = [(row["pass_rate"], row["learnability"]) for row in rows if row["set"] == "train"]
        rate, learnability = np.array(rates, np.float64).reshape(-1, 2).T
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return sizes_by_rates(rate, learnability)


def split_of_choice(results: Results, profile: DatasetProfile, chosen: TrainingSet) -> Split:
    """The run's prompts that were chosen by their profile."""
    prompts = {prompt.row: prompt for prompt in results.run.prompts()}

    def at(places: Places) -> list[Prompt]:
        return [prompts[row] for row in profile.counts.row[places].tolist()]

    rates = profile.rates.at(chosen.train)
    return Split(at(chosen.train), at(chosen.validation), sizes_by_rates(rates.rate, rates.learnability))


def split_prompts(results: Results) -> Split:
    """The run's prompts for training and for validation.

    Every tenth is kept for validation, by fingerprint: the same prompt always falls on the same side,
    and equal prompts never on both. At least one goes to each side where there are two prompts.
    """
    prompts = {prompt.key: prompt for prompt in results.run.prompts()}
    ranked = sorted(prompts, key=lambda key: key[::-1])
    count = max(len(ranked) // VALIDATION_SHARE, 1) if len(ranked) > 1 else 0
    held_out = set(ranked[:count])
    train = [prompt for key, prompt in prompts.items() if key not in held_out]
    return Split(train, [prompts[key] for key in prompts if key in held_out])


def sizes_of(results: Results, split: Split) -> TrainingSizes:
    """Group size and limits as the run's responses propose them, else usual ones.

    The group size follows from the chosen rows where they were profiled: a choice has fewer prompts that are
    never or always right than the run.
    """
    prompts = max(min(PROMPTS, len(split.train)), 1)
    try:
        outlook = outlook_of(results, TrainingPlan())
    except DryRunError:
        reasons = {"group": "The run is too small to propose sizes: these are usual ones."}
        return TrainingSizes(GROUP, LIMIT, PROMPT_LIMIT, prompts, reasons)
    sizes, limit, longest = split.sizes or outlook.sizes, outlook.lengths.proposal(), _longest_prompt(results)
    best = proposed(sizes)
    group = GROUP if best is None else best.size
    return TrainingSizes(
        group, limit or LIMIT, longest, prompts, _reasons(sizes, limit, longest, by_rows=bool(split.sizes))
    )


def _longest_prompt(results: Results) -> int:
    """The longest prompt that was counted, with room for another chat template."""
    counted = results.rollouts["prompt_tokens"].to_numpy(zero_copy_only=False).astype(np.float64)
    if not np.isfinite(counted).any():
        return PROMPT_LIMIT
    return int(np.ceil((np.nanmax(counted) * 1.25 + STEP) / STEP) * STEP)


def _reasons(
    sizes: tuple[GroupSize, ...], limit: int | None, longest: int, *, by_rows: bool
) -> dict[str, str]:
    proposed_size = proposal_words(sizes)
    if proposed_size and by_rows:
        proposed_size = f"{proposed_size.removesuffix('.')}, by the pass rates of these rows."
    return {
        "group": proposed_size or f"{GROUP} responses to a prompt are a guess: too few have two scores.",
        "limit": f"{LIMIT} tokens for a response is a guess: too many of the run's responses were cut."
        if limit is None
        else f"{limit} tokens for a response: at most 2 of 100 responses of the dry run were longer.",
        "prompt_limit": f"{longest} tokens for a prompt: a quarter more than the longest one of the dry run.",
    }
