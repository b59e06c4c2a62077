"""Reference answers are read by type, compared as a careful reader would, and prompts for what they ask."""

from __future__ import annotations

import pytest

from dryrun.core.probe import FAR
from dryrun.probes.make.answers import Answer, Kind, alike, answers, mentions, same
from dryrun.probes.make.demand import Demand, demand_of
from dryrun.probes.make.read_answer import read
from dryrun.probes.make.wrong import wrong_answers

LETTERS = Demand(options=("A", "B", "C", "D"))


def one(text: str, demand: Demand | None = None) -> Answer:
    found = answers([text], [demand or Demand()])[0]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "demand", "kind"),
    [
        ("1730", Demand(), Kind.NUMBER),
        ("-1,730.5", Demand(), Kind.NUMBER),
        ("$12", Demand(), Kind.NUMBER),
        ("3/4", Demand(), Kind.FRACTION),
        ("12.5 km", Demand(), Kind.QUANTITY),
        ("B", LETTERS, Kind.LETTER),
        ("B", Demand(), Kind.LABEL),
        ("Yes", Demand(), Kind.YES_NO),
        ("false", Demand(), Kind.YES_NO),
        ("mother-in-law", Demand(), Kind.LABEL),
        ("a, b, c", Demand(), Kind.LIST),
        ("a, b, c", Demand(unordered=True), Kind.SET),
        ('["a", "b"]', Demand(), Kind.LIST),
        ('{"a": 1}', Demand(json=True), Kind.OBJECT),
        ('{"a": 1}', Demand(), Kind.FACTS),
        ("def f(x):\n    return x", Demand(), Kind.CODE),
        ("The council opened a new hall after a long dispute.", Demand(), Kind.TEXT),
        ("She sold two months.\n#### Two", Demand(hashes=True), Kind.LABEL),
    ],
)
def test_the_type_of_an_answer(text: str, demand: Demand, kind: Kind) -> None:
    assert one(text, demand).kind is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("In May she sold 48/2=<<48/2=24>>24.\n#### 72", Kind.NUMBER),
        ("She sold 72.\n#### Two months", Kind.TEXT),
        (r"We add both. The answer is $\boxed{72}$.", Kind.NUMBER),
    ],
)
def test_worked_solutions_are_read_for_their_final_answer(text: str, kind: Kind) -> None:
    """A grader may compare with the whole of it: there it is a text, unless the prompt demands the form."""
    assert one(text).kind is Kind.TEXT
    (answer,) = answers([text], [Demand()], solved=True)
    assert answer is not None
    assert answer.kind is kind


def test_one_element_is_a_list_where_the_other_rows_are_lists() -> None:
    found = answers(["a, b", "c, d", "e"], [Demand()] * 3)
    assert [answer.value for answer in found if answer] == [["a", "b"], ["c", "d"], ["e"]]
    alone = answers(["Paris, France", "Berlin", "Rome", "Oslo"], [Demand()] * 4)
    assert all(answer is not None and answer.kind is Kind.LABEL for answer in alone)


def test_rows_without_an_answer_have_none() -> None:
    assert answers([None, "  ", "4"], [Demand()] * 3)[:2] == [None, None]


@pytest.mark.parametrize(
    ("wanted", "given", "equal"),
    [
        ("42", "42.0", True),
        ("1730", "1,730", True),
        ("42", "43", False),
        ("12 km", "12 km", True),
        ("12 km", "12 m", False),
        ("Son", " son. ", True),
        ("son", "grandson", False),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', True),
        ("a, b", "a,b", True),
        ("a, b", "b, a", False),
    ],
)
def test_what_says_the_same(wanted: str, given: str, equal: bool) -> None:
    assert same(one(wanted), given) is equal


def test_a_reference_in_the_tag_that_the_prompt_demands_is_what_stands_in_it() -> None:
    assert one("<answer> 42 </answer>", Demand(tag="answer")).text == "42"
    assert one("<answer>\nOslo\n</answer>", Demand(tag="answer")).text == "Oslo"
    assert one("<answer>42</answer>").text == "<answer>42</answer>"


def test_a_set_has_no_order() -> None:
    assert same(one("a, b", Demand(unordered=True)), "b, a")


@pytest.mark.parametrize(
    ("answer", "text", "held"),
    [
        ("42", "it has 42 legs", True),
        ("42", "it has 142 legs", False),
        ("No", "Nobody knows", False),
        ("No", "yes_no", True),
        ("son", "his son.", True),
        ("fig, pear", "a pear", True),
        ('{"codes": "I10, E11"}', "codes: E11 or J45", True),
    ],
)
def test_a_text_that_holds_the_answer_is_no_fair_junk(answer: str, text: str, held: bool) -> None:
    assert mentions(text, one(answer)) is held


def test_likeness_is_between_nothing_and_all() -> None:
    assert alike(one("1000"), "999") > 0.9
    assert alike(one("a, b, c"), "a, b, x") == pytest.approx(0.8, abs=0.15)
    assert alike(one('{"a": "x", "b": "y"}', Demand(json=True)), '{"a": "x", "b": ""}') == 0.5
    assert alike(one("Paris"), "") == 0.0


@pytest.mark.parametrize(
    ("prompt", "field", "value"),
    [
        ("Give the letter as <answer>LETTER</answer>.", "tag", "answer"),
        ("Put it in \\boxed{}.", "boxed", True),
        ("Write #### before the result.", "hashes", True),
        ("End with a line of the form 'Answer: X' please.", "marker", "Answer:"),
        ("Question: 1 + 1?\nAnswer:", "marker", ""),
        ("Reply with JSON.", "json", True),
        ("Answer with a single word.", "only", True),
        ("(Answer Yes or No)", "only", True),
        ("Give the chemical symbol of tin. Only the symbol.", "only", True),
        ("Only the symbol.\nElement: tin", "only", True),
        ("Give a query for it. Just SQL.", "only", True),
        ("Only the first box is red. Which is it?", "only", False),
        ("Tom has five apples. Only two are red. How many are not?", "only", False),
        ("Put the final answer in bold.", "between", ("**", "**")),
        ("Write your answer between ** and **.", "between", ("**", "**")),
        ("End with your verdict as [[A]] or [[B]], in double brackets.", "between", ("[[", "]]")),
        ("Answer as [[answer]].", "between", ("[[", "]]")),
        ("Translate the word in bold: a **red** car.", "between", None),
        ("Give the final number in square brackets, for example [3].", "between", ("[", "]")),
        ("Then write 'Conclusion: RISK'.", "marker", "Conclusion:"),
        ("First evaluate within <eval></eval>, then give [[A]] or [[B]].", "thoughts", "eval"),
        ("Give the grade as <eval>B</eval>.", "tag", "eval"),
        ("End with [SAT] or [UNSAT] on the last line.", "between", ("[", "]")),
        ("Finish with *Yes* or *No* between asterisks.", "between", ("*", "*")),
        ("Answer **Yes** or **No**.", "between", None),
        ("Fill in the word in square brackets.", "between", None),
        ("If there is none, reply with 'Result: NONE'.", "marker", ""),
        ("Is (x1 or x2) and (x2 or x3) true? See [1] or [2].", "between", None),
        ("Think in <think> and <answer> tags about a[i] or b[j].", "between", None),
        ("**Question** What is [[1, 2], [3, 4]] squared?", "between", None),
        ("What is 2 + 2?", "only", False),
        ("Show your work, then give only the number.", "working", True),
        ("Show your work, then give only the number.", "only", False),
        ("Sort the words.", "ordered", True),
        ("List every fruit, in any order.", "ordered", False),
        ("List every fruit.", "unordered", True),
        ("Pick.\nA. one\nB. two\nC. three", "options", ("A", "B", "C")),
        ("A. Smith wrote this.", "options", ()),
    ],
)
def test_what_a_prompt_asks_for(prompt: str, field: str, value: object) -> None:
    assert getattr(demand_of(prompt), field) == value


@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [
        ("42", "42", True),
        ("The answer is 42.", "42", True),
        ("First 2, then 3.\nFinal answer: 42", "42", True),
        ("**42**", "42", True),
        ("\\boxed{42}", "42", True),
        ("The answer is 77.", "42", False),
        ("It could be 42 but I think the answer is 77.", "42", False),
        ("The answer is not 42.", "42", None),
        ("42 or 77", "42", None),
        ("I am not sure.", "42", None),
        ("The answer is 43.", "42", None),  # a tolerant grader might take it
    ],
)
def test_responses_are_read_only_where_there_is_no_doubt(text: str, answer: str, right: bool | None) -> None:
    found = read(text, one(answer), Demand(working=True), frozenset())
    assert (None if found is None else found.right) == right


def test_a_wrapped_answer_is_not_demanded_where_the_prompt_wants_it_bare() -> None:
    found = read("The answer is 42.", one("42"), Demand(only=True), frozenset())
    assert found is not None
    assert (found.right, found.plainly) == (True, False)


def test_only_the_tag_counts_where_it_is_asked_for() -> None:
    asked = Demand(tag="answer", options=LETTERS.options)
    assert read("B", one("B", asked), asked, frozenset()) is None
    found = read("I think A.\n<answer> B </answer>", one("B", asked), asked, frozenset())
    assert found is not None
    assert found.right


def test_numbers_among_lists_have_a_wrong_answer_too() -> None:
    number, pair, other = answers(["13", "[2, 3]", "5"], [Demand()] * 3)
    assert number is not None
    assert pair is not None
    assert other is not None
    assert [wrong.content for wrong in wrong_answers(number, [pair, other], []) if wrong.kind == FAR] == ["5"]
