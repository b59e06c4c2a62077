"""What a dataset of a stranger may take of a shared server."""

from __future__ import annotations

from dataclasses import dataclass

from dryrun.core.errors import DatasetError, Problem
from dryrun.core.paths import hosted


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is read of one file.

    Attributes
    ----------
    columns : int
        Of a table, or keys of one row.
    cells : int
        Rows times columns.
    unpacked : int
        Bytes that the file unpacks to.
    batch : int
        Bytes of a table unpacked at one time.
    """

    columns: int = 500
    cells: int = 2_000_000
    unpacked: int = 256 * 2**20
    batch: int = 32 * 2**20

    def check(self, name: str, where: str, *, columns: int = 0, cells: int = 0, unpacked: int = 0) -> None:
        """Refuse what is larger.

        Parameters
        ----------
        name : str
            The file's name.
        where : str
            What is too large: ``"line 1"``.
        columns, cells, unpacked : int
            As the attributes.

        Raises
        ------
        DatasetError
            One of them is above its limit.
        """
        megabytes = unpacked / 2**20
        for found, most, words in (
            (columns, self.columns, f"{columns:,} columns, more than {self.columns:,}."),
            (cells, self.cells, f"{cells:,} cells, more than {self.cells:,}."),
            (unpacked, self.unpacked, f"{megabytes:,.0f} MiB unpacked, more than {self.unpacked >> 20} MiB."),
        ):
            if found > most:
                fix = "Leave out what the grader does not need, or run Dry Run on your own machine."
                raise DatasetError(f"{name} is too large for a shared server.", [Problem(where, words, fix)])


def limits() -> Limits | None:
    """What holds on this server; None where the file is the user's own."""
    return Limits() if hosted() else None
