"""Commands for what comes after a verdict: which rows to train on."""
