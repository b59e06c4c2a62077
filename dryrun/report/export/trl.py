"""TRL: a reward function called by column, rows with ``prompt``, and a script around GRPOTrainer."""

from __future__ import annotations

from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import prompt_and_columns, prompt_and_item, row_files
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, filled, function_of, graded_file, is_own, reward_files

COMMANDS = """
pip install trl -r requirements.txt
python train.py --model MODEL --check     # grades stored responses again, builds the configuration
accelerate launch train.py --model MODEL
"""


def _files(material: Material) -> Named:
    own, sizes = is_own(material, Platform.TRL), material.sizes
    yield from row_files(material, prompt_and_columns if own else prompt_and_item)
    yield from graded_file(material)
    yield from reward_files(material, Platform.TRL)
    yield (
        "train.py",
        filled(
            "train_trl.py",
            function=function_of(material, "reward"),
            group=sizes.group,
            limit=sizes.limit,
            prompts=sizes.prompts,
        ),
    )


TRL = Place(
    Platform.TRL,
    "TRL, on your own GPUs",
    _files,
    COMMANDS,
    (
        "TRL 1.16 has no limit for prompts: rows that do not fit the model's context fail.",
        "The reward function runs in the training process, without the sandbox that Dry Run has for it.",
    ),
    takes=("group", "limit"),
)
