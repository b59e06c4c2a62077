"""Which fields of a row hold the prompt and the reference answer, and the row made of them.

Rows come in the layouts of many tools. Here each becomes one with ``messages``; its other fields stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import orjson

from dryrun.core.errors import Problem
from dryrun.core.text import cut
from dryrun.dataset.fields import PROMPTS, PROMPTS_WITHIN, REFERENCES, reference_of, usual_field, value_at
from dryrun.dataset.layouts import in_chat, is_gemini, of_other_api, own_system
from dryrun.dataset.rows import Role, kind

REFERENCE = "reference_answer"
"""Where a reference answer is put for graders."""

SPEAKERS = {
    **{role.value: role.value for role in Role},
    **dict.fromkeys(("human", "prompter"), Role.USER.value),
    **dict.fromkeys(("gpt", "model", "bot", "chatgpt", "function_call"), Role.ASSISTANT.value),
    **dict.fromkeys(("observation", "function_response", "tool_response"), Role.TOOL.value),
}
"""Who speaks in a conversation as ShareGPT writes it, by its ``from``."""

INSTRUCTION, CONVERSATIONS = "instruction", "conversations"

GRADERS = ("string_check", "text_similarity", "score_model", "label_model", "python", "multi")

NAME_PROMPT = "Name the prompt's field (Prompt on the page, --prompt-field in a terminal)."
_OTHER_NAMES = ("instruction", "task", "text", "user", "content", "statement", "exercise")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What the user says about the fields of the rows. A field is a key, or a path with dots.

    Attributes
    ----------
    prompt_field : str or None
        Text, chat messages, or a conversation as ShareGPT writes it. None: the first of `PROMPTS` that a
        row has.
    reference_field : str or None
        The reference answer. None: graders and probes look in the usual places.
    topic_field : str or None
        The topic. None: ``topic``, or else ``metadata.topic``.
    system : str or None
        Text that every prompt begins with, as a system message.
    """

    prompt_field: str | None = None
    reference_field: str | None = None
    topic_field: str | None = None
    system: str | None = None

    @property
    def keeps_messages(self) -> bool:
        """Whether a row that has messages stays as it is."""
        return self.prompt_field is None and self.reference_field is None and not self.system

    def usable(self, names: list[str]) -> bool:
        """Whether a table with these columns can hold the prompt."""
        if self.prompt_field is not None:
            return bool({self.prompt_field, self.prompt_field.partition(".")[0]} & {*names})
        if {INSTRUCTION, "output"} <= {*names} or {*names} <= {"item", "sample"}:
            return True
        return any(name.partition(".")[0] in names for name in (*PROMPTS, *PROMPTS_WITHIN))

    def without_prompt(self, names: list[str]) -> Problem:
        """The problem of a table whose columns hold no prompt."""
        near = [name for name in names if _sounds_like_a_prompt(name)]
        listed = ", ".join(cut(name, 40) for name in names[:10])
        if self.prompt_field is not None:
            what = f"there is no column {self.prompt_field!r} for the prompt, only {listed}."
        else:
            what = f"no column holds the prompt: {listed} are none of {', '.join(PROMPTS)}."
        fix = f"Did you mean {near[0]!r}? " if near else ""
        return Problem("columns", what, f"{fix}{NAME_PROMPT}")


BY_NAME = ColumnMap()
"""No field is named: the usual names count."""


def shaped(row: Any, columns: ColumnMap) -> Any | Problem:
    """The row with ``messages``, the named reference answer as `REFERENCE`, and its other fields.

    Parameters
    ----------
    row : object
        A parsed JSON value; what is not an object is given back.
    columns : ColumnMap

    Returns
    -------
    dict or Problem
        The row itself where there is nothing to do. A `Problem` if no field holds a prompt.
    """
    row = _item_of(row, columns)
    if isinstance(row, Problem):
        return row
    if not isinstance(row, dict) or (columns.keeps_messages and "messages" in row and _stays(row)):
        return row
    field = columns.prompt_field or usual_prompt(row)
    if field in (None, "input") and row.get("type") in GRADERS and {"name", "graders"} & row.keys():
        return Problem(
            "type", "this is a grader, not a row.", "Give it as the grader, and the rows as the dataset."
        )
    if field is None:
        return _no_prompt(row)
    prompt = value_at(row, field)
    if prompt is None:
        return _absent(row, field)
    alpaca = columns.prompt_field is None and field == INSTRUCTION
    value = _with_input(row) if alpaca else _unpacked(prompt, field)
    turns = value if isinstance(value, Problem) else in_chat(value, field)
    messages = turns if isinstance(turns, Problem) else _messages(turns, field)
    if isinstance(messages, Problem):
        return messages
    talk = messages is not turns or field == CONVERSATIONS or _ends_in_answer(row, messages, columns)
    asked, answer = _asked(messages, talk)
    if not asked:
        return Problem(field, "holds no turn of the user.", "Give what the model is to answer.")
    own = own_system(row, field, asked) if isinstance(value, list) else None
    return {
        "messages": _with_system(_with_system(asked, own), columns.system),
        **{key: entry for key, entry in row.items() if key != "messages"},
        **({field: value} if field in row and field != "messages" and not alpaca else {}),
        **_reference(row, columns.reference_field, row["output"] if alpaca else answer),
    }


def _item_of(row: Any, columns: ColumnMap) -> Any:
    """What stands in ``item``, as OpenAI's evals write their rows, or in ``row``, as the Hub's viewer sends
    them, unless a field within it is named."""
    if isinstance(row, dict) and row.keys() <= {"row_idx", "row", "truncated_cells"}:
        if cut_off := row.get("truncated_cells"):
            fix = "Take the whole dataset: hf://datasets/OWNER/NAME, or its Parquet files."
            return Problem("truncated_cells", f"the Hub's viewer has cut off {cut(str(cut_off), 80)}.", fix)
        return row.get("row", row)
    item = row.get("item") if isinstance(row, dict) and row.keys() <= {"item", "sample"} else None
    named = (columns.prompt_field, columns.reference_field, columns.topic_field)
    if not isinstance(item, dict) or any((name or "").startswith("item.") for name in named):
        return row
    return item


def _with_input(row: Mapping[str, Any]) -> object:
    """An instruction, and below it what it is about, as Alpaca has them."""
    instruction, about = row[INSTRUCTION], row.get("input")
    if not isinstance(instruction, str) or not isinstance(about, str) or not about.strip():
        return instruction
    return f"{instruction}\n\n{about}"


def _stays(row: Mapping[str, Any]) -> bool:
    """Whether the messages are no text of a JSON list, as tables write them, nor those of another API, and
    end in no answer.
    """
    messages = row["messages"]
    if isinstance(messages, str):
        return not messages.lstrip().startswith("[")
    return not of_other_api(row) and not _ends_in_answer(row, messages, BY_NAME)


_BEGUN = re.compile(r"(<\w+>|:)\s*\Z")
"""How a text ends that the model is to go on with."""


def _ends_in_answer(row: Mapping[str, Any], messages: Any, columns: ColumnMap) -> bool:
    """Whether the last message is the answer, as rows for SFT have it: it holds the row's reference answer,
    or is all the row has of one. Another text of the assistant is the beginning of each response.
    """
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != Role.ASSISTANT:
        return False
    if not any(isinstance(turn, dict) and turn.get("role") == Role.USER for turn in messages):
        return False
    text, field = last.get("content"), columns.reference_field or usual_field([row])
    if not isinstance(text, str) or not text.strip() or last.get("tool_calls"):
        return False
    reference = None if field is None else reference_of(row, field)
    return reference.strip() in text if reference and reference.strip() else not _BEGUN.search(text)


def usual_prompt(row: Mapping[str, Any]) -> str | None:
    """The first of `PROMPTS` that holds something, else of `PROMPTS_WITHIN`; None where the row has none.

    Beside an ``instruction``, ``input`` is only what the instruction is about; with an ``output`` they are
    Alpaca's.
    """
    names = [name for name in PROMPTS if row.get(name) is not None]
    if INSTRUCTION in row and "input" in names:
        names.remove("input")
    if not names and row.get(INSTRUCTION) and "output" in row:
        return INSTRUCTION
    if not names and is_gemini(row.get("contents")):
        return "contents"
    within = next((path for path in PROMPTS_WITHIN if value_at(row, path) is not None), None)
    return next((name for name in names if row[name]), names[0] if names else within)


def conversation(value: object) -> object:
    """Chat messages of a conversation that has ``from`` and ``value``; anything else as it is."""
    if not isinstance(value, list) or not value or not all(isinstance(turn, dict) for turn in value):
        return value
    if any("role" in turn or "from" not in turn for turn in value):
        return value
    return [
        {"role": SPEAKERS.get(str(turn["from"]).lower(), turn["from"]), "content": turn.get("value")}
        for turn in value
    ]


def _unpacked(value: object, field: str) -> object | Problem:
    """Messages in a text, as tables have them; any other value as it is."""
    if not isinstance(value, str) or not (text := value.lstrip()).startswith(("[{", "[ {")):
        return value
    try:
        listed: list[Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        if text.startswith(("[{'role'", "[{'content'", "[{'from'", "[{'value'")):
            fix = "Write the column with json.dumps."
            return Problem(field, "is a list in Python's spelling, not JSON.", fix)
        return value
    return listed if _spoken(listed) else value


def _spoken(turns: list[Any]) -> bool:
    return all(isinstance(turn, dict) and ("role" in turn or "from" in turn) for turn in turns)


def _absent(row: Mapping[str, Any], field: str) -> Problem:
    near = get_close_matches(field, [place for place, _ in _places(row)], n=1)
    fix = f"Did you mean {near[0]!r}?" if near else "Name a field that every row has."
    return Problem(field, "is missing, which was named as the prompt's field.", fix)


def _messages(value: object, field: str) -> list[Any] | Problem:
    fix = "Give the prompt's text, or a list of messages with role and content."
    if isinstance(value, str):
        return [{"role": "user", "content": value}] if value.strip() else Problem(field, "is empty.", fix)
    if isinstance(value, Mapping) and "0" in value:
        fix = "Write rows: df.to_json(path, orient='records', lines=True)."
        return Problem(field, "is a whole column: the file is written by columns, not by rows.", fix)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return _messages(value[0], field)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        fix = "Give one text a row. By columns? Write rows: df.to_json(path, orient='records', lines=True)."
        return Problem(field, f"holds {len(value):,} texts, not one.", fix)
    if isinstance(value, list):
        messages = conversation(value)
        return (
            messages if isinstance(messages, list) and messages else Problem(field, "is an empty list.", fix)
        )
    return Problem(field, f"is {kind(value)}, neither text nor a list of messages.", fix)


def _asked(messages: list[Any], talk: bool) -> tuple[list[Any], str | None]:
    """The prompt, and the answer that a talk ends with; a mere list of messages stays whole."""
    asked, answer = list(messages), None
    while talk and asked and isinstance(asked[-1], dict) and asked[-1].get("role") == Role.ASSISTANT:
        answer = asked.pop().get("content")
    return asked, answer


def _with_system(messages: list[Any], system: str | None) -> list[Any]:
    """The text in front, within the row's own first message from the system if it has one."""
    if not system:
        return messages
    first = messages[0]
    if isinstance(first, dict) and first.get("role") in (Role.SYSTEM, Role.DEVELOPER):
        own = first.get("content")
        if isinstance(own, str):
            return [{**first, "content": f"{system}\n\n{own}"}, *messages[1:]]
    return [{"role": "system", "content": system}, *messages]


def _reference(row: Mapping[str, Any], field: str | None, answer: object) -> dict[str, Any]:
    """The reference answer, unless the row has one under this name: then the grader's rows stay true."""
    if row.get(REFERENCE) is not None:
        return {}
    value = answer if field is None else value_at(row, field)
    if field is None and usual_field([row]) is not None:
        return {}
    return {} if value is None else {REFERENCE: value}


def _no_prompt(row: Mapping[str, Any]) -> Problem:
    what = f"is missing: none of {', '.join(PROMPTS)} is there."
    if isinstance(row.get("columns"), list) and isinstance(row.get("data"), list):
        fix = "Write rows: df.to_json(path, orient='records', lines=True)."
        return Problem("data", "holds a whole table: the file is written as pandas splits one.", fix)
    if len(row) > 1 and all(isinstance(value, dict) and usual_prompt(value) for value in row.values()):
        fix = "Write each on a line: jq -c '.[]' file.json > file.jsonl"
        return Problem(next(iter(row)), "is a whole row: the rows stand under names.", fix)
    within = next((key for key, value in row.items() if are_rows(value)), None)
    if within is not None:
        return Problem("prompt", what, f"The rows seem to stand within {within!r}: give that list alone.")
    near = prompt_candidates(row) or get_close_matches("messages", [*row], n=1)
    if near:
        return Problem("prompt", what, f"Did you mean {near[0]!r}? {NAME_PROMPT}")
    return Problem(
        "prompt", what, 'Give text in prompt, or messages such as [{"role": "user", "content": "..."}].'
    )


def are_rows(value: object) -> bool:
    """Whether the value is a list of rows with a prompt under a usual name, by its first entry."""
    first = _item_of(value[0], BY_NAME) if isinstance(value, list) and value else None
    return isinstance(first, Problem) or (isinstance(first, dict) and usual_prompt(first) is not None)


def prompt_candidates(row: Mapping[str, Any]) -> list[str]:
    """Fields of a row that may hold the prompt, the likeliest first: messages, a likely name, longer text."""
    ranked = sorted(_ranked(row), key=lambda entry: entry[0])
    return [field for _, field in ranked]


def _ranked(row: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for field, value in _places(row):
        if isinstance(value, list) and value and _spoken(value):
            yield 0, field
        elif isinstance(value, str) and field not in REFERENCES:
            if _sounds_like_a_prompt(field):
                yield 1, field
            elif len(value.split()) > 2:
                yield 2, field


def _sounds_like_a_prompt(field: str) -> bool:
    name = field.rpartition(".")[2].lower()
    words = (name, *re.split(r"[-_\s]+", name))
    return any(get_close_matches(word, (*PROMPTS, *_OTHER_NAMES), n=1, cutoff=0.75) for word in words)


def _places(row: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in row.items():
        yield key, value
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", nested) for inner, nested in value.items())
