"""Responses without a score, whatever the grader says: withheld by a filter, or to a prompt that was cut.

A server whose context is too small for a prompt may silently drop what does not fit and answer the rest with
status 200. Its count of prompt tokens gives it away: prompts of different lengths count the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_TOKENS = 256
"""Shorter prompts are not looked at: few tokens are the same number by chance."""
ALIKE = 0.98
"""Counts from this share of the largest on are the same."""
LEAST_PROMPTS = 3
DIFFERENT = 1.1
"""Where the longest of them is this many times as long as the shortest, their bytes per token need only be
`FAR` from those of other prompts, else `VERY_FAR`."""
USUAL_BYTES = 4.5
"""Bytes of a token of English; for runs in which every prompt is cut."""
FAR, VERY_FAR = 1.25, 2.5
"""A cut prompt has more than this many times the bytes per counted token of the others."""


def text_bytes(messages: Iterable[Mapping[str, Any]]) -> int:
    """Bytes of text in messages: pictures and sound, which cost tokens of another kind, are left out."""
    size = 0
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts = (part.get("text") for part in parts if isinstance(part, dict))
        size += sum(len(text.encode("utf-8", "replace")) for text in texts if isinstance(text, str))
    return size


def largest_count(tokens: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rollouts whose prompt counts about the largest number of tokens; none where that is small.

    Parameters
    ----------
    tokens : float64 array of shape (n_rollouts,)
        Prompt tokens as the server counted them; NaN where it did not.
    """
    known = tokens[np.isfinite(tokens)]
    if not known.size or known.max() < LEAST_TOKENS:
        return np.zeros(tokens.shape, bool)
    largest: NDArray[np.bool_] = np.nan_to_num(tokens) >= ALIKE * known.max()
    return largest


def cut_prompts(
    tokens: Sequence[float] | NDArray[np.float64],
    sizes: Sequence[float] | NDArray[np.float64],
    others: float | None = None,
) -> NDArray[np.bool_]:
    """Which prompts the server has cut, of those that count about the largest number of tokens.

    Parameters
    ----------
    tokens, sizes : arrays of shape (n_prompts,)
        Tokens as the server counted them, and bytes of text.
    others : float, optional
        Bytes per token of the run's shorter prompts.
    """
    count, size = np.asarray(tokens, float), np.asarray(sizes, float)
    per_token = size / np.maximum(count, 1.0)
    usual = others or USUAL_BYTES
    far: NDArray[np.bool_] = per_token > FAR * usual
    if np.unique(size[far]).size >= LEAST_PROMPTS and size[far].max() < DIFFERENT * size[far].min():
        far = per_token > VERY_FAR * usual
    if np.unique(size[far]).size < LEAST_PROMPTS:
        far = np.zeros(count.shape, bool)
    return far
