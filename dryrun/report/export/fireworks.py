"""Fireworks: an eval-protocol evaluator and rows with ``ground_truth``."""

from __future__ import annotations

from dryrun.core.records import Item
from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import raw_reference, row_files
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, filled, is_own, reward_files
from dryrun.report.training import Row

COMMANDS = """
pip install eval-protocol -r requirements.txt
export FIREWORKS_API_KEY=...
ep local-test                                 # grades a few rows here
python start_job.py --model MODEL --check     # shows the command, sends nothing
python start_job.py --model MODEL             # uploads evaluator and rows, creates the job, costs money
"""


def _row(item: Item) -> Row:
    """What a generated evaluator reads: the whole row as its ground truth."""
    tools = {"tools": item["tools"]} if item.get("tools") else {}
    return {"messages": item["messages"], **tools, "ground_truth": dict(item)}


def _own_row(item: Item) -> Row:
    return {**item, "ground_truth": raw_reference(item)}


def _files(material: Material) -> Named:
    yield from row_files(material, _own_row if is_own(material, Platform.FIREWORKS) else _row)
    for name, content in reward_files(material, Platform.FIREWORKS):
        yield ("test_reward.py" if name == "reward.py" else name), content
    sizes = material.sizes
    yield "start_job.py", filled("start_fireworks.py", group=sizes.group, limit=sizes.limit)


FIREWORKS = Place(
    Platform.FIREWORKS,
    "Fireworks",
    _files,
    COMMANDS,
    (
        "The evaluator is test_reward.py: eval-protocol looks for a function with @evaluation_test, whose "
        "input_dataset becomes the job's rows. A function of another decorator needs one around it.",
    ),
    takes=("group", "limit"),
)
