"""What training will cost and take, from what a dry run measured and what the user says of the trainer."""
