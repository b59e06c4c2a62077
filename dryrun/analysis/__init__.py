"""What a run's scores say: pure functions of numbers, on NumPy alone.

`verdict.evidence.diagnose_with_evidence` is the whole judgement. It takes `Observations` (the scores),
`Anchors` (what else was graded) and `Thresholds`, and its parts are in the modules beside this one.
"""
