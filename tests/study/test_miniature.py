"""The study from pretraining to its page, as small as it goes; and GRPO's arithmetic. Needs JAX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs tests/study/requirements.txt")

from tests.study import work
from tests.study.collect import collect, read_rows
from tests.study.conditions import Condition
from tests.study.grpo import Budget, advantages, clipped_loss, train
from tests.study.policy import decoded, encoded, encoded_answers, initial, lengths, log_likelihood
from tests.study.pretrain import pretrain
from tests.study.report import page
from tests.study.results import results

OWN = Condition("clean", "all", 0, held_out=False, unscaled=True)


def test_advantages_are_those_of_the_group() -> None:
    rewards = np.array([[1.0, 0.0, 0.0, 1.0], [0.5, 0.5, 0.5, 0.5]])
    assert advantages(rewards)[0] == pytest.approx(np.array([1, -1, -1, 1]) * 0.5 / 3**-0.5, rel=1e-3)
    assert (advantages(rewards)[1] == 0).all()
    assert advantages(rewards, scale=False)[0] == pytest.approx([0.5, -0.5, -0.5, 0.5])


def test_text_survives_the_codes_and_a_response_without_end_is_full() -> None:
    codes = encoded_answers(["it is 12.", "<a>7</a>", ""])
    assert decoded(codes) == ["it is 12.", "<a>7</a>", ""]
    assert lengths(np.full((1, codes.shape[1]), 5, np.int32)).tolist() == [codes.shape[1]]


def test_a_ratio_beyond_the_clip_earns_no_more() -> None:
    params, prompts, answers = initial(0), encoded(["add 3 4"]), encoded_answers(["7"])
    now = np.asarray(log_likelihood(params, prompts, answers))
    loss = [
        float(clipped_loss(params, prompts, answers, now - ahead, np.ones(1))) for ahead in (0, 0.1, 1, 2)
    ]
    assert loss == pytest.approx([-1.0, -np.exp(0.1), -1.2, -1.2], rel=1e-4)


@pytest.mark.slow
def test_what_is_paid_comes_more_often() -> None:
    prompts = [f"add {a} {b}" for a in range(6) for b in range(4)]

    def short(texts: object, places: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        assert isinstance(texts, list)
        return np.array([-float(len(text)) for text in texts])

    _, course = train(initial(0), prompts, short, 1, Budget(steps=12, rate=3e-3))
    assert np.mean(course[-3:]) > np.mean(course[:3]) + 1


@pytest.mark.slow
def test_the_study_in_miniature_resumes_and_ends_in_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "conditions", lambda: [OWN])
    monkeypatch.setattr(work, "settings", lambda: {"steps": 1, "rate": 1e-3, "checkpoints": [50]})
    pretrain(tmp_path / "checkpoints", steps=50, more=0, size=8)
    work.work(tmp_path, 0, 1)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert len(kept) == 9  # before, two dry runs, three seeds with and without division by the spread
    (tmp_path / "results" / f"{OWN.name}.2.json").unlink()
    work.work(tmp_path, 0, 1)
    again = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert {name for name in kept if kept[name] != again[name]} == {f"{OWN.name}.2.json"}
    collect(tmp_path, tmp_path, [OWN])
    tables = read_rows(tmp_path / "trainings.parquet"), read_rows(tmp_path / "dry_runs.parquet")
    (found,) = results([OWN], *tables)
    assert found.seeds == 3
    assert OWN.name in page([found], [])
