"""The forecast of a stored run, its words, and a trainer's settings against it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.forecast.group_size import lengths_of
from dryrun.analysis.forecast.price import RATES, TrainingPlan, with_rate
from dryrun.cli.main import main
from dryrun.core.errors import DryRunError
from dryrun.graders import Severity
from dryrun.report.forecast.trainer_config import check_trainer, read_trainer_config, settings_of
from dryrun.report.forecast.words import Outlook, outlook_of, outlook_sections
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.support import RECORDED

RUN = next((RECORDED / "runs").iterdir()).name


@pytest.fixture(scope="module")
def outlook() -> Outlook:
    """Of the recorded run."""
    return outlook_of(load_results(Run.open(Store(RECORDED), RUN)), TrainingPlan(steps=100, prompts=16))


def long_ones(outlook: Outlook, tokens: float) -> Outlook:
    """The same with responses of a length around `tokens`."""
    drawn = np.random.default_rng(0).normal(tokens, tokens / 10, 500)
    lengths = lengths_of(drawn, np.zeros(500, bool))
    assert lengths is not None
    return replace(outlook, lengths=lengths)


def found(text: str, outlook: Outlook, processes: int = 1) -> dict[str, Severity]:
    findings = check_trainer(settings_of(text, "config"), outlook, processes)
    return {finding.where: finding.severity for finding in findings}


def test_the_recorded_run_has_an_outlook(outlook: Outlook) -> None:
    assert outlook.forecast.responses == 100 * 16 * 8
    assert outlook.counted
    assert 0 < outlook.forecast.usage.usable < 1
    assert [size.size for size in outlook.sizes] == [2, 4, 8, 16, 32, 64]


@pytest.mark.slow
def test_every_price_stands_beside_its_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    rates = ["--price", "1", "4", "--hourly-price", "56", "--seconds-per-step", "72"]
    assert main(["forecast", RUN, "--data", str(RECORDED), *rates]) == 0
    text = capsys.readouterr().out
    inputs = (
        "200 steps of 32 prompts with 8 responses",
        "$1 and $4 for a million",
        "$56 an hour",
        "72 seconds",
    )
    assert all(words in text for words in inputs)
    assert "Time: " in text
    assert "4.0 hours" in text
    assert "teach nothing" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "said", "price"),
    [
        (
            ["--rates", "openai"],
            "Published: $100 an hour for all machines: OpenAI's",
            "$400.00",
        ),
        (["--rates", "openai", "--hourly-price", "20"], "You: $20 an hour for all machines.", "$80.00"),
        (["--rates", "fireworks-small"], "Published: $0 and $0 for a million tokens", "$0.00"),
    ],
)
def test_a_published_price_has_its_page_and_date_and_ones_own_wins(
    given: list[str], said: str, price: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four hours at 72 seconds a step."""
    assert main(["forecast", RUN, "--data", str(RECORDED), "--seconds-per-step", "72", *given]) == 0
    text = capsys.readouterr().out
    assert said in text
    assert f"Price: at least {price}." in text
    assert ("read November 2026" in text) == said.startswith("Published")


def test_every_published_price_is_one_of_a_plan() -> None:
    for name, rate in RATES.items():
        plan = TrainingPlan(seconds_per_step=1.0, **with_rate({}, name))
        assert plan.published == name
        assert rate.source.startswith("https://")
        assert {field: getattr(plan, field) for field in rate.prices} == rate.prices


@pytest.mark.slow
def test_without_prices_it_asks_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", RUN, "--data", str(RECORDED)]) == 0
    text = capsys.readouterr().out
    assert "Price: not known. Give --price" in text
    assert "$" not in text


def test_an_hourly_price_alone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", RUN, "--data", str(RECORDED), "--hourly-price", "56"]) == 2
    assert "needs a pace" in capsys.readouterr().err


def test_no_section_says_what_is_not_known(outlook: Outlook) -> None:
    sections = outlook_sections(replace(outlook, training=replace(outlook.training, headroom=None)))
    assert not next(section for section in sections if "reach" in section.title)


def test_trl_settings_that_trl_refuses_are_errors(outlook: Outlook) -> None:
    settings = "num_generations: 7\nper_device_train_batch_size: 8\n"
    assert found(settings, outlook)["num_generations"] is Severity.ERROR
    both = "generation_batch_size: 16\nsteps_per_generation: 2\n"
    assert found(both, outlook)["generation_batch_size"] is Severity.ERROR
    uneven = "generation_batch_size: 24\nper_device_train_batch_size: 8\nnum_generations: 8\n"
    assert "generation_batch_size" not in found(uneven, outlook)
    assert found(uneven, outlook, processes=2)["generation_batch_size"] is Severity.ERROR


def test_settings_that_fit_have_no_error(outlook: Outlook) -> None:
    sound = "num_generations: 8\nper_device_train_batch_size: 8\nmax_completion_length: 4096\n"
    assert Severity.ERROR not in found(sound, outlook).values()


@pytest.mark.parametrize(("tokens", "severity"), [(300, Severity.ERROR), (240, Severity.WARNING)])
def test_a_limit_that_cuts_responses_is_named(outlook: Outlook, tokens: float, severity: Severity) -> None:
    longer = long_ones(outlook, tokens)
    assert found('{"max_completion_length": 256}', longer)["max_completion_length"] is severity
    verl = "data.max_response_length=256 trainer.nnodes=1"
    assert found(verl, longer)["data.max_response_length"] is severity


def test_a_limit_that_is_long_enough_is_not(outlook: Outlook) -> None:
    assert "max_completion_length" not in found('{"max_completion_length": 256}', long_ones(outlook, 100))


def test_verl_overrides_are_read_and_checked(outlook: Outlook) -> None:
    script = """python3 -m verl.trainer.main_ppo \\
        algorithm.adv_estimator=grpo \\
        data.train_batch_size=100 +trainer.nnodes=2 \\
        trainer.n_gpus_per_node=8 \\
        actor_rollout_ref.actor.ppo_mini_batch_size=256 \\
        actor_rollout_ref.rollout.n=1
    """
    findings = check_trainer(settings_of(script, "train.sh"), outlook)
    words = " ".join(map(str, findings))
    assert "100 is less than actor_rollout_ref.actor.ppo_mini_batch_size, 256" in words
    assert "100 prompts x 1 responses are not a multiple of 16 GPUs" in words
    assert "GRPO needs 2 responses" in words


def test_too_few_batches_of_dynamic_sampling_are_named(outlook: Outlook) -> None:
    usage = outlook.forecast.usage
    rare = replace(usage, usable=0.1, usable_interval=Interval(0.05, 0.2))
    poor = replace(outlook, forecast=replace(outlook.forecast, usage=rare))
    text = """
algorithm: {filter_groups: {enable: true, max_num_gen_batches: 10}}
data: {train_batch_size: 512, gen_batch_size: 512}
actor_rollout_ref: {rollout: {n: 8}}
"""
    name = "algorithm.filter_groups.max_num_gen_batches"
    assert found(text, poor)[name] is Severity.WARNING
    assert name not in found(text.replace("10}", "30}"), poor)
    assert name not in found(text.replace("10}", "0}"), poor)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no settings"),
        ("learning_rate: 1e-6", "neither TRL's nor verl's"),
        ("a: [1", "line 1: not YAML or JSON"),
        ("num_generations: many", "'many' is not a whole number"),
        ("num_generations: true", "is not a whole number"),
        ("&a {data: *a}", "not YAML or JSON"),
    ],
)
def test_what_is_no_configuration_is_refused_in_words(outlook: Outlook, text: str, words: str) -> None:
    with pytest.raises(DryRunError, match=words):
        check_trainer(settings_of(text, "config"), outlook)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DryRunError, match=r"none\.yaml: cannot be read"):
        read_trainer_config(tmp_path / "none.yaml")


@pytest.mark.slow
def test_the_command_fails_where_the_trainer_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trl.yaml"
    path.write_text("num_generations: 7\n")
    asked = ["forecast", RUN, "--data", str(RECORDED), "--trainer-config", str(path)]
    assert main(asked) == 2
    assert "num_generations" in capsys.readouterr().out
    path.write_text("num_generations: 8\nmax_completion_length: 4096\n")
    assert main(asked) == 0
