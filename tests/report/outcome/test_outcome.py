"""How a training went, what had been foretold, and both together over all runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.forecast.chance import Forecasted, Prediction, brier, chance_of
from dryrun.analysis.forecast.course import Course, Curve, course_of
from dryrun.cli.main import main
from dryrun.report.outcome.chart import curve_alt, curve_chart, outcome_rows, outcomes_alt, outcomes_chart
from dryrun.report.outcome.ledger import PUBLISHED, Entry, TrainingLedger, entries_of, ledger_of
from dryrun.report.outcome.of_run import KEPT_POINTS, mixed_gap, start_gap
from dryrun.report.outcome.words import brier_lines, entry_sections, ledger_page, ledger_sections
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs
from dryrun.store.trainings import FILE, KeptTraining, keep_training, trainings_of
from tests.helpers.support import RECORDED

RUN = next((RECORDED / "runs").iterdir()).name


def course(
    start: float, end: float, rows: int = 100, noise: float = 0.03, dead: float = np.nan, seed: int = 0
) -> Course:
    """Of a policy that improves steadily."""
    reward = np.linspace(start, end, rows) + np.random.default_rng(seed).normal(0, noise, rows)
    return course_of(Curve(np.arange(1.0, rows + 1), reward, np.full(rows, dead)), (0.0, 1.0))


def prediction(**changes: Any) -> Prediction:
    said = Prediction(
        verdict="GO",
        headline="GO",
        signal=0.4,
        mean=0.4,
        mean_interval=Interval(0.37, 0.43),
        group=8,
        mixed=0.7,
        mixed_interval=Interval(0.65, 0.75),
        headroom=0.3,
        headroom_interval=Interval(0.2, 0.5),
        version="0.1.0",
    )
    return replace(said, **changes)


def kept(said: Prediction, went: Course, name: str = "log.jsonl") -> KeptTraining:
    return KeptTraining(name, name, "TRL", "reward", 0.0, said, went, (1.0, 2.0), (0.4, 0.5))


def entry(said: Prediction, went: Course, run: str = "a") -> Entry:
    return Entry(run, run, kept(said, went))


def text(entry: Entry) -> str:
    return "\n".join("".join(line) for section in entry_sections(entry) for line in section.lines)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the recorded runs."""
    return shutil.copytree(RECORDED, tmp_path / "data")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A TRL log of a training that learns, as JSON lines."""
    rng = np.random.default_rng(0)
    rows = [
        {"step": step, "reward": 0.2 + step / 400 + rng.normal(0, 0.03), "frac_reward_zero_std": 0.3}
        for step in range(1, 101)
    ]
    path = tmp_path / "trl.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_start_and_end_are_means_of_a_tenth() -> None:
    reward = np.arange(200.0)
    went = course_of(Curve(reward, reward, np.full(200, np.nan)), (0.0, 200.0))
    assert went.window == 20
    assert (went.start, went.end) == pytest.approx((9.5 / 200, 189.5 / 200))
    assert went.gain == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("start", "end", "rows", "noise", "learned"),
    [
        (0.3, 0.6, 100, 0.05, True),
        (0.3, 0.34, 400, 0.01, False),  # surely, and too little
        (0.3, 0.6, 12, 0.4, False),  # enough, and noise
        (0.6, 0.3, 100, 0.05, False),
        (0.3, 0.9, 5, 0.0, None),
    ],
)
def test_learning_is_a_gain_that_is_large_and_sure(
    start: float, end: float, rows: int, noise: float, learned: bool | None
) -> None:
    assert course(start, end, rows, noise).learned is learned


def test_a_flat_curve_learns_in_few_of_many_logs() -> None:
    learned = [course(0.4, 0.4, rows=40, noise=0.06, seed=seed).learned for seed in range(200)]
    assert sum(map(bool, learned)) <= 14


def test_a_log_of_one_row_has_a_start_and_no_more() -> None:
    went = course(0.4, 0.4, rows=1)
    assert (went.window, went.gain, went.noise, went.learned, went.gain_interval) == (
        1,
        0.0,
        None,
        None,
        None,
    )
    assert "Too few rows to tell: 1 of 6." in text(entry(prediction(), went))


def test_the_range_of_the_run_is_the_scale() -> None:
    curve = Curve(np.arange(10.0), np.array([-1.0] * 5 + [1.0] * 5), np.full(10, np.nan))
    assert course_of(curve, (-1.0, 1.0)).gain == 1.0


def test_the_chance_rises_with_the_signal_index() -> None:
    chances = [chance_of("GO", signal) for signal in (0.0, 0.07, 0.15, 0.25, 0.4, 0.9, 1.0)]
    assert chances == sorted(chances, key=lambda chance: chance or 0)
    assert chances[-1] == pytest.approx((32 + 0.5) / (43 + 1))
    assert chances[0] == pytest.approx(0.5 / 10), "none of nine is not never"
    assert chance_of("NO-GO", 0.4) == chance_of("GO", 0.4)
    assert chance_of("INVALID", 0.4) is None
    assert (chance_of("GO", None) or 0) > (chance_of("NO-GO", None) or 0) > 0


def test_the_brier_score_of_a_small_ledger_by_hand() -> None:
    judged = brier(
        [
            Forecasted("a", 0.9, go=True, learned=True),
            Forecasted("a", 0.9, go=True, learned=False),
            Forecasted("b", 0.2, go=False, learned=False),
            Forecasted("c", 0.4, go=False, learned=False),
        ]
    )
    assert judged is not None
    assert judged.score == pytest.approx((0.01 + 0.81 + 0.04 + 0.16) / 4)
    assert (judged.by_verdict, judged.base_rate, judged.by_base_rate) == (0.25, 0.25, 0.1875)
    assert (judged.trainings, judged.runs) == (4, 3)
    assert judged.interval is not None
    assert judged.interval.low < judged.score < judged.interval.high
    assert judged.after_go == 2
    assert not any("All of them followed" in line for line in brier_lines(judged))
    assert any("Below 30 trainings this says little" in line for line in brier_lines(judged))
    assert brier([]) is None


def test_where_all_learned_no_base_rate_is_beaten() -> None:
    judged = brier([Forecasted("a", 0.9, go=True, learned=True)])
    assert judged is not None
    assert judged.interval is None
    assert any("All of them learned" in line for line in brier_lines(judged))
    assert any(
        "All of them followed a GO: this says nothing about a NO-GO." in line for line in brier_lines(judged)
    )


def test_a_start_off_the_prediction_warns_with_its_size() -> None:
    said, went = prediction(), course(0.6, 0.7, dead=0.3)
    gap = start_gap(said, went)
    assert gap is not None
    assert gap.off
    assert gap.interval.low > 0.1
    assert "Trainer and dry run do not grade alike" in text(entry(said, went))
    assert "a warning from 0.05 on" in text(entry(said, went))


def test_a_small_or_unsure_difference_does_not_warn() -> None:
    near = start_gap(prediction(mean_interval=Interval(0.399, 0.401)), course(0.43, 0.43, noise=0.001))
    unsure = start_gap(prediction(mean_interval=Interval(0.1, 0.7)), course(0.6, 0.7))
    assert near is not None
    assert unsure is not None
    assert near.interval.low > 0
    assert not near.off
    assert not unsure.off
    assert start_gap(prediction(mean_interval=None), course(0.6, 0.7)) is None


def test_groups_that_differ_less_often_warn() -> None:
    said = prediction()
    seldom, alike = course(0.4, 0.5, dead=0.6), course(0.4, 0.5, dead=0.3)
    first, second = mixed_gap(said, seldom), mixed_gap(said, alike)
    assert first is not None
    assert second is not None
    assert (first.off, second.off) == (True, False)
    assert "add the log again with that size" in text(entry(said, seldom))
    assert mixed_gap(said, course(0.4, 0.5)) is None
    assert "no share of groups without a difference" in text(entry(said, course(0.4, 0.5)))


def drawn(shift: float, seed: int) -> bool:
    """Whether a start is called off: 150 prompts x 4 before, 100 steps of 16 x 8 of a policy that stays."""
    rng = np.random.default_rng(seed)
    rates = rng.beta(0.6, 1.2, 2000)
    means = rng.binomial(4, rng.choice(rates, 150)) / 4
    low, high = np.quantile(means[rng.integers(0, 150, (1000, 150))].mean(axis=1), [0.025, 0.975])
    rewards = [rng.binomial(8, np.clip(rng.choice(rates, 16) + shift, 0, 1)).mean() / 8 for _ in range(100)]
    went = course_of(Curve(np.arange(100.0), np.array(rewards), np.full(100, np.nan)), (0.0, 1.0))
    gap = start_gap(prediction(mean=float(means.mean()), mean_interval=Interval(low, high)), went)
    assert gap is not None
    return gap.off


@pytest.mark.slow
def test_few_that_grade_alike_are_warned_and_nearly_all_that_do_not() -> None:
    assert sum(drawn(0.0, seed) for seed in range(100)) <= 12
    assert sum(drawn(0.15, seed) for seed in range(100)) >= 90


def test_rewards_off_the_scale_are_said() -> None:
    assert "Off the scale" in text(entry(prediction(), course(0.4, 3.0)))
    assert "Off the scale" not in text(entry(prediction(), course(0.4, 0.6)))


def test_validation_that_does_not_rise_is_said() -> None:
    whole = entry(prediction(), course(0.4, 0.7))

    def validated(*points: tuple[float, float]) -> str:
        return text(replace(whole, kept=replace(whole.kept, validation=points)))

    assert "Validation" not in text(whole)
    assert "Validation: 0.40 at step 0, measured once." in validated((0, 0.4))
    assert "Validation: 0.40 at step 0, 0.60 at step 100, +0.20." in validated((0, 0.4), (100, 0.6))
    assert "rose in training and not there" in validated((0, 0.4), (100, 0.4))
    assert "rose in training and not there" not in validated((0, 0.4), (100, 0.6))


def test_entries_that_cannot_be_judged_enter_no_score() -> None:
    learns = course(0.3, 0.6)
    invalid, short = (
        entry(prediction(verdict="INVALID"), learns),
        entry(prediction(), course(0.3, 0.6, rows=4)),
    )
    assert not invalid.counts
    assert not short.counts
    assert entry(prediction(), learns).counts
    assert "foretells nothing" in text(invalid)


def test_what_others_published_is_as_it_was_published() -> None:
    gains = {one.name: one.gain for one in PUBLISHED}
    assert gains["Medical diagnosis, second model grader (o4-mini)"] == pytest.approx(0.0446, abs=1e-4)
    assert sum(gain is None for gain in gains.values()) == 4
    assert all(one.source and one.url.startswith("https://") for one in PUBLISHED)
    assert all(one.missing for one in PUBLISHED if one.gain is None)
    assert ledger_of([]).brier is None


@pytest.mark.slow
def test_the_command_keeps_a_training_and_lists_it(
    data: Path,
    log: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["outcome", RUN, "--log", str(log), "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert "The policy learned." in said.out
    assert "100 rows of reward" in said.err
    page = tmp_path / "page.html"
    assert main(["outcome", "--data", str(data), "--out", str(page)]) == 0
    listed = capsys.readouterr().out
    assert "trl.jsonl" in listed
    assert "over 1 training after 1 run" in listed
    assert "Published runs" in listed
    assert "<svg" in page.read_text()
    assert "trl.jsonl" in page.read_text()


@pytest.mark.slow
def test_json_holds_prediction_and_course(data: Path, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outcome", RUN, "--log", str(log), "--group", "4", "--json", "--data", str(data)]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["predicted"]["group"] == 4
    assert one["actual"]["learned"] is True
    assert one["actual"]["gain_interval"][0] < one["actual"]["gain"] < one["actual"]["gain_interval"][1]
    assert main(["outcome", "--json", "--data", str(data)]) == 0
    ledger = json.loads(capsys.readouterr().out)
    assert ledger["trainings"] == [one]
    assert len(ledger["published"]) == len(PUBLISHED)


@pytest.mark.slow
def test_the_same_log_takes_its_own_place_and_another_stands_beside_it(
    data: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run.open(Store(data), RUN)
    for name in ("first.jsonl", "second.jsonl"):
        assert main(["outcome", RUN, "--log", str(log.rename(log.with_name(name))), "--data", str(data)]) == 0
        log = log.with_name(name)
    assert [one.log for one in trainings_of(run)] == ["second.jsonl"]
    log.write_text("step,reward\n" + "".join(f"{step},0.2\n" for step in range(1000)))
    log = log.rename(log.with_suffix(".csv"))
    assert main(["outcome", RUN, "--log", str(log), "--data", str(data)]) == 0
    assert [len(one.steps) <= KEPT_POINTS for one in trainings_of(run)] == [True, True]
    capsys.readouterr()
    assert main(["outcome", RUN, "--forget", "--data", str(data)]) == 0
    assert "Forgot 2 trainings" in capsys.readouterr().err
    assert trainings_of(run) == ()


def test_a_run_without_a_training_says_how_to_add_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outcome", RUN, "--data", str(RECORDED)]) == 2
    assert f"outcome {RUN} --log FILE" in capsys.readouterr().err
    assert main(["outcome", "--data", str(RECORDED)]) == 0
    assert "No training is kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--log", "x.jsonl"], "Which run was it made for?"),
        ([RUN, "--group", "4"], "go with --log FILE"),
        ([RUN, "--forget", "--log", "x"], "not both"),
        ([RUN, "--log", "x.jsonl"], "there is no such file"),
        (["0" * 32], "There is no run"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["outcome", *arguments, "--data", str(RECORDED)]) == 2
    assert words in capsys.readouterr().err


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "torn": lambda whole: whole[: len(whole) // 2],
    "empty": lambda _: b"",
    "another": lambda _: b'{"trainings": [{"log": 3}]}',
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_no_training(name: str, data: Path) -> None:
    run = Run.open(Store(data), RUN)
    keep_training(run, kept(prediction(), course(0.3, 0.6)))
    (whole,) = trainings_of(run)
    assert whole == kept(prediction(), course(0.3, 0.6))
    path = run.folder / FILE
    path.write_bytes(DAMAGES[name](path.read_bytes()))
    assert entries_of(run) == ()
    assert ledger_of(list_runs(Store(data))).entries == ()


@pytest.mark.slow
def test_names_of_runs_and_logs_stay_text(data: Path) -> None:
    run = Run.open(Store(data), RUN)
    keep_note(run, RunNote("<script>alert(1)</script>"))
    keep_training(run, kept(prediction(), course(0.3, 0.6), "<b>log</b>"))
    page = ledger_page(ledger_of(list_runs(Store(data))))
    assert "<script" not in page
    assert "<b>log" not in page
    assert "&lt;b&gt;log" in page


def test_the_table_has_a_row_for_each_training() -> None:
    entries = (
        entry(prediction(), course(0.4, 0.7)),
        entry(prediction(verdict="INVALID", signal=None), course(0.8, 0.8), run="b"),
    )
    table = ledger_sections(TrainingLedger(entries, None))[0].tables[0]
    assert [len(row) == len(table.titles) for row in table.rows] == [True, True]
    assert [row[-1] for row in table.rows] == ["yes", "no"]
    narrow = ledger_sections(TrainingLedger(entries, None), wide=False)[0].tables[0]
    assert [len(row) == len(narrow.titles) == len(table.titles) - 2 for row in narrow.rows] == [True, True]


def test_the_charts_hold_the_trainings_and_their_schema() -> None:
    entries = (
        entry(prediction(), course(0.4, 0.7)),
        entry(prediction(verdict="INVALID"), course(0.4, 0.7)),
        entry(prediction(signal=0.01), course(0.4, 0.4, rows=3)),
    )
    assert [row["kind"] for row in outcome_rows(entries)] == ["learned", "not known"]
    validated = replace(entries[0].kept, validation=((1.0, 0.5),))
    layers = [len(curve_chart(kept).to_dict()["layer"]) for kept in (entries[0].kept, validated)]
    assert layers == [3, 4]
    assert len(outcomes_chart(entries).to_dict()["layer"]) == 3
    assert "93 %" not in outcomes_alt(entries)
    assert outcomes_alt(entries).count("said, gain") == 2
    assert "0.40 at the start" in curve_alt(replace(entries[0].kept, course=course(0.4, 0.4, noise=0)))
