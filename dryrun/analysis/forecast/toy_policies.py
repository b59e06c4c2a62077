"""How many small policies with such figures learned in real GRPO; the study is in docs/evidence.md."""

from __future__ import annotations

from collections.abc import Mapping

BANDS = (0.0, 0.1, 0.3, 0.5)
"""Lower ends of the bands of the Signal Index."""
FEWEST = 5
"""With fewer policies in a band there is no figure."""
COUNTS: Mapping[tuple[str, float], tuple[int, int]] = {
    ("GO", 0.1): (0, 1),
    ("GO", 0.3): (6, 11),
    ("GO", 0.5): (30, 41),
    ("NO-GO", 0.0): (0, 9),
    ("NO-GO", 0.1): (2, 4),
    ("NO-GO", 0.3): (1, 2),
    ("NO-GO", 0.5): (2, 2),
}
"""Verdict and band: policies that learned, and all; `tests/study` holds it against the stored results."""


def policies_within(low: float, high: float, verdict: str = "") -> tuple[int, int]:
    """Policies that learned, and all, in the bands from one index up to another; of one verdict if named."""
    pairs = [
        pair for (judged, band), pair in COUNTS.items() if low <= band < high and verdict in ("", judged)
    ]
    return sum(learned for learned, _ in pairs), sum(count for _, count in pairs)


def index_words() -> str:
    """How often policies learned, by the Signal Index alone: a sentence."""
    below, between, above = (policies_within(*band) for band in ((0.0, 0.1), (0.1, 0.5), (0.5, 1.0)))
    return (
        f"Of small policies trained by real GRPO {below[0]} of {below[1]} learned below 0.10, "
        f"{between[0]} of {between[1]} from there to 0.50, {above[0]} of {above[1]} above."
    )


def band_of(signal: float) -> float:
    """The lower end of the band that a Signal Index from 0 to 1 is in."""
    return max(low for low in BANDS if low <= max(signal, 0.0))


def toy_words(verdict: str, signal: float | None) -> str:
    """One sentence on the policies with this verdict and such a Signal Index; `""` where there were too few.

    Parameters
    ----------
    verdict : str
        ``"GO"`` or ``"NO-GO"``.
    signal : float or None
        The Signal Index.
    """
    if signal is None:
        return ""
    learned, count = COUNTS.get((verdict, band_of(signal)), (0, 0))
    if count < FEWEST:
        return ""
    return f"Of {count} small toy policies with such figures, {learned} learned."
