"""How often the slow tests repeat themselves: `make test-slow` seldom, `make test-slow SCALE=whole` as often as can be.

A repetition is another seed, history, kill or fault of the same claim. The table in CONTRIBUTING.md lists both numbers.
"""

import os

IS_WHOLE = os.environ.get("TEST_SCALE") == "whole"


def repeats(usual: int, *, whole: int) -> int:
    """How many repetitions of a slow test this run asks for."""
    return whole if IS_WHOLE else usual
