"""The gate of a pipeline: may this dataset and this grader go on to training?"""
