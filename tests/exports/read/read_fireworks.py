"""Runs where eval-protocol is installed: its rows and its decorator."""

import asyncio
import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from eval_protocol.models import EvaluationRow, Message
from eval_protocol.pytest.default_dataset_adapter import default_dataset_adapter

FOLDER = Path(sys.argv[1])


def evaluator() -> object:
    spec = importlib.util.spec_from_file_location("test_reward", FOLDER / "test_reward.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.test_reward


def job() -> None:
    """The command that would be run is one that its command line takes, and it finds the rows itself."""
    from eval_protocol.cli import parse_args
    from eval_protocol.cli_commands import create_rft

    os.environ["FIREWORKS_API_KEY"] = "k"
    command = [sys.executable, "start_job.py", "--check", "--model", "accounts/fireworks/models/m"]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("eval-protocol"))
    asked, unknown = parse_args(shlex.split(line)[1:])
    assert not unknown, unknown
    assert asked.create_command == "rft"
    found = create_rft._extract_jsonl_from_input_dataset(str(FOLDER / "test_reward.py"), "test_reward")
    assert found == str((FOLDER / "train.jsonl").resolve()), found
    assert create_rft._validate_dataset_jsonl(found)


def main() -> None:
    job()
    rows = default_dataset_adapter(
        [json.loads(line) for line in (FOLDER / "train.jsonl").open(encoding="utf-8")]
    )
    assert all(isinstance(row, EvaluationRow) and row.ground_truth for row in rows)
    function = evaluator()
    original = function._origin_func
    rewards = []
    for response in json.loads((FOLDER / "responses.json").read_text("utf-8")):
        row = rows[response["row"]].model_copy(deep=True)
        row.messages.append(Message(role="assistant", content=response["text"]))
        told = original(row)
        told = asyncio.run(told) if asyncio.iscoroutine(told) else told
        assert set(told.evaluation_result.metrics) == {"exact", "close"}
        rewards.append(told.evaluation_result.score)
    mode = function.__ep_params__.mode
    print(json.dumps({"said": f"{len(rows)} rows; an evaluator of mode {mode}", "rewards": rewards}))


main()
