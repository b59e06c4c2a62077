"""Graders to begin with; they stand in ``presets.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_TEXT = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
PRESETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    name: (preset["about"], preset["grader"]) for name, preset in yaml.safe_load(_TEXT).items()
}
"""Name -> one sentence, and the grader in OpenAI's JSON."""
