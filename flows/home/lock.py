"""One at a time: a lock the operating system drops when its holder dies, and that names its holder."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.clock import utc_now
from flows.errors import LockHeld

POLL_SECONDS = 1.0


@contextmanager
def hold_lock(home: Path, holder: str, *, wait_seconds: float = 0, name: str = "lock") -> Iterator[None]:
    """Hold the warehouse's lock, or another of this name, while the block runs.

    Waits up to `wait_seconds` for a living holder; a dead one's lock is free at once, because the kernel releases it.
    Raises LockHeld, naming the holder, when the wait is over.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / name
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file.fileno()):
            if time.monotonic() >= deadline:
                raise LockHeld(
                    f"Another run holds the lock {path}: {_holder(path)}. Wait for it to end, then run again; "
                    "nothing was changed."
                )
            time.sleep(min(POLL_SECONDS, wait_seconds))
        file.truncate(0)
        file.write(
            json.dumps(
                {
                    "holder": holder,
                    "pid": os.getpid(),
                    "host": socket.gethostname(),
                    "since": f"{utc_now():%Y-%m-%dT%H:%M:%SZ}",
                }
            )
        )
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> str:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:
        return "a run that has not yet given its name"
    return f"{owner['holder']}, process {owner['pid']} on {owner['host']}, since {owner['since']}"
