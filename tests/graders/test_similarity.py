"""string_check and text_similarity: exact semantics, and scores that hold to 1e-9."""

from __future__ import annotations

import asyncio
import json
import tracemalloc

import nltk
import pytest

from dryrun.core.errors import GraderError
from dryrun.core.records import GradeOutcome, SampleOutcome
from dryrun.graders import build, load_grader
from tests.helpers.grading import grade, python, sample, similarity, string_check
from tests.helpers.support import DATA

VECTORS = json.loads((DATA / "similarity_vectors.json").read_text("utf-8"))
METRICS = ["fuzzy_match", "bleu", "gleu", *(f"rouge_{n}" for n in (1, 2, 3, 4, 5)), "rouge_l"]


@pytest.mark.parametrize(
    ("operation", "text", "reference", "reward"),
    [
        ("eq", "Paris", "Paris", 1),
        ("eq", "paris", "Paris", 0),
        ("eq", "Paris ", "Paris", 0),
        ("eq", "", "", 1),
        ("ne", "Paris", "Paris", 0),
        ("ne", "paris", "Paris", 1),
        ("like", "It is Paris.", "Paris", 1),
        ("like", "It is paris.", "Paris", 0),
        ("like", "Par", "Paris", 0),
        ("like", "anything", "", 1),
        ("like", "50% of_it", "%", 1),
        ("like", "abc", "a%c", 0),
        ("ilike", "IT IS PARIS", "paris", 1),
        ("ilike", "STRASSE", "straße", 0),
    ],
)
def test_string_check(operation: str, text: str, reference: str, reward: float) -> None:
    assert grade(string_check(operation), text, {"reference_answer": reference}).reward == reward


@pytest.mark.parametrize("metric", METRICS)
def test_similarity_agrees_with_the_reference_scores(metric: str) -> None:
    rows = VECTORS[metric]
    assert len(rows) >= 10
    for text, reference, expected in rows:
        found = grade(similarity(metric), text, {"reference_answer": reference}).reward
        assert found == pytest.approx(expected, abs=1e-9), (metric, text, reference)


def test_a_long_common_sequence_takes_no_memory_by_the_square_of_its_length() -> None:
    """A table of 4 million numbers took 32 MB."""
    answer, reference = "a b " * 1_000, "b c " * 1_000
    grade(similarity("rouge_l"), "a", {"reference_answer": "a"})  # what it imports is not counted
    tracemalloc.start()
    reward = grade(similarity("rouge_l"), answer, {"reference_answer": reference}).reward
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reward == pytest.approx(0.5)
    assert peak < 16 * 2**20


def test_the_score_printed_in_azures_documentation() -> None:
    for text, reference, expected in VECTORS["azure_row5"]:
        found = grade(similarity("fuzzy_match"), text, {"reference_answer": reference}).reward
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_the_cookbooks_published_scores() -> None:
    """The medical cookbook's grader: 0.85 of the token set ratio, 0.15 for the exact text."""
    source = """
from rapidfuzz import fuzz, utils

def grade(sample, item):
    said, right = sample["output_text"], item["reference_answer"]
    close = fuzz.token_set_ratio(said, right, processor=utils.default_process) / 100
    return 0.85 * close + 0.15 * (said == right)
"""
    for text, reference, expected in VECTORS["cookbook"]:
        found = grade(python(source), text, {"reference_answer": reference}).reward
        assert found == pytest.approx(expected, abs=1e-9)


def _wordnet_is_here() -> bool:
    try:
        nltk.data.find("corpora/wordnet")
    except LookupError:
        return False
    return True


def test_meteor_is_right_or_says_how_to_get_wordnet() -> None:
    spec = load_grader(similarity("meteor"))
    if not _wordnet_is_here():
        with pytest.raises(GraderError, match="wordnet"):
            build(spec)
        return
    for text, reference, expected in VECTORS["meteor"]:
        found = grade(similarity("meteor"), text, {"reference_answer": reference}).reward
        assert found == pytest.approx(expected, abs=1e-9), (text, reference)


def test_a_failed_call_has_no_grade() -> None:
    async def run() -> None:
        async with build(load_grader(string_check())) as grader:
            found = await grader.grade(sample("", outcome=SampleOutcome.FAILED), {"reference_answer": ""})
        assert (found.outcome, found.reward) == (GradeOutcome.UNGRADED, None)

    asyncio.run(run())
