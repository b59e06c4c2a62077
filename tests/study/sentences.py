"""What stands between the tables of docs/evidence.md: the design, and what was read off by hand."""

from __future__ import annotations

DESIGN = """# Does GO predict that training learns?

{count} small policies were judged by Dry Run and then trained by real GRPO. This page says how the verdict did.
`python -m tests.study report` writes it from the results in `tests/study/`; no figure is typed by hand.

## Design

- **Policies.** A character-level transformer of 0.23 million parameters (2 layers, width 96), pretrained once on seven tasks of
  five difficulties each: addition, reversal, sorting, counting letters, last digit of a product, largest number, next number.
  Five checkpoints (after {checkpoints} steps) are the levels of skill, 0 to 4. Answers come bare, in a sentence (`it is 92.`) or in
  a tag (`<a>92</a>`); one response in ten of the pretraining is two guesses or an echo of the prompt. Bare answers were wrong in 35 %
  of the pretraining, tagged ones in 10 %, sentences never: a policy can be more right by choosing its form.
- **Conditions.** {planned}, fixed in `tests/study/conditions.json` before any was run: the clean grader on five sets of tasks at five
  skills (and once more), and 22 other graders or faults of the rows at skill 2 on two sets of tasks. Half of them were held out, by a
  seeded draw within each kind, and looked at once. Steps, rate and checkpoints were chosen by one run of the clean grader.
- **Before.** The product's own dry run by its public functions: an import of 300 prompts with 4 responses each, graded; then its
  check of the grader; and the import again with 8. *Verdict* is what the import says. *After probing* adds the check.
- **Training.** GRPO with the product's grader object, opened once: {steps} steps of 24 prompts x 8 responses on the same 300 prompts, advantages
  divided by the group's standard deviation, ratio clipped at 0.2, two minibatches, no KL, Adam at {rate}.
- **After.** True accuracy (the exact answer, in any form) at temperature 1 on 240 other prompts with 8 responses each; the given
  reward on 120 of the prompts trained on.
- **Learns** means a gain in true accuracy above 0.05 and, where a condition has two seeds or more, above 2 standard errors over its
  seeds. Seeds differ in sampling and order alone. {trainings} trainings were run: {seeds}.
  {learned} of {count} learned.
"""
READ_OFF = dict.fromkeys(("auc", "goal", "cells", "fell", "calibration", "rules", "unscaled", "every"), "")
RULES: tuple[str, ...] = ()
CLOSING = ""
