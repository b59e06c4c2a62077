"""Each export, read with the code of the place that it is for, in an environment of that code's own.

The packages are no dependency of Dry Run. Make an environment for each, in one folder, then run the readers::

    python -m venv DIR/trl && DIR/trl/bin/pip install trl rapidfuzz
    python -m venv DIR/verl && DIR/verl/bin/pip install verl rapidfuzz
    python -m venv DIR/verifiers && DIR/verifiers/bin/pip install verifiers rapidfuzz
    python -m venv DIR/verifiers_0 && DIR/verifiers_0/bin/pip install "verifiers<0.2" datasets
    python -m venv DIR/eval_protocol && DIR/eval_protocol/bin/pip install eval-protocol rapidfuzz
    python -m venv DIR/openai && DIR/openai/bin/pip install openai
    python -m tests.exports --site DIR

``EXPORTS_SITE=DIR pytest tests/exports`` makes each reader a test. A reader is a script of ``read``: it gets
the files of an export and some responses, and says what it read and which rewards the place's own code pays.
"""
