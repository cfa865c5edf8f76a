"""Inspect tasks, one evaluation family a file."""
