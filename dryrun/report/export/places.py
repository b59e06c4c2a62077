"""All places to train, by name."""

from __future__ import annotations

from collections.abc import Mapping

from dryrun.graders.checks.platforms import Platform
from dryrun.report.export.bedrock import BEDROCK
from dryrun.report.export.fireworks import FIREWORKS
from dryrun.report.export.nemo_gym import NEMO_GYM
from dryrun.report.export.openai import AZURE, OPENAI
from dryrun.report.export.place import Place, described
from dryrun.report.export.together import TOGETHER
from dryrun.report.export.trl import TRL
from dryrun.report.export.verifiers import VERIFIERS
from dryrun.report.export.verl import VERL

ALL = (AZURE, OPENAI, BEDROCK, FIREWORKS, TOGETHER, TRL, VERL, VERIFIERS, NEMO_GYM)
PLACES: Mapping[Platform, Place] = {place.platform: place for place in ALL}


def file_tree(files: Mapping[str, bytes]) -> str:
    """The files with their sizes and what they are, a line each."""
    longest = max(map(len, files))
    return "\n".join(
        f"{name:{longest}}  {len(content):>11,} bytes  {described(name)}" for name, content in files.items()
    )
