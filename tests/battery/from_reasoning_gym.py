"""reasoning-gym's datasets: their own rows, system prompt, `extract_answer` and `score_answer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.battery.case import EMPTY, LENIENT, Case, Grade, Rows
from tests.battery.packages import public

SIZE, SEED = 40, 3


def puzzles(dataset: str) -> Callable[[], tuple[Grade, Rows]]:
    """Rows that demand <answer>, and the dataset's own verifier on what stands in it."""

    def make() -> tuple[Grade, Rows]:
        data = public("reasoning_gym", "create_dataset")(dataset, size=SIZE, seed=SEED)
        extract = public("reasoning_gym.utils", "extract_answer")
        system = public("reasoning_gym.utils", "SYSTEM_PROMPTS")["default"]
        entries = list(data)

        def grade(sample: Any, item: Any) -> float:
            return float(data.score_answer(extract(sample["output_text"]), entries[item["place"]]))

        return grade, [_row(system, entry, place) for place, entry in enumerate(entries)]

    return make


def _row(system: str, entry: dict[str, Any], place: int) -> dict[str, Any]:
    turns = [{"role": "system", "content": system}, {"role": "user", "content": entry["question"]}]
    answer = None if entry["answer"] is None else str(entry["answer"])
    return {"messages": turns, "reference_answer": answer, "place": place, "metadata": str(entry["metadata"])}


def gym(dataset: str, call: str = "verifier", words: frozenset[str] = frozenset()) -> Case:
    """A case of this package."""
    return Case(f"reasoning-gym {dataset}", "reasoning-gym", call, puzzles(dataset), words)


SOUND = (
    "complex_arithmetic polynomial_equations simple_equations base_conversion binary_matrix caesar_cipher "
    "count_primes cryptarithm group_anagrams isomorphic_strings jugs letter_counting manipulate_matrix "
    "number_filtering number_sorting palindrome_generation ransom_note rotate_matrix sentence_reordering "
    "spiral_matrix string_insertion word_ladder word_sorting basic_arithmetic calendar_arithmetic chain_sum "
    "decimal_arithmetic dice gcd lcm products figlet_font number_sequence color_cube_rotation "
    "rectangle_count countdown mini_sudoku n_queens sokoban maze tower_of_hanoi course_schedule "
    "shortest_path list_functions knights_knaves syllogism zebra_puzzles"
)
REASONING_GYM = (
    *(gym(name) for name in SOUND.split()),
    gym("gsm_symbolic", "the sign is dropped", LENIENT),
    gym("coin_flip", "half the digits are enough, and small chances are all alike", LENIENT),
    gym("game_of_life_halting", "any text is true", EMPTY),
    gym("puzzle24", "any row's answer is right: the numbers are not compared", LENIENT | {"no signal"}),
    gym("prime_factorization", "words where numbers are expected raise an error", frozenset({"fails"})),
    gym("spell_backward", "letters after the right ones cost nothing", LENIENT),
    gym("rubiks_cube", "the rows have no answers, so nothing is known", frozenset({"unknown"})),
)
