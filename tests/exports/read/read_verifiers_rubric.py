"""Runs where verifiers below 0.2 is installed: the environment of a function that was written for it."""

import asyncio
import json
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
sys.path.append(str(FOLDER))

from dry_run_taskset import load_environment  # noqa: E402


def main() -> None:
    environment = load_environment()
    rows = environment.get_dataset()
    right = 0
    for response in json.loads((FOLDER / "responses.json").read_text("utf-8")):
        row = rows[response["row"]]
        completion = [{"role": "assistant", "content": response["text"]}]
        timing = {"generation_ms": 0.0, "scoring_ms": 0.0, "total_ms": 0.0}
        state = {"prompt": row["prompt"], "completion": completion, "answer": row["answer"], "timing": timing}
        state |= {"task": "default", "info": {}, "trajectory": []}
        asyncio.run(environment.rubric.score_rollout(state))
        assert state["reward"] == float(response["text"] == row["answer"])
        right += int(state["reward"])
    assert right
    print(json.dumps({"said": f"{len(rows)} rows; {right} responses right", "rewards": None}))


main()
