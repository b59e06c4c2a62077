"""Runs where verifiers is installed: its own reading of NeMo Gym rows, and of a response in Gym's form."""

import json
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
SERVER = FOLDER / "resources_servers" / "dry_run"
sys.path.append(str(SERVER))

import verifiers.v1 as vf  # noqa: E402
from openai.types.responses import ResponseOutputMessage  # noqa: E402
from verifiers.v1.tasksets.nemo_gym.taskset import NeMoGymConfig, NeMoGymTaskset  # noqa: E402


def output_of(text: str) -> list:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return [ResponseOutputMessage.model_validate(message).model_dump()]


def main() -> None:
    from reward import reward_of_output

    tasks = list(NeMoGymTaskset(NeMoGymConfig(id="nemo-gym", dataset=SERVER / "data" / "train.jsonl")))
    assert all(isinstance(task, vf.Task) and task.data.prompt for task in tasks)
    rewards = [
        reward_of_output(output_of(response["text"]), tasks[response["row"]].data.row["item"])
        for response in json.loads((FOLDER / "responses.json").read_text("utf-8"))
    ]
    print(json.dumps({"said": f"{len(tasks)} rows", "rewards": rewards}))


main()
