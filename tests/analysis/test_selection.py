from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dryrun.analysis.selection import TITLES, WHY, Filters, Show, Sort, choose, review_groups, without_score
from tests.helpers.observed import beta_scores, observe, shuffled


def test_the_documents_four_groups_and_reasons() -> None:
    assert [(TITLES[show], WHY[show]) for show in review_groups(observe(np.arange(21) / 20))] == [
        ("5 highest", "Are they actually good? (detect reward hacking)"),
        ("5 lowest", "Are they actually bad? (detect over-strict grader)"),
        ("5 around mean", "Typical performance"),
        ("Edge cases (0.5)", "Grader boundary behavior"),
    ]


def test_each_group_holds_the_scores_it_names() -> None:
    scores = np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.35, 0.4, 0.0, 0.5, 0.55, 0.05, 0.15])  # mean 0.358
    found = review_groups(observe(scores))
    assert [scores[row] for row in found[Show.HIGHEST]] == [0.9, 0.8, 0.55, 0.5, 0.4]
    assert [scores[row] for row in found[Show.LOWEST]] == [0.0, 0.05, 0.1, 0.15, 0.2]
    assert [scores[row] for row in found[Show.AROUND_MEAN]] == [0.35, 0.4, 0.3, 0.5, 0.2]
    assert [scores[row] for row in found[Show.EDGE_CASES]] == [0.5, 0.55, 0.4, 0.35, 0.3]


def test_ties_are_spread_over_prompts() -> None:
    observations = observe([1.0] * 40 + [0.0] * 40, rollouts=8)
    found = review_groups(observations)
    assert [observations.prompt[row] for row in found[Show.HIGHEST]] == [0, 1, 2, 3, 4]
    assert [observations.prompt[row] for row in found[Show.LOWEST]] == [5, 6, 7, 8, 9]


def test_among_ties_a_prompt_not_yet_shown_comes_first() -> None:
    # Prompt 0 already has the highest score; of the many 0.9 it should give the last.
    scores = [1.0, 0.9, 0.9, 0.9, 0.9, 0.1, 0.9, 0.1]
    observations = observe(scores, rollouts=2)
    assert [observations.prompt[row] for row in review_groups(observations)[Show.HIGHEST]] == [0, 1, 2, 3, 0]


def test_a_better_score_beats_spreading() -> None:
    observations = observe([1.0, 0.99, 0.98, 0.97, 0.96, 0.1, 0.2], prompts=[0, 0, 0, 0, 0, 1, 2])
    assert review_groups(observations)[Show.HIGHEST] == (0, 1, 2, 3, 4)


def test_the_order_of_the_rows_does_not_choose_other_prompts() -> None:
    observations = observe(np.round(beta_scores(0.5, 0.3, 200), 1), rollouts=4)
    chosen = [
        [(seen.prompt[row], seen.score[row]) for rows in review_groups(seen).values() for row in rows]
        for seen in (observations, shuffled(observations, 1), shuffled(observations, 2))
    ]
    assert chosen[0] == chosen[1] == chosen[2]


@pytest.mark.parametrize("scores", [[], [np.nan, np.nan], [85.0]])
def test_no_score_gives_empty_groups(scores: list[float]) -> None:
    assert set(review_groups(observe(scores)).values()) == {()}


def test_missing_scores_are_never_chosen() -> None:
    found = review_groups(observe([np.nan, 0.5, 85.0, 0.1]))
    assert found[Show.HIGHEST] == (1, 3)
    assert found[Show.LOWEST] == (3, 1)
    assert without_score(observe([np.nan, 0.5, 85.0, 0.1])).tolist() == [0, 2]


def test_all_samples_sort_by_score_length_or_as_they_were_drawn() -> None:
    observations = replace(observe([0.3, np.nan, 0.1, 0.2]), length=np.array([5.0, 9.0, np.nan, 7.0]))
    orders = {sort: choose(observations, Show.ALL, Filters(), sort).tolist() for sort in Sort}
    assert orders == {
        Sort.LOWEST: [2, 3, 0, 1],
        Sort.HIGHEST: [0, 3, 2, 1],
        Sort.LONGEST: [1, 3, 0, 2],
        Sort.SHORTEST: [0, 3, 1, 2],
        Sort.DRAWN: [0, 1, 2, 3],
    }


def test_a_group_is_formed_of_what_filters_and_a_search_leave() -> None:
    observations = observe(np.arange(20) / 20, topics=["a", "b"] * 10)
    assert choose(observations, Show.HIGHEST, Filters("a")).tolist() == [18, 16, 14, 12, 10]
    among = np.array([1, 2, 3, 4])
    assert choose(observations, Show.HIGHEST, Filters("b"), among=among).tolist() == [3, 1]
    assert choose(observations, Show.ALL, Filters(bins=(0, 1)), Sort.HIGHEST).tolist() == [1, 0]
    assert choose(observations, Show.ALL, Filters(bins=(-1,))).size == 0


def test_each_scored_row_is_in_one_bar_the_ends_included() -> None:
    observations = observe(np.r_[beta_scores(0.5, 0.3, 200), np.nan, 0.0, 1.0])
    bars = [set(choose(observations, Show.ALL, Filters(bins=(bar,))).tolist()) for bar in range(20)]
    assert sorted(row for rows in bars for row in rows) == [*range(200), 201, 202]
    assert 201 in bars[0]
    assert 202 in bars[19]


def test_without_a_score_bars_do_not_apply() -> None:
    observations = observe([np.nan, 0.5, 85.0])
    assert choose(observations, Show.WITHOUT_SCORE, Filters(bins=(3,)), Sort.DRAWN).tolist() == [0, 2]
