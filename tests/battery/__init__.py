"""Public reward functions, called as their trainers call them, against what a check of the grader says.

No alarm on the sound ones, the defect of the others named. The packages are no dependency of Dry Run and
are not copied here; put them where they cannot touch anything else, then run the battery::

    pip install --no-deps --target DIR -r tests/battery/requirements.txt
    python -m tests.battery --site DIR

``--only NAME`` runs the cases whose name holds the text, ``--out FILE`` keeps what was found as JSON, and
``BATTERY_SITE=DIR pytest tests/battery`` makes each case a test. Reward modules are loaded by file, without
their packages, so that neither torch nor ray is needed.
"""
