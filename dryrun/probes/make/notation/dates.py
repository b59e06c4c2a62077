"""Days of the calendar as people write them: 2020-01-15, 15 January 2020, Jan. 15th, 2020, 15.1.2020."""

from __future__ import annotations

import contextlib
import re
from datetime import date

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"(?P<m>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_SHAPES = [
    re.compile(rf"(?<!\d){shape}(?!\d)", re.I)
    for shape in (
        r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
        rf"{_DAY}\.?\s+(?:of\s+)?{_MONTH},?\s+(?P<y>\d{{4}})",
        rf"{_MONTH}\s+{_DAY},?\s+(?P<y>\d{{4}})",
        r"(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>\d{4})",
    )
]


def dates_in(text: str) -> list[frozenset[date]]:
    """The days that a text names, in its order; both that 3/4/2020 can be."""
    seen = [(match.start(), _days(match)) for shape in _SHAPES for match in shape.finditer(text)]
    return [days for _, days in sorted(seen, key=lambda pair: pair[0]) if days]


def date_of(text: str) -> frozenset[date]:
    """The day that the whole text is; empty for any other text."""
    whole = (match for shape in _SHAPES if (match := shape.fullmatch(text.strip())))
    return next(map(_days, whole), frozenset())


def _days(match: re.Match[str]) -> frozenset[date]:
    year, month, day = int(match["y"]), match["m"].casefold(), int(match["d"])
    pairs = {(_MONTHS.index(month) + 1, day)} if month in _MONTHS else {(int(month), day)}
    if match.re is _SHAPES[-1]:
        pairs |= {(day, int(month))}
    days = set()
    for pair in pairs:
        with contextlib.suppress(ValueError):
            days.add(date(year, *pair))
    return frozenset(days)
