"""The readers, and what it takes to run one."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from dryrun.core.records import Item
from dryrun.graders.checks.platforms import Platform
from dryrun.graders.load import load_grader
from dryrun.report.export.material import Material, material_of_run, split_prompts
from dryrun.report.export.place import export_to
from dryrun.report.export.places import PLACES
from dryrun.store.results import Results
from tests.report.export.test_grader_code import graded, recorded_results

VARIABLE = "EXPORTS_SITE"
SCRIPTS = Path(__file__).with_name("read")
ROWS = 60
OFFLINE = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_API_KEY": "k",
}
LONGEST = 2_000
"""Characters of a reader's last words that are shown where it fails."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader.

    Attributes
    ----------
    place : Platform
    environment : str
        Folder of the environment that has the place's code.
    what : str
        Which code reads.
    source : str
        A function by the place's own convention that grades instead of the run's grader; ``""``: none.
    """

    place: Platform
    environment: str
    what: str
    source: str = ""

    @property
    def script(self) -> str:
        """The name of the file in ``read``."""
        own = {"openai": "openai_sdk", "verifiers_0": "verifiers_rubric"}
        return own.get(self.environment, self.place.value)


FOR_RUBRIC = """
def exact(completion, answer):
    return float(completion[-1]["content"] == answer)
"""
FOR_TRL = """
def exact(completions, reference_answer, **kwargs):
    return [float(said[0]["content"] == answer) for said, answer in zip(completions, reference_answer)]
"""
FOR_VERL = """
def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kwargs):
    return {"score": float(solution_str == ground_truth), "length": len(solution_str)}
"""

READERS = (
    Reader(
        Platform.OPENAI, "openai", "openai: types of messages, graders and the job; files and job over HTTP"
    ),
    Reader(Platform.AZURE, "openai", "openai: the same"),
    Reader(Platform.BEDROCK, "openai", "openai: files and job over HTTP, the method beside the SDK's types"),
    Reader(Platform.FIREWORKS, "eval_protocol", "eval-protocol: EvaluationRow, @evaluation_test"),
    Reader(Platform.TRL, "trl", "TRL: GRPOConfig, two steps of GRPOTrainer on a tiny random model"),
    Reader(Platform.TRL, "trl", "TRL: the same with a function of the user's own", FOR_TRL),
    Reader(Platform.VERL, "verl", "verl: the same with a function of the user's own", FOR_VERL),
    Reader(Platform.VERL, "verl", "verl: RLHFDataset, load_extern_object, the trainer's configuration"),
    Reader(Platform.VERIFIERS, "verifiers", "verifiers: load_taskset, Task.score"),
    Reader(
        Platform.VERIFIERS, "verifiers_0", "verifiers 0.1: load_environment, Rubric.score_rollout", FOR_RUBRIC
    ),
    Reader(Platform.NEMO_GYM, "verifiers", "verifiers: its NeMo Gym taskset, rows and response"),
)


def site() -> Path | None:
    """The folder of the environments, where it is named and there."""
    named = os.environ.get(VARIABLE, "")
    return Path(named).absolute() if named and Path(named).is_dir() else None


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader said.

    Attributes
    ----------
    said : str
        What it read, or why it could not.
    rewards : list of float or None
        What the place's code pays for the responses; None where the place grades by itself.
    read : bool
    """

    said: str
    rewards: list[float] | None
    read: bool


@cache
def material() -> tuple[Material, list[dict[str, Any]], list[tuple[str, Item]]]:
    """An export's material, responses to its training rows, and each with its row."""
    results: Results = recorded_results()
    found = material_of_run(results, "GO", split_prompts(results))
    places = {prompt.row: place for place, prompt in enumerate(found.train)}
    some = [one for one in results.inspect(range(400)) if one.prompt.row in places and one.sample.text][:ROWS]
    responses = [{"row": places[one.prompt.row], "text": one.sample.text} for one in some]
    return found, responses, [(one.sample.text, dict(one.prompt.item)) for one in some]


def material_for(reader: Reader) -> Material:
    """The recorded run's material; with the reader's own function, stored responses have its rewards."""
    found = material()[0]
    if not reader.source:
        return found
    config = {"type": "python", "name": "own", "convention": reader.place.value, "source": reader.source}
    items = {prompt.key: prompt.item for prompt in found.train}
    rewards = graded(config, [(one.text, dict(items[one.key])) for one in found.graded])
    stored = [replace(one, reward=reward) for one, reward in zip(found.graded, rewards, strict=True)]
    return replace(found, grader=load_grader(config), graded=tuple(stored))


def read_by(reader: Reader, python: Path, folder: Path) -> Found:
    """Write the export into a folder and let the reader read it."""
    _, responses, _ = material()
    for name, content in export_to(PLACES[reader.place], material_for(reader)).files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "responses.json").write_text(json.dumps(responses), encoding="utf-8")
    script = SCRIPTS / f"read_{reader.script}.py"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), str(script), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment | OFFLINE,
    )
    last = done.stdout.strip().splitlines()[-1:] or [""]
    if done.returncode or not last[0].startswith("{"):
        return Found((done.stderr or done.stdout)[-LONGEST:], None, False)
    answer = json.loads(last[0])
    return Found(answer["said"], answer["rewards"], True)


def agrees(reader: Reader, found: Found) -> bool:
    """Whether the place's code paid what Dry Run pays; true where the place grades by itself."""
    if found.rewards is None:
        return True
    expected = graded(material_for(reader).grader.raw, material()[2])
    return len(set(expected)) > 1 and found.rewards == expected
