"""Run as a process of its own: grade with generated files, called as their place calls them.

``python as_host.py PLACE FILE...`` reads a JSON list of [text, row] and writes each file's rewards as JSON.
"""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def loaded(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("generated", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trl(module: Any, text: str, item: Any) -> float:
    completion = [{"role": "assistant", "content": text}]
    said = module.reward(prompts=[item["messages"]], completions=[completion], item=[json.dumps(item)])
    return float(said[0])


def verl(module: Any, text: str, item: Any) -> float:
    extra = {"item": json.dumps(item), "num_turns": None}
    return float(module.compute_score("dry_run", text, "", extra)["score"])


def bedrock(module: Any, text: str, item: Any) -> float:
    row = {name: value for name, value in item.items() if name != "messages"}
    messages = [*item["messages"], {"role": "assistant", "content": text}]
    said = module.lambda_handler([{"id": "1", "messages": messages, "metadata": row}], None)
    return float(said[0]["aggregate_reward_score"])


def together(module: Any, text: str, item: Any) -> float:
    return float(module.reward(text, json.dumps(item)))


def verifiers(module: Any, text: str, item: Any) -> float:
    return float(module.reward_of(text, item)[0])


def nemo_gym(module: Any, text: str, item: Any) -> float:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
    return float(module.reward_of_output(output, item))


def fireworks(module: Any, text: str, item: Any) -> float:
    models = sys.modules["eval_protocol.models"]
    messages = [*item["messages"], {"role": "assistant", "content": text}]
    typed = [models.Message.model_validate(message) for message in messages]
    row = models.EvaluationRow(messages=typed, ground_truth=item)
    function = getattr(module.test_reward, "_origin_func", module.test_reward)
    said = function(row)
    said = asyncio.run(said) if asyncio.iscoroutine(said) else said
    return float(said.evaluation_result.score)


CALLS = {
    "trl": trl,
    "verl": verl,
    "bedrock": bedrock,
    "together": together,
    "verifiers": verifiers,
    "nemo_gym": nemo_gym,
    "fireworks": fireworks,
}


def main() -> None:
    place, *paths = sys.argv[1:]
    if place == "fireworks" and importlib.util.find_spec("eval_protocol") is None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
        from dryrun.graders.inside.eval_protocol import stand_in

        stand_in()
    pairs, modules = json.loads(sys.stdin.read()), map(loaded, paths)
    print(json.dumps([[CALLS[place](module, text, item) for text, item in pairs] for module in modules]))


if __name__ == "__main__":
    main()
