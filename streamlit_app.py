"""Dry Run: will reinforcement fine-tuning on this dataset, with this grader, have something to learn from?"""

from dryrun.app.shared.frame import main

main()
