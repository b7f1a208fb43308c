"""Returning freed memory to the system: what allocators kept of it was half of the peak of a full build.

Only full builds do so, because asking for the memory again would cost an increment, which is small, a twentieth of its
time. Without glibc there are no such settings, and no need for them.
"""

import ctypes
from contextlib import suppress

import pyarrow as pa

# The number that glibc has for this setting, see mallopt(3). Left alone it raises the threshold to the largest piece it
# has seen freed, and from then on keeps the arrays of a build in its heap.
M_MMAP_THRESHOLD = -3
LARGE_ARRAY = 1_000_000


def keep_no_large_arrays() -> None:
    """Give every large array memory of its own, which is returned when the array is freed."""
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_ARRAY)


def give_back_freed() -> None:
    """Return the small pieces that were freed."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
