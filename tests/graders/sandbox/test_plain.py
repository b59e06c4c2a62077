"""A source is plain only where nothing of one grade can reach another; when in doubt it is not."""

from __future__ import annotations

import pytest

from dryrun.graders.format.presets import PRESETS
from dryrun.graders.sandbox.program import is_plain

PLAIN = {
    "a comparison": "return float(sample['output_text'] == item['reference_answer'])",
    "a pattern and a table": "return WEIGHTS.get('a', 0.0) + ('b' in WORDS) + len(NUMBER.findall('1'))",
    "a loop over a table": "return max(weight for name, weight in WEIGHTS.items() if name in WORDS)",
    "JSON": """
    try:
        given = json.loads(sample["output_text"])
    except (ValueError, TypeError) as error:
        return 0.0
    given["seen"] = True
    return sum(1 for key in given if key in item) / len(given)""",
    "text made": "return float('{:.2f} {}'.format(1.5, 'a') == f'{1.5:.2f} a')",
    "functions within": """
    def close(a, b=0.0, *, most=1e-6):
        return abs(a - b) < most
    return float(close(0.0) and sorted(map(str.lower, ["B", "a"]), key=len) != [])""",
}
HEAD = """
import json, math, re
from collections import Counter
WEIGHTS = {"a": 1.0, "b": 0.5}
WORDS = frozenset("a b".split())
SEEN = []
LISTS = {"a": []}
NUMBER = re.compile(r"\\d+")
"""

OTHER = {
    "a mapped eval": "def grade(s, i): return list(map(eval, [s['output_text']]))",
    "an exec in a table": "t = {'e': exec}\ndef grade(s, i): return t['e'](s['output_text'])",
    "an exec by its name": "def grade(s, i): return getattr(__builtins__, 'exec')(s['output_text'])",
    "a program": "import subprocess\ndef grade(s, i): return subprocess.run(['x', s['output_text']])",
    "a shell": "import os\ndef grade(s, i): return os.system(s['output_text'])",
    "a pickle": "from pickle import loads\ndef grade(s, i): return loads(s['output_text'])",
    "objects in YAML": "import yaml\ndef grade(s, i): return yaml.load(s['output_text'], yaml.Loader)",
    "objects in an array": "import numpy\ndef grade(s, i): return numpy.load(s['f'], allow_pickle=True)",
    "pandas' eval": "import pandas\ndef grade(s, i): return pandas.eval(s['output_text'])",
    "a timer of code": "import timeit\ndef grade(s, i): return timeit.timeit(s['output_text'])",
    "an interpreter": "import code\ndef grade(s, i): return code.InteractiveInterpreter().runsource(s['x'])",
    "an exec by another name": "run = exec\ndef grade(s, i): return run(s)",
    "a function of the list's name": "def sorted(x): x.append(1)\nM = [1]\ndef grade(s, i): return sorted(M)",
    "a local name that is a builtin elsewhere": "def f(eval): pass\ndef grade(s, i): return eval(s)",
    "a module by another name": "import builtins as b\ndef grade(s, i): return b.exec(s)",
    "a module within a function": "def grade(s, i):\n import os\n return 1.0",
    "a module that a module has": "import re\ndef grade(s, i): return re.sys",
    "a module in a variable": "import re\ndef grade(s, i):\n m = re\n return m.count",
    "a part of a package": "import json.decoder\ndef grade(s, i): return 1.0",
    "everything of a module": "from re import *\ndef grade(s, i): return 1.0",
    "a settings object": "import decimal\ndef grade(s, i): decimal.getcontext().prec = 3",
    "chance": "import random\ndef grade(s, i): return random.random()",
    "a class": "class A:\n n = 0\ndef grade(s, i): return 1.0",
    "a decorator": "from functools import cache\n@cache\ndef f(x): return []\ndef grade(s, i): return 1.0",
    "an async function": "async def grade(s, i): return 1.0",
    "global": "n = 0\ndef grade(s, i):\n global n\n n += 1\n return n",
    "a parameter that stays": "def grade(s, i, seen=[]): return 1.0",
    "a generator that goes on": "g = (x for x in range(9))\ndef grade(s, i): return next(g)",
    "an iterator that goes on": "from itertools import count\nn = count()\ndef grade(s, i): return next(n)",
    "code at the top level": "for x in range(9): pass\ndef grade(s, i): return 1.0",
    "no Python": "not python",
}

WITHIN = {
    "an attribute of Python's own": "return sample.__class__",
    "an attribute of a function": "grade.n = 1",
    "a frame": "return (x for x in []).gi_frame",
    "a template from outside": "return sample['output_text'].format(item)",
    "a template that reads attributes": "return '{0.real}'.format(1)",
    "a template that reads members": "return '{0[a]}'.format(item)",
    "templates as a function": "return list(map(str.format, ['{0.real}'], [1]))",
    "an element that is replaced": "WEIGHTS['a'] = 2.0",
    "an element that is counted up": "WEIGHTS['a'] += 1",
    "an element that is removed": "del WEIGHTS['a']",
    "an element of a loop": "for SEEN[0] in [1]: pass",
    "a slice": "SEEN[:] = [1]",
    "a method that changes a table": "SEEN.append(1)",
    "a method of the class": "list.append(SEEN, 1)",
    "a table by another name": "x = SEEN; x.append(1)",
    "a table that is handed on": "(lambda x: x.append(1))(SEEN)",
    "a table in a list": "[x.append(1) for x in [SEEN]]",
    "a table in an expression": "(SEEN or [1]).append(2)",
    "a table that is returned": "return SEEN",
    "a table within a table": "LISTS['a'].append(1)",
    "an unknown name": "return quit()",
    "a file": "return open('/tmp/x')",
    "getattr": "return getattr(sample, 'x')",
}


def source(body: str, head: str = HEAD) -> str:
    return f"{head}def grade(sample, item):\n    {body.lstrip()}\n"


@pytest.mark.parametrize("name", PLAIN)
def test_what_only_computes_is_plain(name: str) -> None:
    head = HEAD.replace('LISTS = {"a": []}\n', "")
    assert is_plain(source(PLAIN[name], head))


def test_the_python_graders_to_begin_with_are_plain() -> None:
    sources = [grader["source"] for _, grader in PRESETS.values() if grader["type"] == "python"]
    assert sources
    assert all(map(is_plain, sources))


@pytest.mark.parametrize("name", OTHER)
def test_what_may_do_more_is_not(name: str) -> None:
    assert not is_plain(OTHER[name])


@pytest.mark.parametrize("name", WITHIN)
def test_nor_is_a_function_that_may(name: str) -> None:
    head = HEAD if "LISTS" in WITHIN[name] else HEAD.replace('LISTS = {"a": []}\n', "")
    assert not is_plain(source(WITHIN[name], head))
