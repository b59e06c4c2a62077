"""How a pasted or uploaded Python file is called: told from its functions, and open to correction."""

from __future__ import annotations

import streamlit as st

from dryrun.graders.format.conventions import VOICES, Convention, function_names
from dryrun.graders.format.python_file import Config, grader_of, is_python


def with_convention(text: str, key: str = "grader") -> Config | str:
    """The grader in this text; for Python with fields for its convention and its function.

    Raises
    ------
    GraderError
        No convention fits, or several functions could be meant.
    """
    if not is_python(text):
        return text
    names = function_names(text)
    left, right = st.columns(2)
    with left:
        convention = st.selectbox(
            "Convention",
            list(Convention),
            index=None,
            key=f"{key}_convention",
            format_func=_words,
            placeholder="Told from its parameters",
            persist_state="session",
            help="How the function is called. Leave it empty unless the sentence below says it wrong.",
        )
    with right:
        function = st.selectbox(
            "Function",
            names,
            index=None,
            key=f"{key}_function_{'_'.join(names)}"[:200],
            placeholder="The only one that can be meant",
            disabled=len(names) < 2,
            help="Which of the file's functions grades.",
        )
    return grader_of(text, convention, function)


def _words(convention: Convention) -> str:
    example = {
        Convention.OPENAI: "grade(sample, item)",
        Convention.TRL: "f(prompts, completions, **kwargs)",
        Convention.VERL: "compute_score(data_source, solution_str, ...)",
        Convention.BEDROCK: "lambda_handler(event, context)",
        Convention.EVAL_PROTOCOL: "f(messages, ground_truth) or f(row)",
        Convention.VERIFIERS: "f(completion, answer, ...)",
    }[convention]
    return f"{VOICES[convention].name} {example}"
