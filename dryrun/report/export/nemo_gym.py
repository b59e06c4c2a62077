"""NeMo Gym: a resources server whose ``verify`` grades, and rows with ``responses_create_params``."""

from __future__ import annotations

from dryrun.core.records import Item
from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.jsonl_rows import plain_messages, row_files
from dryrun.report.export.material import Material
from dryrun.report.export.place import Named, Place, reward_files, template
from dryrun.report.training import Row

COMMANDS = """
cp -r resources_servers/dry_run PATH_TO_GYM/resources_servers/
cd PATH_TO_GYM
ng_prepare_data "+config_paths=[resources_servers/dry_run/configs/dry_run.yaml]" +mode=train_preparation \\
    +output_dirpath=data/dry_run
ng_run "+config_paths=[resources_servers/dry_run/configs/dry_run.yaml,MODEL_CONFIG]"
"""
FOLDER = "resources_servers/dry_run/"
GYM_ITSELF = b"-e nemo-gym @ ../../\n"
"""In the requirements of each of its servers."""


def _row(item: Item) -> Row:
    return {"responses_create_params": {"input": plain_messages(item)}, "item": dict(item)}


def _files(material: Material) -> Named:
    yield from row_files(material, _row, f"{FOLDER}data/")
    for name, content in reward_files(material, Platform.NEMO_GYM, FOLDER):
        yield name, content + (GYM_ITSELF if name.endswith("requirements.txt") else b"")
    yield f"{FOLDER}app.py", template("nemo_gym_app.py").template.encode()
    yield f"{FOLDER}configs/dry_run.yaml", template("nemo_gym.yaml").template.encode()


NEMO_GYM = Place(
    Platform.NEMO_GYM,
    "NeMo Gym",
    _files,
    COMMANDS,
    ("Names of commands and of configuration fields are those of NeMo Gym 0.2 to 0.7; it is not on PyPI.",),
)
