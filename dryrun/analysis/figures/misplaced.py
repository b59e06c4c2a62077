"""Do the references belong to their prompts? Responses that are right for another row deny it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dryrun.analysis.figures.redraw import wilson

Z = 2.58
"""Standard errors by which responses must fit other rows more often than chance (99 %, two-sided)."""
LEAST_PROMPTS, LEAST_DISTINCT = 8, 20
"""Prompts whose responses fit another row, and different references, without which nothing is said."""
TIMES_CHANCE, AGREEING = 2.0, 0.8


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Prompts whose responses are right by another row's reference answer.

    Attributes
    ----------
    prompts : int
        Prompts that could be read: with a reference of their own and a response that gives an answer.
    own : int
        Those with a response that is right by their own reference.
    elsewhere : int
        Those with none, and with one that is right by another row's reference. References that stand in
        the prompt do not count.
    claimed : int
        Different references among those.
    distinct : int
        Different references of all rows.
    chance : float
        How often an answer to another prompt of this kind would be one of the references by chance.
    numeric : bool
        Whether most references are numbers. Names may come from a closed list.
    agreeing : float
        Share of these responses that give the answer of the same other row as most to their prompt. Where
        it is small each response belongs elsewhere, not the reference.
    pairs : tuple of (int, int)
        Dataset rows (from 1): the prompt's, and the one whose reference its response gives.
    """

    prompts: int
    own: int
    elsewhere: int
    claimed: int
    distinct: int
    chance: float
    numeric: bool
    agreeing: float = 1.0
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def share(self) -> float:
        """Share of the prompts whose responses fit another row."""
        return self.elsewhere / self.prompts if self.prompts else 0.0

    @property
    def surely(self) -> bool:
        """Whether responses fit other rows far more often than chance.

        Wrong guesses from a closed list hit other rows' references too, but they hit some of them
        several times (the occupancy problem); answers to rows that changed places hit each of them once.
        """
        if self.elsewhere < LEAST_PROMPTS or self.distinct < LEAST_DISTINCT or self.agreeing < AGREEING:
            return False
        low, _ = wilson(self.share, self.prompts, Z)
        return low > TIMES_CHANCE * self.chance and (self.numeric or self._one_to_one)

    @property
    def _one_to_one(self) -> bool:
        """Whether more different references are hit than guesses among them would hit."""
        names, guesses = self.distinct, self.elsewhere
        missed, both = (1 - 1 / names) ** guesses, (1 - 2 / names) ** guesses
        spread = math.sqrt(max(names * missed + names * (names - 1) * both - (names * missed) ** 2, 0.0))
        return self.claimed > names * (1 - missed) + Z * spread

    @property
    def mostly(self) -> bool:
        """Whether they fit other rows surely, and more often than their own."""
        return self.surely and self.elsewhere > self.own

    @property
    def step(self) -> int | None:
        """By how many rows the references are displaced, where that is nearly always the same."""
        steps = [other - row for row, other in self.pairs]
        if not steps:
            return None
        usual = max(set(steps), key=steps.count)
        return usual if steps.count(usual) >= 0.8 * len(steps) and len(steps) >= LEAST_PROMPTS else None
