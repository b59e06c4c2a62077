"""Logs of trainings in the forms that trainers write, and logs that cannot be read."""

from __future__ import annotations

import base64
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dryrun.core.errors import DryRunError
from dryrun.report.outcome import log_rows
from dryrun.report.outcome.log_rows import printed_values
from dryrun.report.outcome.read_log import TrainingLog, read_training_log

REWARDS = [0.25, 0.5, 0.75]
NUMBERED = list(enumerate(REWARDS, 1))


def trl_history() -> list[dict[str, Any]]:
    """`TrainerState.log_history` of TRL 1.16 with an evaluation, and the summary at its end."""
    rows: list[dict[str, Any]] = [
        {
            "completions/mean_length": 120.5,
            "epoch": step / 3,
            "frac_reward_zero_std": 0.5,
            "kl": 0.001,
            "learning_rate": 1e-06,
            "loss": 0.0,
            "reward": reward,
            "reward_std": 0.3,
            "rewards/accuracy/mean": reward / 2,
            "step": step,
        }
        for step, reward in NUMBERED
    ]
    rows.insert(1, {"epoch": 0.5, "eval_reward": 0.9, "eval_frac_reward_zero_std": 0.1, "step": 1})
    return [*rows, {"step": 3, "train_loss": float("nan"), "train_runtime": 91.0}]


def trainer_state() -> str:
    state = {"best_metric": None, "global_step": 3, "log_history": trl_history(), "max_steps": 3}
    return json.dumps(state, indent=2, sort_keys=True) + "\n"


def json_lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def printed_trl() -> str:
    """What transformers 5.24 prints: numbers as text, after a progress bar."""
    lines = [
        f" 33%|███▎      | {step}/3 {{'loss': '0', 'reward': '{reward:.4g}', 'frac_reward_zero_std': '0.5', "
        "'epoch': '0.3333'}"
        for step, reward in NUMBERED
    ]
    return "\n".join(["Some weights were not used", *lines, "{'train_runtime': '91', 'epoch': '1'}"])


def verl_file() -> str:
    """verl's `FileLogger`: a validation before training, then the steps."""
    before = {"step": 0, "data": {"val-core/openai/gsm8k/reward/mean@1": 0.2}}
    steps: list[dict[str, Any]] = [
        {"step": step, "data": {"critic/score/mean": reward, "critic/rewards/mean": reward - 0.1}}
        for step, reward in NUMBERED
    ]
    steps[1]["data"] |= {
        "val-core/a/acc/mean@1": 0.9,
        "val-aux/a/reward/mean@1": 0.3,
        "val-aux/b/reward/mean@1": 0.5,
    }
    return json_lines([before, *steps])


def verl_console() -> str:
    """verl's `LocalLogger` through Ray, whose numbers `pprint` writes as NumPy names them."""
    lines = [
        f"\x1b[36m(TaskRunner pid=71)\x1b[0m step:{step} - val-core/a:b/reward/mean@1:0.3 - "
        f"critic/score/mean:np.float64({reward}) - critic/score/max:1.0 - actor/lr:1e-06 - x:nan"
        for step, reward in NUMBERED
    ]
    return "\n".join(["(TaskRunner pid=71) Training Progress: 0%", *lines])


def openai_events() -> str:
    """A page of events, newest first, with a message among them."""
    events: list[dict[str, Any]] = [
        {
            "object": "fine_tuning.job.event",
            "id": f"ftevent-{step}",
            "created_at": 1746679539 + step,
            "level": "info",
            "message": f"Step {step}/3",
            "type": "metrics",
            "data": {
                "step": step,
                "scores": {
                    "graders": [{"name": "g", "train_reward_mean": 0.9}],
                    "train_reward_mean": reward,
                    "valid_reward_mean": 0.675,
                },
                "total_steps": 3,
                "train_mean_reward": reward,
            },
        }
        for step, reward in reversed(NUMBERED)
    ]
    events.append({"object": "fine_tuning.job.event", "message": "Files validated", "data": None})
    return json.dumps({"object": "list", "data": events, "has_more": False})


def result_file() -> str:
    rows = [f"{step},{reward},{0.5 if step == 3 else ''},0.0" for step, reward in NUMBERED]
    return "\n".join(["step,train_mean_reward,full_valid_mean_reward,mean_unresponsive_rewards", *rows, ""])


FORMS: dict[str, tuple[Callable[[], str], str, str]] = {
    "trainer_state.json": (trainer_state, "TRL", "reward"),
    "history.json": (lambda: json.dumps(trl_history()), "TRL", "reward"),
    "history.jsonl": (lambda: json_lines(trl_history()), "TRL", "reward"),
    "train.log": (printed_trl, "TRL", "reward"),
    "gsm8k.jsonl": (verl_file, "verl", "data.critic/score/mean"),
    "console.txt": (verl_console, "verl", "critic/score/mean"),
    "events.json": (openai_events, "OpenAI", "data.scores.train_reward_mean"),
    "results.csv": (result_file, "OpenAI", "train_mean_reward"),
    "encoded.csv": (lambda: base64.b64encode(result_file().encode()).decode(), "OpenAI", "train_mean_reward"),
    "encoded.txt": (lambda: base64.b64encode(result_file().encode()).decode(), "OpenAI", "train_mean_reward"),
    "wandb.csv": (lambda: "_step,Reward\n1,0.25\n2,0.5\n3,0.75\n", "", "reward"),
    "own.tsv": (lambda: "step\treward\n3\t0.75\n1\t0.25\n2\t0.5\n", "", "reward"),
}
"""Text, trainer and name of the reward by the name of the file."""


def written(folder: Path, content: str | bytes, name: str = "log.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: str | bytes, name: str = "log.jsonl", **names: str) -> TrainingLog:
    return read_training_log(written(folder, content, name), **names)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_curve(name: str, tmp_path: Path) -> None:
    make, trainer, column = FORMS[name]
    log = read(tmp_path, make(), name)
    assert (log.trainer, log.column, log.name) == (trainer, column, name)
    assert log.curve.reward.tolist() == REWARDS
    assert log.curve.step.tolist() == [1, 2, 3]
    assert (log.curve.dead == 0.5).all() == (trainer == "TRL")


def test_rows_without_a_reward_are_counted(tmp_path: Path) -> None:
    assert read(tmp_path, trainer_state(), "trainer_state.json").without == 2
    assert read(tmp_path, openai_events(), "events.json").without == 1


VALIDATED = {
    "trainer_state.json": ((1, 0.9),),
    "gsm8k.jsonl": ((0, 0.2), (2, 0.4)),
    "console.txt": ((1, 0.3), (2, 0.3), (3, 0.3)),
    "events.json": ((1, 0.675), (2, 0.675), (3, 0.675)),
    "results.csv": ((3, 0.5),),
    "own.tsv": (),
}


@pytest.mark.parametrize("name", VALIDATED)
def test_validation_is_read_beside_training(name: str, tmp_path: Path) -> None:
    assert read(tmp_path, FORMS[name][0](), name).validation == VALIDATED[name]


def test_many_evaluations_are_thinned_and_keep_both_ends(tmp_path: Path) -> None:
    rows = json_lines([{"step": step, "reward": 0, "eval_reward": step} for step in range(1000)])
    kept = read(tmp_path, rows).validation
    assert len(kept) == 200
    assert (kept[0], kept[-1]) == ((0, 0), (999, 999))


def test_rows_of_one_step_count_as_their_mean(tmp_path: Path) -> None:
    log = read(tmp_path, "step,reward\n1,0\n1,1\n2,1\n", "samples.csv")
    assert log.curve.reward.tolist() == [0.5, 1.0]


def test_names_can_be_given(tmp_path: Path) -> None:
    rows = json_lines([{"it": it, "eval": {"score": {"avg": value}}} for it, value in NUMBERED])
    log = read(tmp_path, rows, reward="eval.score.avg", step="it")
    assert log.curve.reward.tolist() == REWARDS
    with pytest.raises(DryRunError, match="no row with a reward has a number called 'at'"):
        read(tmp_path, rows, reward="eval.score.avg", step="at")


def test_without_steps_the_order_of_the_file_counts(tmp_path: Path) -> None:
    log = read(tmp_path, json_lines([{"reward": value} for value in (1, 0, 1)]))
    assert log.curve.step.tolist() == [1, 2, 3]
    assert log.curve.reward.tolist() == [1, 0, 1]


def test_no_number_that_is_none_enters(tmp_path: Path) -> None:
    log = read(
        tmp_path, '{"reward": NaN}\n{"reward": true}\n{"reward": 1e999}\n{"reward": null}\n{"reward": 1}\n'
    )
    assert log.curve.reward.tolist() == [1]
    assert log.without == 4


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    whole = json_lines([{"step": step, "reward": value} for step, value in NUMBERED])
    assert read(tmp_path, whole + '{"step": 4, "rew').curve.step.tolist() == [1, 2, 3]
    with pytest.raises(DryRunError, match=r"line 2: not JSON\. Take the line out"):
        read(tmp_path, '{"step": 1, "reward": 0}\n{"step": 4, "rew\n{"step": 5, "reward": 1}\n')


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a.json": ('{"log_history": [{"reward": 1}, 3]}', r"\$\.log_history\[1\]: not an object"),
    "b.json": ('{"log_history": [\n{"reward": 1,}\n]}', r"line \d: not JSON"),
    "c.json": ("[" * 100_000, "not JSON that can be read"),
    "d.csv": ("step,loss\n1,0.5\n", r"Its rows hold step, loss\. Name the reward: --reward-column"),
    "e.txt": ("nothing to see\n", "no row holds a number"),
    "f.jsonl": ('{"loss": 1, "note": "x"}\n{"loss": 2}\n', "Its rows hold loss"),
    "g.log": (b"\x00\xff\xfe" * 1000, "no row holds a number"),
    "h.json": (f'[{{"reward": {"9" * 5000}}}]', "not JSON that can be read"),
    "i.csv": ("", "no row holds a number"),
    "j.csv": ("c3RlcCxyZXdhcmQKMSwyCg", r"begins as base64 and is torn\. Download it again"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_log_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    with pytest.raises(DryRunError, match=words) as refused:
        read(tmp_path, content, name)
    assert str(tmp_path / name) in str(refused.value)


def test_files_lines_and_documents_have_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_rows, "MOST_LINE", 100)
    monkeypatch.setattr(log_rows, "MOST_DOCUMENT", 200)
    monkeypatch.setattr(log_rows, "MOST_BYTES", 300)
    row = json.dumps({"reward": 1, "note": "x" * 90})
    with pytest.raises(DryRunError, match="line 2: longer than 100 characters"):
        read(tmp_path, '{"reward": 0}\n' + row + "\n")
    with pytest.raises(DryRunError, match=r"a single value of 2\d\d bytes"):
        read(tmp_path, json.dumps([{"reward": 1}] * 10, indent=1), "x.json")
    with pytest.raises(DryRunError, match="has 312 bytes; 300 are the most"):
        read(tmp_path, "step,reward\n" + "1,1.0\n" * 50, "x.csv")


def test_a_long_line_of_text_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_rows, "MOST_LINE", 200)
    log = read(tmp_path, "x" * 1000 + "\n" + verl_console(), "x.log")
    assert log.curve.reward.tolist() == REWARDS


def test_only_a_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with pytest.raises(DryRunError, match="there is no such file"):
            read_training_log(tmp_path / name)


TOKENS = [
    b"NaN",
    b"{",
    b"]",
    b"}",
    b'"',
    b"'",
    b"\x00",
    b"\xff",
    b"\r",
    b"\n",
    b",",
    b"9" * 400,
    b"{'",
    b"np.f(",
]


@pytest.mark.slow
def test_damaged_logs_are_read_or_refused_in_a_sentence(tmp_path: Path) -> None:
    rng, read_on = random.Random(1), 0
    for _ in range(600):
        name = rng.choice(list(FORMS))
        content = bytearray(FORMS[name][0]().encode())
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(content))
            content[place : place + rng.choice((0, 1, 20))] = rng.choice(TOKENS)
        try:
            curve = read(tmp_path, bytes(content), name).curve
        except DryRunError:
            continue
        read_on += 1
        assert np.isfinite(curve.reward).all()
        assert (np.diff(curve.step) > 0).all()
    assert read_on > 60


def test_a_printed_line_is_read_and_not_run() -> None:
    assert printed_values("{'reward': '0.5', 'x': __import__('os').system('exit')}") == {"reward": 0.5}
    assert printed_values("loss {'reward'") == {}
