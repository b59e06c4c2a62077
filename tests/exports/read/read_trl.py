"""Runs where TRL is installed: the script's check, then two steps of training."""

import json
import subprocess
import sys
from pathlib import Path

from tiny import put_model

FOLDER = Path(sys.argv[1])
sys.path.append(str(FOLDER))


def run(*arguments: str) -> str:
    command = [sys.executable, "train.py", "--cpu", "--model", str(FOLDER / "tiny"), *arguments]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
    return done.stdout


def main() -> None:
    checked = run("--check")
    assert "GRPOConfig takes it" in checked, checked
    put_model(FOLDER / "tiny")
    lines = (FOLDER / "validation.jsonl").read_text("utf-8").splitlines()[:2]
    (FOLDER / "validation.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run("--steps", "2", "--group", "4", "--prompts", "2", "--limit", "8")
    assert (FOLDER / "trained" / "model.safetensors").exists()
    from datasets import Dataset
    from train import reward

    rows = Dataset.from_json(str(FOLDER / "train.jsonl"))
    rewards = []
    for response in json.loads((FOLDER / "responses.json").read_text("utf-8")):
        row = rows[response["row"]]
        completion = [{"role": "assistant", "content": response["text"]}]
        columns = {name: [row[name]] for name in row if name != "prompt"}
        rewards += reward(prompts=[row["prompt"]], completions=[completion], **columns)
    said = f"{len(rows)} rows; 2 steps trained and the weights saved"
    print(json.dumps({"said": said, "rewards": rewards}))


main()
