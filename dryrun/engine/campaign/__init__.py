"""A whole dataset on several workers: shards, each an ordinary run, under one keeper of budget and rate."""
