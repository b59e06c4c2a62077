"""Which files of a folder hold a dataset's rows: as Hugging Face's ``save_to_disk`` writes it, or parts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from dryrun.core.errors import DatasetError, Problem
from dryrun.dataset.formats import ENDINGS, PACKED_ENDINGS

SPLITS, STATE = "dataset_dict.json", "state.json"
"""What ``DatasetDict.save_to_disk`` and ``Dataset.save_to_disk`` leave beside the rows."""
SHOWN = 20


def files_of(folder: Path) -> list[Path]:
    """The files with a folder's rows, in order; of several splits the one named ``train``.

    Raises
    ------
    DatasetError
        It is not clear which files are meant, or one is missing.
    """
    if (folder / SPLITS).is_file():
        splits = [str(name) for name in _read(folder / SPLITS, folder).get("splits") or ()]
        if len(splits) != 1 and "train" not in splits:
            raise _unclear(folder, "it has several splits.", splits)
        return files_of(folder / ("train" if "train" in splits else splits[0]))
    if (folder / STATE).is_file():
        state = _read(folder / STATE, folder)
        if state.get("_indices_data_files"):
            fix = "Save it again with a newer version of datasets, or as Parquet: dataset.to_parquet(path)."
            raise _refused(folder, "its rows are picked by a list of indices.", fix)
        return [folder / Path(entry["filename"]).name for entry in state.get("_data_files") or ()]
    files = sorted(path for path in folder.iterdir() if path.is_file() and _holds_rows(path.name))
    if len({re.sub(r"[-_.]?\d.*", "", path.name) + path.suffix for path in files}) != 1:
        raise _unclear(folder, "it is a folder.", [path.name for path in files])
    return files


def _holds_rows(name: str) -> bool:
    """Whether a file's name ends as one with rows does; those of tools begin with a dot or an underscore."""
    for packed in PACKED_ENDINGS:
        name = name.removesuffix(packed)
    return name.endswith((*ENDINGS,)) and not name.startswith((".", "_"))


def _read(path: Path, folder: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _refused(folder, f"{path.name} in it is not JSON.", "Save the dataset again.") from error
    return document


def _unclear(folder: Path, what: str, names: list[str]) -> DatasetError:
    listed = ", ".join(names[:SHOWN]) + ", ..." * (len(names) > SHOWN)
    fix = (
        f"Name one in it: {listed}."
        if names
        else f"Name one file; those that are read end in {', '.join(ENDINGS)}."
    )
    return _refused(folder, what, fix)


def _refused(folder: Path, what: str, fix: str) -> DatasetError:
    return DatasetError(f"{folder.name or folder} cannot be read.", [Problem("folder", what, fix)])
