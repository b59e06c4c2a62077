"""Why no function of a Python source can be called, and whose it may be."""

from __future__ import annotations

import ast

from dryrun.graders.format.python_source import (
    FIX_SIGNATURE,
    FUNCTIONS,
    Function,
    decorators_of,
    parameters_of,
)

VERIFIERS_GROUP = {"answers", "states", "tasks", "infos"}
FOREIGN = {
    ("queries", "prompts"): "OpenRLHF's, which hands over prompt and response as one text and takes a tensor",
    ("args", "sample"): "slime's, which hands over an object of its own, with response and label",
    ("args", "samples"): "slime's, which hands over objects of its own, with response and label",
    ("reward_inputs",): "EasyR1's, which hands over dicts with response and ground_truth and takes overall",
    ("reward_input",): "EasyR1's, which hands over a dict with response and ground_truth and takes overall",
    ("predict_str", "ground_truth"): "an older EasyR1's, which calls the response predict_str",
    ("prompt_ids", "completion_ids"): "AReaL's, which hands over one completion as text, and token ids",
    ("llm_solution", "ground_truth"): "rLLM's, which calls the response llm_solution",
}
"""Parameters by which a function of another library is known, and what that library does."""
REWARDED = {"completion", "completions", "solution_str"}
"""Parameters by which a function within another shows that it grades."""
CLASS_METHODS = {"step": "SkyRL's or a gym's", "verify": "NeMo Gym's"}
"""Methods by which a library asks a class for rewards."""


def library_of(node: Function) -> str:
    """Whose a function is that is written for a library not stood in for here, as a sentence; else ``""``."""
    names = parameters_of(node)
    whose = next((words for marks, words in FOREIGN.items() if set(marks) <= set(names)), "")
    return whose and (
        f"line {node.lineno}: {node.name}({', '.join(names)}) is {whose}. Write the rule as "
        "def compute_score(data_source, solution_str, ground_truth) and let both call it."
    )


def why_none(tree: ast.Module, functions: list[Function], choose: str) -> str:
    """Why no function of a source follows a convention, and what would help.

    Parameters
    ----------
    tree : ast.Module
    functions : list of Function
        What can be called at its top level.
    choose : str
        How a convention is named.
    """
    if whose := next(filter(None, map(library_of, functions)), ""):
        return whose
    group = [node for node in functions if set(parameters_of(node)) & VERIFIERS_GROUP]
    if group:
        return (
            f"line {group[0].lineno}: {group[0].name} grades a group of responses at once, which Dry Run "
            "cannot: it grades one by one. Write a function of completion and answer, or choose "
            "--convention trl where these are columns of the rows."
        )
    inner = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    if any({"reward", "metric"} & decorators_of(node) for node in inner):
        return (
            "these are methods of a verifiers v1 task, which need that package and its runtime. "
            "Write the rule as a function of completion and answer."
        )
    for node in functions:
        within = [part for part in ast.walk(node) if isinstance(part, FUNCTIONS) and part is not node]
        if node.name == "load_environment" or any(REWARDED & set(parameters_of(part)) for part in within):
            return (
                f"makes its reward functions within {node.name}, where nothing can call them. "
                "Move the function to the top level: def f(completion, answer)."
            )
    made = _class_or_object(tree, choose, alone=not functions)
    if functions and not made:
        names = ", ".join(node.name for node in functions)
        return f"holds no function by a convention known here (it defines {names}). {choose}"
    return made or f"defines no function named grade. {FIX_SIGNATURE}"


def _class_or_object(tree: ast.Module, choose: str, *, alone: bool) -> str:
    """What a source has that grades and is no function; ``""`` where nothing does.

    Objects are named where they stand alone: beside functions they are mostly constants.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(
            getattr(member, "name", "") == "__call__" for member in node.body
        ):
            return (
                f"defines no function that grades; line {node.lineno} defines the class {node.name}, whose "
                f"instances can be called. Make one below it: reward = {node.name}()."
            )
        if isinstance(node, ast.ClassDef):
            methods = [getattr(member, "name", "") for member in node.body]
            if known := next((method for method in methods if method in CLASS_METHODS), None):
                return (
                    f"line {node.lineno} defines the class {node.name} with {CLASS_METHODS[known]} method "
                    f"{known}, which runs within its library alone. {FIX_SIGNATURE} Let {known} call it."
                )
        if alone and isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if isinstance(node.value, ast.Dict):
                return f"line {node.lineno} gives {name} an object. Give that object alone, as JSON."
            if isinstance(node.value, ast.Call | ast.Lambda):
                return (
                    f"defines no function; line {node.lineno} makes {name}. If that is what grades, "
                    f"say so: --function {name} --convention {choose.rpartition(': ')[2].rstrip('.')}."
                )
    return ""
