"""Small transformers trained by real GRPO, judged before training by the product: does GO predict learning?

`python -m tests.study pretrain`, then `run`, then `report`; each goes on where it was stopped.
"""
