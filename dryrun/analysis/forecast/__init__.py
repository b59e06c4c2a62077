"""The cost and time of training, from what a dry run measured and what the user says about the trainer."""
