"""Runs where verl is installed: its dataset, its loader of reward functions, its configuration."""

import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])


def settings() -> list:
    done = subprocess.run(
        [sys.executable, "train.py", "--check", "--model", "m"], cwd=FOLDER, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    import shlex

    command = next(line for line in done.stdout.splitlines() if "verl.trainer.main_ppo" in line)
    return shlex.split(command)[3:]


def composed() -> str:
    """The trainer's whole configuration with the script's settings, where Hydra is there."""
    import verl
    from hydra import compose, initialize_config_dir

    folder = Path(verl.__file__).parent / "trainer" / "config"
    with initialize_config_dir(str(folder), version_base=None):
        config = compose("ppo_trainer", overrides=settings())
    assert config.reward.custom_reward_function.name == "compute_score"
    return f"rollout.n {config.actor_rollout_ref.rollout.n}, response {config.data.max_response_length}"


def main() -> None:
    from omegaconf import OmegaConf
    from tiny import tokenizer
    from verl.utils.dataset.rl_dataset import RLHFDataset
    from verl.utils.import_utils import load_extern_object

    config = {
        "max_prompt_length": 8192,
        "filter_overlong_prompts_workers": 1,
        "cache_dir": str(FOLDER / "cache"),
    }
    rows = RLHFDataset([str(FOLDER / "train.parquet")], tokenizer(), OmegaConf.create(config))
    score = load_extern_object(str(FOLDER / "reward.py"), "compute_score")
    rewards = []
    for response in json.loads((FOLDER / "responses.json").read_text("utf-8")):
        row = rows[response["row"]]
        assert row["raw_prompt"]
        truth = row["reward_model"]["ground_truth"]
        told = score(
            data_source=row["data_source"],
            solution_str=response["text"],
            ground_truth=truth,
            extra_info=row["extra_info"],
        )
        rewards.append(told["score"])
    print(json.dumps({"said": f"{len(rows)} rows; {composed()}", "rewards": rewards}))


main()
