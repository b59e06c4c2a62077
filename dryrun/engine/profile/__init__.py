"""The profile of a dataset: from one run, or from shards of the whole, each an ordinary run."""
