"""What stands between the tables of docs/evidence.md: the design, and what was read off by hand."""

from __future__ import annotations

DESIGN = "TODO {count}\n"
READ_OFF = dict.fromkeys(("auc", "goal", "cells", "fell", "calibration", "rules", "unscaled", "every"), "")
RULES: tuple[str, ...] = ()
CLOSING = ""
