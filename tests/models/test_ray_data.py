"""Responses through Ray Data: a real dataset and real actors, with a stand-in where vLLM needs a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from dryrun.core.config import ModelConfig, ModelKind, SamplingConfig
from dryrun.core.errors import ModelError
from dryrun.core.records import RunState
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.models.build import build_model
from dryrun.models.ray_data.model import Build, Processor, RayDataModel, Row
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.support import EXACT, sum_rows, work

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="no Ray"),  # importing it takes a second of every run
]

CAP = 8


class StandIn:
    """Takes and gives the columns of Ray Data's vLLM stage (ray 2.60), and adds numbers instead."""

    def __call__(self, batch: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        """Answers to a batch of rows."""
        answers = [self.answer(messages[-1]["content"]) for messages in batch["messages"]]
        assert all(sampling["max_tokens"] == CAP for sampling in batch["sampling_params"])
        return {
            "number": batch["number"],
            "generated_text": [text for text, _ in answers],
            "num_input_tokens": [5 for _ in answers],
            "num_generated_tokens": [CAP if text == "long" else 1 for text, _ in answers],
            "__inference_error__": [error for _, error in answers],
        }

    def answer(self, asked: str) -> tuple[str, str]:
        """The text, and what went wrong."""
        first, second = (int(part.strip(" =")) for part in asked.split("+"))
        if first == 3:
            return "", "ValueError: prompt too long"
        return {4: "long", 5: " "}.get(first, str(first + second)), ""


def stand_in(config: ModelConfig, preprocess: Any, postprocess: Any) -> Processor:
    """As `vllm_processor`, of the same shape as what Ray Data builds: map, an actor's batches, map."""

    def process(dataset: Any) -> Any:
        staged = dataset.map(preprocess).map_batches(StandIn, concurrency=1, batch_size=16, num_cpus=0.5)
        return staged.map(postprocess)

    return process


def broken(config: ModelConfig, preprocess: Any, postprocess: Any) -> Processor:
    def fail(row: Row) -> Row:
        raise RuntimeError("no GPU is here")

    return lambda dataset: dataset.map(fail)


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    import ray

    ray.init("local", num_cpus=2, log_to_driver=False, logging_level="ERROR", object_store_memory=200 * 2**20)
    yield
    ray.shutdown()


def gpu_config(**fields: Any) -> ModelConfig:
    return ModelConfig(
        **{"kind": ModelKind.VLLM, "name": "m", "max_completion_tokens": CAP, "seed": 0, **fields}
    )


def gpu_run(store: Store) -> Run:
    sampling = SamplingConfig(size=40, rollouts=2)
    return start(
        store, prepare(dataset_from_items(sum_rows(40)), EXACT, model=gpu_config(), sampling=sampling)
    )


def through(run: Run, build: Build = stand_in) -> Any:
    return work(run, model=RayDataModel(run.config().model, build))


def test_a_run_gets_all_its_responses_from_one_dataset(store: Store) -> None:
    run = gpu_run(store)
    status = through(run)
    assert (status.state, status.total) == (RunState.FINISHED, 80)
    assert (status.attempts, status.failed) == (80, 2)
    assert status.prompt_tokens == 5 * 78
    seen = load_results(run).rollouts
    outcomes = [row["outcome"] for row in seen.to_pylist()]
    assert {name: outcomes.count(name) for name in ("answered", "truncated", "empty", "failed")} == {
        "answered": 74,
        "truncated": 2,
        "empty": 2,
        "failed": 2,
    }
    rewards = [row["reward"] for row in seen.to_pylist() if row["outcome"] == "answered"]
    assert rewards == [1.0] * 74
    again = through(run)
    assert again.attempts == 82, "the two that failed are asked again, and no other"


def test_a_processor_that_breaks_down_stops_the_run_with_the_reason(store: Store) -> None:
    status = through(gpu_run(store), broken)
    assert status.state is RunState.STOPPED
    assert "no GPU is here" in status.message


def test_what_is_not_passed_on_is_refused() -> None:
    with pytest.raises(ModelError, match="cap on the length"):
        build_model(gpu_config(max_completion_tokens=None), "", print)
    with pytest.raises(ModelError, match="response_format is not passed on"):
        build_model(gpu_config(response_format={"type": "json_object"}), "", print)


def test_engine_arguments_are_part_of_what_determines_a_response() -> None:
    plain, large = RayDataModel(gpu_config()), RayDataModel(gpu_config(engine={"quantization": "fp8"}))
    assert plain.identity != large.identity
    assert "engine" not in gpu_config().model_dump()
