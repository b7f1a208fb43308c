"""Memory that was freed goes back to the system: what allocators keep of it was half of a full build's peak.

To ask for it again takes time, a twentieth of an increment's, which has no need to be thrifty. Where there is no glibc,
its settings are not needed and not found.
"""

import ctypes
from contextlib import suppress

import pyarrow as pa

# glibc's number of the setting, see mallopt(3). Left alone it raises the threshold to the largest piece it has seen
# freed, and from then on keeps the arrays of a build in its heap.
M_MMAP_THRESHOLD = -3
LARGE_ARRAY = 1_000_000


def keep_no_large_arrays() -> None:
    """Give every large array memory of its own, which goes when the array goes."""
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_ARRAY)


def give_back_freed() -> None:
    """Return what was freed in small pieces."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
