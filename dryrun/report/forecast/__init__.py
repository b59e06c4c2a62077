"""Price, time and sizes of the training that a run was made for."""
