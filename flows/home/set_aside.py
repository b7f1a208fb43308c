"""Files in the way are moved into a folder of their own, never deleted."""

import os
from pathlib import Path

from flows.clock import utc_now


def set_aside(home: Path, paths: list[Path]) -> Path | None:
    """Move those of `paths` that exist into a folder named by the moment; return the folder, None where none did."""
    there = [path for path in paths if path.exists()]
    if not there:
        return None
    folder = home / "set-aside" / f"{utc_now():%Y%m%dT%H%M%S%f}"
    folder.mkdir(parents=True)
    for path in there:
        os.replace(path, folder / path.name)
    return folder
