"""Reward functions in the shapes that TRL, verl, AWS, eval-protocol and verifiers document."""

from __future__ import annotations

import asyncio
import re
import textwrap
from typing import Any

import pytest

from dryrun.core.errors import GraderError
from dryrun.core.records import Grade, GradeOutcome, Prompt
from dryrun.graders import build, check_against, load_grader
from dryrun.graders.checks.platforms import Platform, check_platform
from dryrun.graders.format.conventions import Convention, entry_of
from dryrun.graders.load import grader_of, python_grader
from tests.helpers.grading import grade, grades, sample

RUNTIME = "python_grader_runtime_error"
ITEM = {"messages": [{"role": "user", "content": "What is 2 + 2?"}], "answer": "4", "reference_answer": "4"}
TEXT_ITEM = ITEM | {"prompt": "What is 2 + 2?"}


def text(source: str) -> str:
    return textwrap.dedent(source).lstrip()


def prompt_of(item: dict[str, Any], row: int) -> Prompt:
    return Prompt(f"{row:032x}", row, "", item)


def graded(source: str, response: str, item: dict[str, Any] | None = None, **options: Any) -> Grade:
    return grade(python_grader(text(source), **options), response, ITEM if item is None else item)


OPENAI = """
    def grade(sample, item):
        return float(sample["output_text"] == item["reference_answer"])
"""
BODY = '''# the body of a function alone
import json
note = """two
lines"""
if sample["output_text"] == item["reference_answer"]:
    return 1.0 if note.splitlines() == ["two", "lines"] else 0.5
return 0.0
'''
TRL_MESSAGES = """
    import re

    def format_reward_func(completions, **kwargs):
        pattern = r"^<think>.*?</think><answer>.*?</answer>$"
        contents = [completion[0]["content"] for completion in completions]
        return [1.0 if re.match(pattern, content) else 0.0 for content in contents]
"""
TRL_STRINGS = """
    def reward_func(completions, **kwargs):
        return [float(len(set(completion))) for completion in completions]
"""
TRL_COLUMN = """
    def reward_func(completions, answer, **kwargs):
        return [1.0 if a in c[0]["content"] else 0.0 for c, a in zip(completions, answer)]
"""
TRL_TASKS = """
    def math_reward_func(prompts, completions, task, **kwargs):
        rewards = []
        for prompt, completion, t in zip(prompts, completions, task):
            if t == "math":
                rewards.append(1.0 if completion[0]["content"] == "4" else -1.0)
            else:
                rewards.append(None)
        return rewards
"""
TRL_ASYNC = """
    import asyncio

    async def reward_func(prompts, completions, **kwargs):
        await asyncio.sleep(0.001)
        return [0.25 for _ in completions]
"""
TRL_LOGS = """
    def reward(completions, answer, log_extra=None, log_metric=None, trainer_state=None, **kwargs):
        if log_extra: log_extra("answer", list(answer))
        if log_metric: log_metric("share_right", 0.5)
        return [0.5 + trainer_state.global_step + trainer_state.epoch] * len(completions)
"""
TRL_TOKENS = """
    def reward(completions, completion_ids, **kwargs):
        return [float(len(ids)) for ids in completion_ids]
"""
VERL = """
    def compute_score(data_source, solution_str, ground_truth, extra_info=None):
        if data_source != "openai/gsm8k":
            raise NotImplementedError(data_source)
        return 1.0 if solution_str.split("####")[-1].strip() == ground_truth else 0.0
"""
VERL_DICT = """
    def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kwargs):
        right = solution_str == ground_truth
        score = 1.0 if right else -1.0
        return {"score": score, "acc": right, "length": len(solution_str), "pred": solution_str}
"""
VERL_ASYNC = """
    async def compute_score(data_source, solution_str, ground_truth, extra_info):
        return float(extra_info["index"]) if extra_info["num_turns"] is None else 0.0
"""
VERL_BATCH = """
    def compute_score(data_sources, solution_strs, ground_truths, extra_infos):
        return [float(s == g) for s, g in zip(solution_strs, ground_truths)]
"""
BEDROCK = """
    from typing import Any, Dict, List

    def lambda_handler(event, context):
        return lambda_grader(event)

    def lambda_grader(samples: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        results = []
        for sample in samples:
            said = sample["messages"][-1]
            assert said["role"] == "assistant"
            right = said["content"] == sample["metadata"]["reference_answer"] == sample["reference_answer"]
            results.append({
                "id": sample["id"],
                "aggregate_reward_score": float(right),
                "metrics_list": [{"name": "length", "value": len(said["content"]), "type": "Metric"}],
            })
        return results
"""
EP_MESSAGES = """
    from eval_protocol import EvaluateResult, MetricResult, reward_function
    from eval_protocol.models import Message
    from typing import List

    @reward_function
    def exact(messages: List[Message], ground_truth=None, **kwargs) -> EvaluateResult:
        right = messages[-1].role == "assistant" and messages[-1].content == ground_truth
        return EvaluateResult(score=1.0 if right else 0.0, reason="exact",
                              metrics={"length": MetricResult(score=0.5, is_score_valid=True, reason="")})
"""
EP_DICTS = """
    from reward_kit import reward_function

    @reward_function(id="exact")
    def exact(messages, ground_truth=None, **kwargs):
        return {"score": float(messages[-1]["content"] == ground_truth), "reason": kwargs["topic"]}
"""
EP_ROW = """
    from eval_protocol.models import EvaluateResult, EvaluationRow
    from eval_protocol.pytest import SingleTurnRolloutProcessor, evaluation_test

    @evaluation_test(
        input_dataset=["data.jsonl"],
        completion_params=[{"model": "m"}],
        rollout_processor=SingleTurnRolloutProcessor(),
        mode="pointwise",
    )
    def test_exact(row: EvaluationRow) -> EvaluationRow:
        said = row.last_assistant_message()
        if not said.content:
            row.evaluation_result = EvaluateResult(score=0.0, is_score_valid=False, reason="no answer")
        else:
            row.evaluation_result = EvaluateResult(score=float(said.content == row.ground_truth))
        return row
"""
VERIFIERS = """
    def exact_match(completion, answer, **kwargs) -> float:
        return 1.0 if completion[-1]["content"] == answer else 0.0
"""
VERIFIERS_ALL = """
    async def reward(parser, completion, answer, info, state, task, prompt):
        assert state["prompt"] == prompt and state["answer"] == answer and task == "default"
        return info["weight"] if parser.parse_answer(completion) == answer else 0.0
"""

RIGHT: dict[str, tuple[str, str, dict[str, Any], Convention, float]] = {
    "openai": (OPENAI, "4", ITEM, Convention.OPENAI, 1.0),
    "trl, messages": (TRL_MESSAGES, "<think>a</think><answer>b</answer>", ITEM, Convention.TRL, 1.0),
    "trl, strings": (TRL_STRINGS, "abca", TEXT_ITEM, Convention.TRL, 3.0),
    "trl, a column": (TRL_COLUMN, "it is 4", ITEM, Convention.TRL, 1.0),
    "trl, async": (TRL_ASYNC, "x", ITEM, Convention.TRL, 0.25),
    "trl, what it logs": (TRL_LOGS, "x", ITEM, Convention.TRL, 0.5),
    "verl": (VERL, "so #### 4", ITEM | {"data_source": "openai/gsm8k"}, Convention.VERL, 1.0),
    "verl, its own columns": (
        VERL_DICT,
        "7",
        {"reward_model": {"style": "rule", "ground_truth": "7"}, "reference_answer": "8"},
        Convention.VERL,
        1.0,
    ),
    "verl, async": (VERL_ASYNC, "x", ITEM | {"extra_info": {"index": 3}}, Convention.VERL, 3.0),
    "verl, batches": (VERL_BATCH, "4", ITEM, Convention.VERL, 1.0),
    "bedrock": (BEDROCK, "4", ITEM, Convention.BEDROCK, 1.0),
    "eval-protocol, messages": (EP_MESSAGES, "4", ITEM, Convention.EVAL_PROTOCOL, 1.0),
    "eval-protocol, dicts": (EP_DICTS, "4", ITEM | {"topic": "sums"}, Convention.EVAL_PROTOCOL, 1.0),
    "eval-protocol, a row": (EP_ROW, "4", ITEM, Convention.EVAL_PROTOCOL, 1.0),
    "verifiers": (VERIFIERS, "4", ITEM, Convention.VERIFIERS, 1.0),
    "verifiers, all it can ask for": (
        VERIFIERS_ALL,
        "4",
        ITEM | {"info": '{"weight": 0.75}'},
        Convention.VERIFIERS,
        0.75,
    ),
}


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("name", RIGHT)
def test_its_convention_is_told_and_it_pays_what_it_pays_there(name: str) -> None:
    source, response, item, convention, reward = RIGHT[name]
    assert entry_of(text(source)).convention is convention
    found = graded(source, response, item)
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED, reward), found.errors
    assert not found.errors


ALWAYS_THE_SAME = ("trl, strings", "trl, async", "trl, what it logs", "verl, async")


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", [name for name in RIGHT if name not in ALWAYS_THE_SAME])
def test_another_response_earns_something_else(name: str) -> None:
    source, _, item, _, reward = RIGHT[name]
    assert graded(source, "something else", item).reward not in (reward, None)


def test_a_bare_body_that_returns_becomes_an_openai_grader() -> None:
    config = python_grader(text(BODY))
    assert "convention" not in config
    assert graded(BODY, "4").reward == 1.0
    assert graded(BODY, "5").reward == 0.0


@pytest.mark.slow
def test_the_row_decides_between_strings_and_messages() -> None:
    """As TRL does, by the kind of the row's own prompt column."""
    strings = ITEM | {"prompt": "What is 2 + 2?"}
    source = "def f(prompts, completions, **kwargs): return [float(isinstance(c, str)) for c in completions]"
    assert graded(source, "content", strings).reward == 1.0
    messages = ITEM | {"prompt": ITEM["messages"]}
    assert graded(source, "content", messages).reward == 0.0


@pytest.mark.parametrize(
    ("source", "item", "why"),
    [
        (TRL_COLUMN, TEXT_ITEM, "the row's prompt is text, so each completion is a string"),
        (
            "def f(completions, **kw): return [float(c.strip() == '4') for c in completions]",
            ITEM,
            "the row's prompt is messages, so each completion is a list of messages",
        ),
        (
            "def f(completion, answer): return float(completion.strip() == answer)",
            ITEM,
            "the row's prompt is messages, so each completion is a list of messages",
        ),
    ],
)
def test_completions_of_the_wrong_shape_fail_here_as_in_training(source: str, item: Any, why: str) -> None:
    found = graded(source, "4", item)
    assert found.reward in (None, 0.0)
    assert why in found.errors[RUNTIME]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def total(completions, **kw): return [0.5]", "total returned 1 reward for 2 completions"),
        (
            "def compute_score(solution_strs, ground_truths, **kw): return [0.5]",
            "compute_score returned 1 reward for 2 completions",
        ),
        (
            "def lambda_handler(event, context):\n"
            "    return [{'id': event[0]['id'], 'aggregate_reward_score': 1.0}]",
            "lambda_handler returned 1 result for 2 completions",
        ),
        (
            "def total(completions, **kw):\n    assert len(completions) == 1, 'one alone'\n    return [0.5]",
            "one alone",
        ),
    ],
)
def test_a_batch_of_two_shows_what_a_batch_of_one_hides(source: str, said: str) -> None:
    found = graded(source, "4")
    assert found.outcome is GradeOutcome.UNGRADED
    assert said in found.errors[RUNTIME]


@pytest.mark.parametrize(
    ("pay", "raised"),
    [("said == answer[0]", True), ("said == answer[n]", False), ("(said == answer[n]) / len(answer)", False)],
)
def test_the_first_rows_columns_are_not_read_for_a_whole_batch(pay: str, raised: bool) -> None:
    source = f"""
        def right(completions, answer, **kw):
            return [float({pay}) for n, said in enumerate(c[0]["content"] for c in completions)]
    """

    items: list[dict[str, Any]] = [ITEM | {"answer": str(number)} for number in range(8)]

    async def graded_in_turn() -> list[Grade]:
        async with build(load_grader(python_grader(text(source)))) as grader:
            return [await grader.grade(sample(item["answer"]), item) for item in items]

    found = asyncio.run(graded_in_turn())
    assert [grade.reward for grade in found[:2]] == [1.0, 1.0]
    assert ("first row's columns" in found[-1].errors.get(RUNTIME, "")) is raised


def test_what_a_function_pays_is_what_it_pays_a_response_alone() -> None:
    source = "def share(completions, **kw): return [1 / len(completions) for _ in completions]"
    assert graded(source, "4").reward == 1.0


def test_none_means_not_applicable_never_zero() -> None:
    assert graded(TRL_TASKS, "4", ITEM | {"task": "math"}).reward == 1.0
    found = graded(TRL_TASKS, "4", ITEM | {"task": "coding"})
    assert (found.outcome, found.reward) == (GradeOutcome.UNGRADED, None)
    assert found.errors == {"other_error": "the function returned None: TRL leaves such a response out"}


def test_a_score_that_is_marked_invalid_is_no_grade() -> None:
    found = graded(EP_ROW, "")
    assert (found.outcome, found.reward) == (GradeOutcome.UNGRADED, None)
    assert "no answer" in found.errors["other_error"]


@pytest.mark.slow
def test_numbers_beside_the_reward_are_sub_rewards() -> None:
    assert graded(VERL_DICT, "7").sub_rewards == {"acc": 0.0, "length": 1.0}
    assert graded(BEDROCK, "4").sub_rewards == {"length": 1.0}
    assert graded(EP_MESSAGES, "4").sub_rewards == {"length": 0.5}
    assert graded(TRL_LOGS, "4").sub_rewards == {"share_right": 0.5}


def test_an_array_beside_the_reward_is_no_number_and_no_failure() -> None:
    source = """
        import numpy
        def compute_score(data_source, solution_str, ground_truth, extra_info=None):
            return {"score": 1.0, "one": numpy.array(2.0), "several": numpy.array([1.0, 2.0])}
    """
    found = graded(source, "4")
    assert (found.reward, found.sub_rewards) == (1.0, {"one": 2.0})


BEGINNINGS = ('"""How it is paid."""', '"How it is paid."', "# paid", "#!/usr/bin/python", "r'x'")


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_file_may_begin_as_files_do(begin: str) -> None:
    """Most begin with a docstring, which begins like JSON."""
    config = grader_of(f"{begin}\nimport math\n\ndef grade(sample, item):\n    return 1.0\n")
    assert isinstance(config, dict)
    assert config["type"] == "python"


def test_a_usual_name_tells_more_than_other_functions_parameters() -> None:
    """As in verl's own rlla.py, whose helpers look like TRL's functions."""
    source = """
        def format_part(completions, answer, **kwargs): return [0.0]
        def length_part(completions, **kwargs): return [0.0]
        def compute_score(solution_str, ground_truth, step=0): return 0.5
    """
    entry = entry_of(text(source))
    assert (entry.convention, entry.function) == (Convention.VERL, "compute_score")
    assert graded(source, "4").reward == 0.5


def test_a_function_completed_by_partial_is_called_as_it_was_completed() -> None:
    source = """
        from functools import partial
        def _weighted(completions, weight, **kwargs): return [weight for _ in completions]
        reward = partial(_weighted, weight=0.25)
    """
    entry = entry_of(text(source))
    assert (entry.convention, entry.function, entry.required) == (Convention.TRL, "reward", ("completions",))
    assert graded(source, "4").reward == 0.25


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        (OPENAI.replace("return", "return 1 / 0 +"), GradeOutcome.GRADED_ZERO),
        (VERIFIERS.replace("return", "return 1 / 0 +"), GradeOutcome.GRADED_ZERO),
        (TRL_COLUMN.replace("return", "return 1 / 0 +"), GradeOutcome.UNGRADED),
        (VERL_DICT.replace("right =", "right = 1 / 0 +"), GradeOutcome.UNGRADED),
        (BEDROCK.replace("right =", "right = 1 / 0 +"), GradeOutcome.UNGRADED),
    ],
)
def test_an_error_is_zero_only_where_the_library_says_so(source: str, outcome: GradeOutcome) -> None:
    found = graded(source, "4")
    assert found.outcome is outcome
    assert "ZeroDivisionError" in found.errors[RUNTIME]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(completions, **kw): return [1.0, 0.0]", "returned 2 rewards for 1 completion"),
        ("def f(completions, **kw): return 1.0", "returned float, not a list"),
        (TRL_TOKENS, "completion_ids: Dry Run has the response's text"),
        (
            "def f(completions, trainer_state, **kw): return [1 / trainer_state.max_steps]",
            "trainer_state.max_steps",
        ),
        (
            "def compute_score(data_source, solution_str, ground_truth, **kw): return {'acc': 1.0}",
            "no 'score'",
        ),
        ("def lambda_handler(event, context): return event[0]", "returned dict, not a list"),
        (
            "def lambda_handler(event, context): return [{'id': 'x', 'aggregate_reward_score': 1}]",
            "no result with id",
        ),
        (
            "from eval_protocol import aha_judge\ndef f(messages, ground_truth): return 1",
            "not installed here",
        ),
        ("def f(completion, answer): return 'good'", "f returned str, not a number"),
    ],
)
def test_what_it_does_wrong_is_said(source: str, said: str) -> None:
    found = graded(source, "4")
    assert found.reward in (None, 0.0)
    assert said in found.errors[RUNTIME], found.errors


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import verifiers as vf\ndef f(completion, answer): return 1", "it cannot be loaded"),
        ("def grade(sample, item):\n    import torchs\n    return 1.0", "line 2 imports torchs"),
    ],
)
def test_a_package_that_is_missing_here_refuses_the_grader_and_makes_no_zero(source: str, said: str) -> None:
    """Where people train it may be there."""
    with pytest.raises(GraderError, match=said):
        graded(source, "4")


def test_the_convention_and_the_function_can_be_set() -> None:
    source = (
        "def score(completions, answer, **kw): return [0.5 for _ in answer]\n"
        "def other(completions, **kw): return [0.25 for _ in completions]\n"
    )
    with pytest.raises(GraderError, match="score, other"):
        python_grader(source)
    assert graded(source, "x", function="other").reward == 0.25
    assert graded("def rule(solution_str): return 0.5", "x", convention=Convention.VERL).reward == 0.5
    with pytest.raises(GraderError, match="--convention"):
        python_grader("def rule(text): return 0.5")
    with pytest.raises(GraderError, match=r"Write def grade\(sample, item\):"):
        python_grader("def rule(text): return 0.5", convention=Convention.OPENAI)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(prompts, completions, answers, states): return [1.0]", "grades a group"),
        (
            "import verifiers.v1 as vf\nclass T(vf.Task):\n  @vf.reward()\n  async def r(self, trace): ...",
            "v1",
        ),
        ("def grade(sample, item): return 1.0 +", "line 1 is not Python"),
        ("from __future__ import annotations\nreturn 1.0", "from __future__"),
        ("def grade(sample): return 1.0", "exactly two positional parameters"),
        (
            "def load_environment():\n  def right(completion, answer): return 1.0\n  return right",
            "within load_environment",
        ),
        ("import lib\nreward = lib.R()", "--function reward --convention"),
        ("def reward_func(queries, prompts, labels, **kwargs): ...", "OpenRLHF's.* def compute_score"),
        ("def reward_func(queries, prompts): ...", "OpenRLHF's"),
        ("async def reward_func(args, sample, **kwargs): ...", "slime's"),
        ("def compute_score(reward_inputs, format_weight=0.1): ...", "EasyR1's, which hands over dicts"),
        ("def compute_score(predict_str, ground_truth): ...", "calls the response predict_str"),
        ("def fn(prompt, completions, prompt_ids, completion_ids, answer, **kwargs): ...", "AReaL's"),
        ("def get():\n  def right(completions, answer, **kwargs): ...\n  return right", "within get, where"),
        (
            "def last(text): ...\nclass Accuracy(ORM):\n  def __call__(self, completions, solution): ...",
            r"reward = Accuracy\(\)",
        ),
        ("class E(BaseTextEnv):\n  def step(self, action): ...", "the class E .* method step"),
        ("class S(Server):\n  async def verify(self, body): ...", "the class S .* NeMo Gym's method verify"),
        ("class R:\n  def __call__(self, completions): ...", r"line 1 .* reward = R\(\)"),
    ],
)
def test_what_cannot_be_called_is_refused_with_the_reason(source: str, said: str) -> None:
    with pytest.raises(GraderError, match=said):
        load_grader(source)


def test_a_helper_by_another_librarys_names_does_not_stand_in_the_way() -> None:
    source = """
        def accuracy(predict_str, ground_truth):
            return float(predict_str == ground_truth)
        def compute_score(data_source, solution_str, ground_truth, extra_info=None):
            return accuracy(solution_str, ground_truth)
    """
    assert graded(source, "4").reward == 1.0


def test_it_is_never_run_outside_the_sandbox() -> None:
    source = (
        "import os\nos.environ['DRYRUN_RAN'] = '1'\nraise SystemExit\ndef grade(sample, item): return 1.0"
    )
    load_grader(source)
    import os

    assert "DRYRUN_RAN" not in os.environ


def test_grader_json_carries_the_convention_and_only_where_it_is_not_openais() -> None:
    assert set(load_grader(text(OPENAI)).raw) == {"type", "name", "source"}
    assert set(load_grader(text(BODY)).raw) == {"type", "name", "source"}
    raw = load_grader(text(VERL)).raw
    assert (raw["convention"], raw["function"]) == ("verl", "compute_score")
    assert load_grader(raw).fingerprint == load_grader(text(VERL)).fingerprint
    assert grades(raw, ["#### 4"], ITEM | {"data_source": "openai/gsm8k"})[0].reward == 1.0
    source = "def f(completions, completion=None, answer=None, **kw): return [1.0]"
    kinds = [
        load_grader(python_grader(source, kind)).fingerprint
        for kind in (Convention.TRL, Convention.VERIFIERS)
    ]
    assert kinds[0] != kinds[1]


def test_json_without_a_convention_says_what_the_source_is() -> None:
    with pytest.raises(GraderError, match='"convention": "verl"'):
        load_grader({"type": "python", "source": text(VERL)})
    with pytest.raises(GraderError, match="bare body"):
        load_grader({"type": "python", "source": text(BODY)})
    with pytest.raises(GraderError, match="Did you mean 'trl'"):
        load_grader({"type": "python", "source": text(VERL), "convention": "tlr"})


def test_text_that_is_json_stays_json() -> None:
    assert grader_of('{"type": "python"}') == '{"type": "python"}'
    with pytest.raises(GraderError, match="not JSON"):
        load_grader("name: yaml")
    with pytest.raises(GraderError, match="this grader is JSON"):
        grader_of('{"type": "python"}', Convention.TRL)


def findings(source: str, *items: dict[str, Any], **options: Any) -> list[str]:
    spec = load_grader(python_grader(text(source), **options))
    rows = [prompt_of(item, row) for row, item in enumerate(items)]
    return [str(finding) for finding in check_against(spec, rows, response_format=False)]


@pytest.mark.parametrize("source", [TRL_COLUMN, VERL, BEDROCK, EP_ROW, VERIFIERS])
def test_validation_says_that_it_is_no_openai_grader(source: str) -> None:
    told = findings(source, ITEM)
    assert len(told) == 1
    assert re.match(r"note: \w+\(.+\) in line \d+ follows \S+ convention\. It is not an OpenAI", told[0])
    assert "OpenAI grader. Train where it comes from" in told[0]


@pytest.mark.parametrize(
    ("source", "items", "said"),
    [
        (TRL_COLUMN, [{"messages": [], "anser": 1}], "error: $.source: no row has the column 'answer'"),
        (TRL_COLUMN, [ITEM, {"messages": []}], "warning: $.source: 1 of 2 rows lack 'answer'"),
        ("def f(completions): return [1.0]", [ITEM], "takes no prompts, completion_ids"),
        ("def compute_score(model_output, ground_truth): return 1.0", [ITEM], "nothing fills 'model_output'"),
        (
            "from .tools import x\ndef grade(sample, item): return x",
            [ITEM],
            "line 1 imports from the package",
        ),
        (
            "def compute_score(solution_str, ground_truth): return 1",
            [ITEM],
            "takes no data_source",
        ),
        (VERL, [{"messages": []}], "error: $.source: no row has a right answer"),
        (VERL, [ITEM, {"messages": []}], "1 of 2 rows have no right answer"),
        (TRL_TOKENS, [ITEM], "completion_ids, the model's tokens"),
        (
            "import torchs\ndef f(completions, **kw): return [1.0]",
            [ITEM],
            "torchs, which is not installed",
        ),
        (
            "def maths(text):\n    import torchs\ndef grade(sample, item): return 1.0",
            [ITEM],
            "warning: $.source: line 2 imports torchs, which is not installed here",
        ),
    ],
)
def test_validation_finds_what_would_go_wrong(source: str, items: list[dict[str, Any]], said: str) -> None:
    assert any(said in told for told in findings(source, *items))


@pytest.mark.parametrize("platform", list(Platform))
def test_the_place_of_training_decides_what_fits(platform: Platform) -> None:
    spec = load_grader(python_grader(text(TRL_COLUMN)))
    told = [str(finding) for finding in check_platform(spec, [prompt_of(ITEM, 0)], platform, rows=500)]
    if platform is Platform.TRL:
        assert told == []
    elif platform in (Platform.OPENAI, Platform.AZURE):
        assert any(said.startswith("error: $.convention") for said in told)
    else:
        assert any("no function by TRL's convention" in said for said in told)
