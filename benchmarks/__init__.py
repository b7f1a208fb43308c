"""Benchmarks against other tools, measured in one run: `python -m benchmarks.run`."""
