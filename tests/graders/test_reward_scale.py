"""Rewards of -1 and 1, of 0 to 5: the scale is read from what a function returns, and 0..1 stays 0..1."""

from __future__ import annotations

import pytest

from dryrun.graders.load import load_grader
from dryrun.graders.reward_scale import returned_scale, reward_scale, scale_finding

HELPERS = """
def correct(ok):
    return 2.0 if ok else 0.0

def tagged(text):
    if '<answer>' not in text:
        return 0.0
    return 0.5

"""


@pytest.mark.parametrize(
    ("body", "scale"),
    [
        ("return 1.0 if ok else -1.0", (-1.0, 1.0)),
        ("return {'score': 1.0 if ok else -1.0, 'acc': ok}", (-1.0, 1.0)),
        ("reward = 1.0 if ok else -1.0\n    return {'score': reward, 'n': 300}", (-1.0, 1.0)),
        ("if ok:\n        return 5\n    return 0", (0.0, 5.0)),
        ("return [2.0 if ok else -0.5 for ok in answers]", (-0.5, 2.0)),
        (
            "out = []\n    for ok in answers:\n        out.append(1.0 if ok else -1.0)\n    return out",
            (-1.0, 1.0),
        ),
        ("if not ok:\n        return -1.0\n    return similarity(a, b)", (-1.0, 1.0)),
        ("right, form = (2.0 if ok else 0.0), (0.5 if a else 0.0)\n    return right + form", None),
        ("right = 2.0 if ok else 0.0\n    form = 0.5 if a else 0.0\n    return right + form", (0.0, 2.5)),
        ("right = 1.0 if ok else 0.0\n    return right - (0.5 if a else 0.0)", (-0.5, 1.0)),
        ("return correct(ok) + tagged(text)", (0.0, 2.5)),
        ("return correct(ok) + similarity(a, b)", None),
        ("return 0.8 * (1.0 if ok else 0.0) + 0.2 * tagged(text)", None),
        ("return compute_score(ok, answers, a, b, text) + 2.0", None),
        ("return 1.0 if ok else 0.0", None),
        ("return 7", None),
        ("return float(a == b)", None),
        ("if ok:\n        return 10\n    return closeness(a, b)", None),
        ("place = text.find('x')\n    if place == -1:\n        return 0.0\n    return 1.0", None),
        ("def inner():\n        return -1\n    return 1.0", None),
        ("score = 0\n    score += 2\n    return score", None),
        ("return -1e9 if ok else 1.0", None),
        ("return -abs(a - b)", (-1.0, 0.0)),
        ("return -min(len(text) // 20, 10) / 10", (-1.0, 0.0)),
        ("if not ok:\n        return -10.0\n    return -float(min(abs(a - b), 10))", (-10.0, 0.0)),
        ("off = abs(a - b) / max(1, b)\n    return -0.5 * off", (-1.0, 0.0)),
        ("return max(-5.0, -abs(a - b))", (-5.0, 0.0)),
        ("return 1.0 if ok else -abs(a - b)", (-1.0, 1.0)),
        ("score = 0.0\n    if not ok:\n        score -= 0.5\n    return score", (-1.0, 0.0)),
        ("score = 1.0\n    if not ok:\n        score -= 0.5\n    return score", None),
        ("score = 0.0\n    return score", None),
        ("return text", None),
        ("return 1.0 + -abs(a - b)", None),
        ("return -similarity(a, b)", None),
        ("return -(a - b)", None),
    ],
)
def test_the_scale_follows_from_what_is_returned(body: str, scale: tuple[float, float] | None) -> None:
    source = f"{HELPERS}def compute_score(ok, answers, a, b, text):\n    {body}\n"
    assert returned_scale(source, "compute_score") == scale


def test_a_grader_of_another_type_keeps_its_own_scale() -> None:
    exact = {"type": "string_check", "name": "e", "input": "a", "reference": "b", "operation": "eq"}
    assert reward_scale(load_grader(exact)) == (0.0, 1.0)
    assert scale_finding(load_grader(exact)) is None


def test_a_scale_that_was_read_is_said_with_the_way_to_change_it() -> None:
    source = "def grade(sample, item):\n    return 1.0 if sample['output_text'] else -1.0\n"
    spec = load_grader({"type": "python", "name": "p", "source": source})
    assert reward_scale(spec) == (-1.0, 1.0)
    finding = scale_finding(spec)
    assert finding is not None
    assert "from -1 to 1" in str(finding)
    assert "the reward range" in str(finding)
