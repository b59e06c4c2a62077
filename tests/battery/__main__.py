"""Run the battery: ``python -m tests.battery --site DIR``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.battery.case import Case, as_expected, checked, told
from tests.battery.cases import CASES
from tests.battery.packages import open_site


def outcome(case: Case) -> dict[str, Any]:
    """One line of the table."""
    begun = time.process_time()
    expected = " or ".join(sorted(case.words)) or "sound"
    line: dict[str, Any] = {"name": case.name, "package": case.package, "expected": expected}
    try:
        check = checked(case)
    except ImportError as error:
        return {**line, "absent": str(error)}
    seconds = round(time.process_time() - begun, 1)
    right = as_expected(case, check)
    return {**line, "profile": check.profile, "right": right, "seconds": seconds, "told": told(check)}


def shown(line: dict[str, Any]) -> str:
    """A line as text; what blocked only where it is wrong."""
    start = f"{line['name']:34} {line['expected']:26}"
    if "absent" in line:
        return f"{start} not run: {line['absent']}"
    text = f"{start} {line['profile']:12} {'right' if line['right'] else 'WRONG'} {line['seconds']} s"
    return text if line["right"] else "\n    ".join([text, *line["told"][:3]])


def main() -> int:
    """Print the table; 1 where a case is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.battery", description=__doc__)
    parser.add_argument(
        "--site", type=Path, required=True, help="folder that the packages were installed into"
    )
    parser.add_argument("--only", default="", help="run the cases whose name holds this text")
    parser.add_argument("--out", type=Path, help="keep the table as JSON here")
    asked = parser.parse_args()
    open_site(asked.site.resolve())
    lines = []
    for case in CASES:
        if asked.only in case.name:
            lines.append(outcome(case))
            print(shown(lines[-1]), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(lines, indent=1), encoding="utf-8")
    run = [line for line in lines if "right" in line]
    for sound in (True, False):
        some = [line["right"] for line in run if (line["expected"] == "sound") is sound]
        print(f"{'sound and passed' if sound else 'defects named'}: {sum(some)} of {len(some)}")
    return int(not all(line["right"] for line in run))


if __name__ == "__main__":
    sys.exit(main())
