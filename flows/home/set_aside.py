"""What has to make room is moved into a folder of its own, never deleted."""

import os
from pathlib import Path

from flows.clock import utc_now


def set_aside(home: Path, paths: list[Path]) -> Path | None:
    """Move what there is of `paths` out of the way, into a folder named by the moment; return it."""
    there = [path for path in paths if path.exists()]
    if not there:
        return None
    folder = home / "set-aside" / f"{utc_now():%Y%m%dT%H%M%S%f}"
    folder.mkdir(parents=True)
    for path in there:
        os.replace(path, folder / path.name)
    return folder
