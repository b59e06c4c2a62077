"""What each place gets, and what it is told that it cannot have."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from dryrun.analysis.forecast.price import TrainingPlan
from dryrun.core.config import ModelConfig
from dryrun.core.records import Prompt
from dryrun.graders.checks.platforms import Platform
from dryrun.graders.format.findings import Severity
from dryrun.graders.load import load_grader
from dryrun.report.export.material import (
    GradedResponse,
    Material,
    TrainingSizes,
    material_of_run,
    split_prompts,
)
from dryrun.report.export.place import Export, export_to
from dryrun.report.export.places import PLACES, file_tree, written_for
from dryrun.report.forecast.trainer_config import check_trainer
from dryrun.report.forecast.words import outlook_of
from dryrun.report.training_set.chosen import set_archive
from tests.helpers.support import EXACT, sum_rows
from tests.report.export.test_grader_code import recorded_results, similarity

SIZES = TrainingSizes(8, 512, 256, 16, {"group": "Usual ones."})
JUDGE = {
    "type": "score_model",
    "name": "judge",
    "model": "m",
    "input": [{"role": "user", "content": "{{sample.output_text}}?"}],
}
OWN = {
    Platform.TRL: "def f(completions, level, **kwargs):\n    return [1.0 for _ in completions]\n",
    Platform.VERL: "def compute_score(data_source, solution_str, ground_truth, **kwargs):\n    return 1.0\n",
    Platform.BEDROCK: "def lambda_handler(event, context):\n    return []\n",
    Platform.VERIFIERS: "def f(completion, answer):\n    return 1.0\n",
    Platform.FIREWORKS: "def f(messages, ground_truth=None, **kwargs):\n    return {'score': 1.0}\n",
}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
PICTURE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]


def material(
    rows: list[dict[str, Any]] | None = None, grader: dict[str, Any] | None = None, held: int = 10
) -> Material:
    rows = sum_rows(120) if rows is None else rows
    prompts = tuple(Prompt(f"{row:032}", row, "", item) for row, item in enumerate(rows))
    kept = prompts[: len(prompts) - held]
    return Material(
        kept,
        prompts[len(prompts) - held :],
        load_grader(grader or EXACT),
        SIZES,
        "0" * 32,
        "rows.jsonl",
        43_200.0,
        "GO",
        ModelConfig(),
        (0.0, 1.0),
    )


def to(place: Platform, *given: Any, **named: Any) -> Export:
    return export_to(PLACES[place], material(*given, **named))


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def whats(export: Export, severity: Severity) -> str:
    return " ".join(finding.what for finding in export.findings if finding.severity is severity)


def own(place: Platform) -> dict[str, Any]:
    return {
        "type": "python",
        "convention": {"fireworks": "eval_protocol"}.get(place, place),
        "source": OWN[place],
    }


@pytest.mark.parametrize("platform", OWN)
def test_a_reward_function_is_offered_to_the_place_it_was_written_for_first(platform: Platform) -> None:
    assert written_for(own(platform)) is platform
    assert written_for({"type": "multi", "graders": {"exact": EXACT, "own": own(platform)}}) is platform
    assert written_for(EXACT) is Platform.AZURE


def test_every_platform_is_a_place() -> None:
    assert set(PLACES) == set(Platform)


@pytest.mark.parametrize("place", PLACES)
def test_each_place_gets_rows_a_grader_and_a_checklist(place: Platform) -> None:
    export = to(place)
    assert not export.refused, export.findings
    files = export.files()
    names = {Path(name).name for name in files}
    assert {"README.md", "grader.json"} <= names
    assert {"train.jsonl", "train.parquet"} & names
    readme = files["README.md"].decode()
    assert "From dry run `00000000` of `rows.jsonl` on 01 Jan 1970, verdict **GO**" in readme
    assert "- [ ] " in readme
    assert all(f"`{name}`" in readme for name in files if name != "README.md")
    assert ("Usual ones." in readme) == ("group" in PLACES[place].takes)
    assert "$" not in readme
    packed = set_archive(iter(files.items()))
    assert packed == set_archive(iter(to(place).files().items()))
    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == list(files)
    assert all(name in file_tree(files) for name in files)
    for name, content in files.items():
        if name.endswith(".py"):
            compile(content, name, "exec")


@pytest.mark.parametrize("place", [Platform.OPENAI, Platform.AZURE])
def test_system_is_written_as_developer_where_a_host_has_none(place: Platform) -> None:
    rows = sum_rows(40)
    rows[3]["messages"].insert(0, {"role": "system", "content": "Be brief."})
    export = to(place, rows)
    written = lines(export.files()["train.jsonl"])
    assert [message["role"] for message in written[3]["messages"]] == ["developer", "user"]
    assert "the role system of 1 of 30 rows is written as developer" in whats(export, Severity.NOTE)
    assert rows[3]["messages"][0]["role"] == "system"
    assert "system" in to(Platform.TRL, rows).files()["train.jsonl"].decode()


@pytest.mark.parametrize("place", [one for one in PLACES if one not in (Platform.OPENAI, Platform.AZURE)])
def test_a_judge_is_refused_where_only_code_runs(place: Platform) -> None:
    export = to(place, None, JUDGE)
    assert export.refused
    assert "score_model asks a model" in whats(export, Severity.ERROR)


def test_a_judge_goes_where_the_host_asks_it() -> None:
    assert not to(Platform.OPENAI, None, JUDGE).refused
    assert to(Platform.OPENAI, None, similarity("cosine")).refused


@pytest.mark.parametrize("place", [Platform.TRL, Platform.VERL, Platform.TOGETHER, Platform.NEMO_GYM])
def test_rows_with_tools_or_pictures_are_left_out_with_the_reason(place: Platform) -> None:
    rows = sum_rows(40)
    rows[0]["tools"] = [TOOL]
    rows[5]["messages"] = [{"role": "user", "content": PICTURE}]
    export = to(place, rows)
    assert len(export.material.train) == 28
    said = whats(export, Severity.WARNING)
    assert "1 of 30 rows have tools or tool calls (row 1) and are left out:" in said
    assert "parts other than text in a message (row 6)" in said
    assert to(place, [rows[0]], held=0).refused
    assert len(to(Platform.OPENAI, rows).material.train) == 30


def test_limits_on_rows_are_said_before_anything_is_written() -> None:
    assert "takes 100 to 20,000" in whats(to(Platform.BEDROCK, sum_rows(60)), Severity.ERROR)
    assert "starts no job without one" in whats(to(Platform.AZURE, sum_rows(9), held=0), Severity.ERROR)
    many = to(Platform.OPENAI, sum_rows(1_300), held=1_100)
    assert "the first 1,000 are written" in whats(many, Severity.WARNING)
    assert len(lines(many.files()["validation.jsonl"])) == 1_000
    answered = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
    assert "do not end with" in whats(
        to(Platform.AZURE, [{"messages": answered, "a": 1}] * 30), Severity.ERROR
    )


def test_a_scale_beyond_one_is_named_where_the_host_asks_for_less() -> None:
    wide = replace(material(), reward_range=(0.0, 5.0))
    assert "pays 0 to 5" in whats(export_to(PLACES[Platform.BEDROCK], wide), Severity.WARNING)
    assert not export_to(PLACES[Platform.TRL], wide).findings


@pytest.mark.parametrize("place", OWN)
def test_a_function_by_the_place_s_own_convention_is_handed_over_as_its_file(place: Platform) -> None:
    rows = [{**row, "level": "easy", "prompt": "text?"} for row in sum_rows(120)]
    export = to(place, rows, own(place))
    assert not export.refused, export.findings
    files = export.files()
    [name] = [name for name in files if name.endswith("reward.py")]
    assert files[name].decode() == OWN[place]
    others = [one for one in OWN if one is not place]
    assert all(to(one, rows, own(place)).refused for one in others)


def test_rows_for_an_own_function_keep_their_columns() -> None:
    rows = [{**row, "level": "easy", "prompt": "text?"} for row in sum_rows(20)]
    row = lines(to(Platform.TRL, rows, own(Platform.TRL)).files()["train.jsonl"])[0]
    assert row == {"prompt": "text?", "reference_answer": "1", "topic": "even", "level": "easy"}
    train = to(Platform.TRL, rows, own(Platform.TRL)).files()["train.py"].decode()
    assert "from reward import f as reward" in train


def test_verl_gets_the_right_answer_where_it_looks_for_it() -> None:
    files = to(Platform.VERL).files()
    row = pq.read_table(io.BytesIO(files["train.parquet"])).to_pylist()[2]
    assert row["reward_model"] == {"style": "rule", "ground_truth": "5"}
    assert row["prompt"] == [{"role": "user", "content": "2 + 3 ="}]
    assert json.loads(row["extra_info"]["item"])["reference_answer"] == "5"
    bare = to(Platform.VERL, sum_rows(5), held=0).files()
    assert bare["validation.parquet"]


def test_nemo_gym_names_its_server_in_its_configuration() -> None:
    files = to(Platform.NEMO_GYM).files()
    config = yaml.safe_load(files["resources_servers/dry_run/configs/dry_run.yaml"])
    agent = config["dry_run_simple_agent"]["responses_api_agents"]["simple_agent"]
    assert agent["resources_server"]["name"] in config
    assert agent["datasets"][0]["jsonl_fpath"] in files
    row = lines(files[agent["datasets"][0]["jsonl_fpath"]])[0]
    assert row["responses_create_params"]["input"] == [{"role": "user", "content": "0 + 1 ="}]


@pytest.mark.slow
def test_the_run_proposes_the_sizes() -> None:
    results = recorded_results()
    found = material_of_run(results, "GO", split_prompts(results))
    best = [size.size for size in outlook_of(results, TrainingPlan()).sizes]
    assert found.sizes.group in best
    assert len(found.train) + len(found.validation) == 300
    assert not {prompt.key for prompt in found.train} & {prompt.key for prompt in found.validation}
    given = found.sizes
    settings = {
        "num_generations": given.group,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": given.prompts * given.group // 4,
        "max_completion_length": given.limit,
    }
    found_wrong = check_trainer(settings, outlook_of(results, TrainingPlan()))
    assert not [one for one in found_wrong if one.severity is Severity.ERROR]


def script(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / name), "--check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def put(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "name", "arguments", "said"),
    [
        (Platform.OPENAI, "start_job.py", ["--n-epochs", "2"], '"n_epochs": 2'),
        (Platform.AZURE, "start_job.py", ["--suffix", "x"], '"suffix": "x"'),
        (Platform.BEDROCK, "start_job.py", ["--function", "arn:f"], '"extra_body": {'),
        (Platform.FIREWORKS, "start_job.py", [], "--response-candidates-count 8"),
        (Platform.TRL, "train.py", ["--cpu"], '"num_generations": 8'),
        (Platform.VERL, "train.py", [], "actor_rollout_ref.rollout.n=8"),
    ],
)
def test_the_check_of_a_script_shows_what_it_would_send(
    place: Platform, name: str, arguments: list[str], said: str, tmp_path: Path
) -> None:
    folder = put(to(place).files(), tmp_path)
    done = script(folder, name, "--model", "m", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("place", [Platform.TRL, Platform.VERL])
def test_the_check_grades_stored_responses_again(place: Platform, tmp_path: Path) -> None:
    """Equal rewards pass; a reward that another version of a package would pay does not."""
    plain = material()
    keys = [prompt.key for prompt in plain.train]
    stored = (GradedResponse(keys[0], "1", 1.0), GradedResponse(keys[2], "7", 0.0))
    folder = put(export_to(PLACES[place], replace(plain, graded=stored)).files(), tmp_path)
    done = script(folder, "train.py", "--model", "m")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 stored responses earn what they earned" in done.stdout
    lenient = (folder / "reward.py").read_text().replace('Operation("eq")', 'Operation("ne")')
    lenient += "# Longer, so that what Python compiled of the file in the same second is not used.\n"
    (folder / "reward.py").write_text(lenient)
    changed = script(folder, "train.py", "--model", "m")
    assert changed.returncode == 2
    assert "Row 3 of the training rows: 1.0 instead of 0.0 for '7'" in changed.stdout


def test_stored_responses_are_those_of_the_training_rows() -> None:
    results = recorded_results()
    found = material_of_run(results, "GO", split_prompts(results))
    assert len(found.graded) == 20
    assert {one.key for one in found.graded} <= {prompt.key for prompt in found.train}
    assert len({one.reward for one in found.graded}) > 3
    assert b'"row":' in export_to(PLACES[Platform.TRL], found).files()["graded.jsonl"]


def test_a_grader_that_gets_the_reasoning_too_is_warned_of() -> None:
    """The run graded what follows </think>; hosts that run the grader themselves give it the whole text."""
    cut = replace(material(), cut_reasoning=True)
    words = "graded what follows the reasoning"
    assert words in whats(export_to(PLACES[Platform.OPENAI], cut), Severity.WARNING)
    assert words not in whats(export_to(PLACES[Platform.TRL], cut), Severity.WARNING)
    mine = replace(cut, grader=load_grader(own(Platform.TRL)))
    assert words in whats(export_to(PLACES[Platform.TRL], mine), Severity.WARNING)


@pytest.mark.slow
def test_the_check_finds_rows_that_the_host_would_refuse(tmp_path: Path) -> None:
    folder = put(to(Platform.AZURE).files(), tmp_path)
    bad = {"messages": [{"role": "system", "content": "a"}], "reference_answer": "1"}
    (folder / "train.jsonl").write_text(json.dumps(bad) + "\n")
    (folder / "validation.jsonl").unlink()
    done = script(folder, "start_job.py", "--model", "m", "--suffix", "x" * 65)
    assert done.returncode == 2
    for said in ("knows no role system", "has to be the user's", "0 rows; azure takes 1", "64 characters"):
        assert said in done.stdout


@pytest.mark.parametrize("place", [Platform.TRL, Platform.VERL, Platform.TOGETHER, Platform.NEMO_GYM])
def test_parts_of_text_become_one_text_where_columns_have_one_type(place: Platform) -> None:
    rows = sum_rows(4)
    rows[1]["messages"][0]["content"] = [{"type": "text", "text": "1 + "}, {"type": "text", "text": "2 ="}]
    files = to(place, rows, held=1).files()
    if place is Platform.VERL:
        written = pq.read_table(io.BytesIO(files["train.parquet"])).to_pylist()
    else:
        written = lines(next(content for name, content in files.items() if name.endswith("train.jsonl")))
    row = written[1]
    prompt = row["responses_create_params"]["input"] if place is Platform.NEMO_GYM else row["prompt"]
    assert prompt == [{"role": "user", "content": "1 + 2 ="}]
