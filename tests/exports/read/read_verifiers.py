"""Runs where verifiers is installed: the taskset by its name, its tasks, its reward."""

import asyncio
import json
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
sys.path.append(str(FOLDER))

import verifiers.v1 as vf  # noqa: E402
from verifiers.v1.graph import MessageNode  # noqa: E402
from verifiers.v1.trace import AgentInfo, TraceTask  # noqa: E402
from verifiers.v1.types import AssistantMessage  # noqa: E402


def trace_of(task: vf.Task, text: str) -> vf.Trace:
    kept = TraceTask(type=type(task).__name__, data=task.data)
    trace = vf.Trace(task=kept, agent=AgentInfo(config=vf.AgentConfig()), state=vf.State())
    trace.nodes = [MessageNode(message=message) for message in task.data.prompt]
    trace.nodes.append(MessageNode(message=AssistantMessage(content=text), sampled=True))
    return trace


def main() -> None:
    from dry_run_taskset import DryRunConfig

    taskset = vf.load_taskset(DryRunConfig(id="dry-run-taskset"))
    tasks = list(taskset)
    rewards = []
    for response in json.loads((FOLDER / "responses.json").read_text("utf-8")):
        task = tasks[response["row"]]
        trace = trace_of(task, response["text"])
        asyncio.run(task.score(trace))
        rewards.append(trace.reward)
        assert set(trace.metrics) == {"exact", "close"}
    print(json.dumps({"said": f"{len(tasks)} tasks", "rewards": rewards}))


main()
