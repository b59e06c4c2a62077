"""The outcome of a training: its log beside the run's forecast, and all such forecasts together."""
