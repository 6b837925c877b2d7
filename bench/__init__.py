"""Benchmarks: figures that the documents claim, measured again by a command."""
