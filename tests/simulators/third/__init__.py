"""Policies and rewards that no rule was chosen on, written down before any result of it was seen.

Written after both other halves had been read often. Only the rates of learning were set, on the clean reward
and before any verdict was seen.
"""
