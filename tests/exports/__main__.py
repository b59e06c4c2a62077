"""Run the readers: ``python -m tests.exports --site DIR``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.exports.readers import READERS, agrees, read_by


def main() -> int:
    """Print the table of format, reader and result; 1 where one fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.exports", description=__doc__)
    parser.add_argument("--site", type=Path, required=True, help="folder of the environments")
    parser.add_argument("--only", default="", help="run the readers of places whose name holds this text")
    asked = parser.parse_args()
    wrong = 0
    for reader in READERS:
        if asked.only not in reader.place:
            continue
        python = asked.site.absolute() / reader.environment / "bin" / "python"
        if not python.exists():
            print(f"{reader.place:10} not run: no environment {reader.environment}", flush=True)
            continue
        with TemporaryDirectory() as folder:
            found = read_by(reader, python, Path(folder))
        right = found.read and agrees(reader, found)
        wrong += not right
        print(f"{reader.place:10} {'right' if right else 'WRONG'}  {reader.what}: {found.said}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
