"""What an address on the Hugging Face Hub names, and which files of a dataset are which split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.text import cut
from dryrun.dataset.formats import ENDINGS

SCHEME = "hf://datasets/"
HOW = "Write hf://datasets/OWNER/NAME, then @REVISION and :SPLIT or :CONFIG/SPLIT if you like."

_ADDRESS = re.compile(
    r"hf://datasets/(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^:\s]+))?(?::(?P<split>[\w./-]+))?"
)
_ENDING = r"(?:-[^/]*)?\.(?:parquet|pq|jsonl|ndjson|json|csv|tsv)"
_NAMED = re.compile(rf"(?:data/)?(?P<split>[^/]+?){_ENDING}")
_FOLDER = re.compile(r"(?:(?P<config>[^/]+)/)?(?P<split>[^/]+)/[^/]+\.parquet")

Splits = Mapping[str, Sequence[str]]
"""Files of each split, by ``SPLIT`` or ``CONFIG/SPLIT``."""


@dataclass(frozen=True, slots=True)
class HubAddress:
    """What an address names.

    Attributes
    ----------
    repo : str
        ``OWNER/NAME``.
    revision, split : str or None
        None: the main branch, and the only split or ``train``.
    """

    repo: str
    revision: str | None = None
    split: str | None = None


def address_of(text: str) -> HubAddress:
    """The parts of ``hf://datasets/OWNER/NAME[@REVISION][:SPLIT]``.

    Raises
    ------
    DatasetError
        It is not written like that.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise refused(text, "address", "this does not name a dataset.", HOW)
    return HubAddress(match["repo"], match["revision"], match["split"])


def refused(text: str, where: str, what: str, fix: str) -> DatasetError:
    """The error of an address that cannot be read."""
    return DatasetError(f"{cut(text, 200)} cannot be read.", [Problem(where, what, fix)])


def splits_by_card(configs: object, files: Sequence[str]) -> dict[str, list[str]]:
    """The splits that a dataset card's ``configs`` name, ``CONFIG/SPLIT`` where there are several."""
    known = [entry for entry in configs if isinstance(entry, dict)] if isinstance(configs, list) else []
    splits: dict[str, list[str]] = {}
    for config in known:
        name = str(config.get("config_name") or "default")
        for split, patterns in _data_files(config.get("data_files")):
            matched = [file for file in files if any(_matches(file, pattern) for pattern in patterns)]
            if matched:
                splits[split if len(known) == 1 else f"{name}/{split}"] = matched
                if len(known) > 1 and (config.get("default") is True or name == "default"):
                    splits.setdefault(split, matched)
    return splits


def _data_files(entries: object) -> Iterator[tuple[str, list[str]]]:
    """Splits and their patterns: ``"a.jsonl"``, a list of these, or a list of ``{split, path}``."""
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, str):
            yield "train", [entry]
        elif isinstance(entry, dict):
            path = entry.get("path")
            patterns = path if isinstance(path, list) else [path]
            yield str(entry.get("split") or "train"), [str(pattern) for pattern in patterns]


def _matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern, in which ``*`` stays within a folder and ``**`` does not."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.fullmatch("".join(wild.get(part, re.escape(part)) for part in parts), path) is not None


def splits_by_names(files: Sequence[str]) -> dict[str, list[str]]:
    """The splits that files are named after: ``data/train-00000-of-00002.parquet``, ``test.jsonl``."""
    splits: dict[str, list[str]] = {}
    for file in files:
        match = _NAMED.fullmatch(file)
        if match is not None and file.startswith("data/"):
            splits.setdefault(match["split"], []).append(file)
    for file in files:
        match = _NAMED.fullmatch(file)
        if match is not None and not file.startswith("data/"):
            splits.setdefault(match["split"], [file])
    return splits


def splits_by_folders(files: Sequence[str]) -> dict[str, list[str]]:
    """The splits of a Parquet copy: ``CONFIG/SPLIT/0000.parquet``."""
    splits: dict[str, list[str]] = {}
    for file in files:
        if (match := _FOLDER.fullmatch(file)) is not None:
            splits.setdefault(f"{match['config']}/{match['split']}", []).append(file)
    configs = {key.partition("/")[0] for key in splits}
    only = {key.partition("/")[2]: kept for key, kept in splits.items()} if len(configs) == 1 else {}
    return {**splits, **only}


def fits(splits: Splits, wanted: str | None) -> bool:
    """Whether it is clear what split is meant."""
    if wanted is not None:
        return wanted in splits
    return "train" in splits or len(splits) == 1


def chosen_split(splits: Splits, wanted: str | None, text: str) -> str:
    """The split that is wanted; without a wish the only one, else ``train``.

    Raises
    ------
    DatasetError
        There is none; those that are there are named.
    """
    if fits(splits, wanted):
        return wanted or ("train" if "train" in splits else next(iter(splits)))
    listed = ", ".join(list(splits)[:20])
    if not splits:
        endings = ", ".join(ENDINGS)
        raise refused(
            text, "split", "none of its files looks like one.", f"Files that are read end in {endings}."
        )
    what = "it has several splits." if wanted is None else f"there is no split {wanted!r}."
    raise refused(text, "split", what, f"Name one of these behind a colon: {listed}.")
