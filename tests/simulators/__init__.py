"""Small policies trained by GRPO, judged before training by the product: who gains, and who was told so?

`python -m tests.simulators --out FILE` runs all conditions of one half; see `held_out` for the other.
"""
