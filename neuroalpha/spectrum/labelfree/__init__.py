"""Scores of a representation that need no labels: one idea a file, numpy only."""
