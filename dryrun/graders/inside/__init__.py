"""What runs inside the sandbox, beside the grader: the standard library alone."""
