"""What a verdict can rest on: faults of the grader, what stands in the way, and whose share is which."""
