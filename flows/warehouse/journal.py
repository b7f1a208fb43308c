"""The journal: append-only JSON lines beside the warehouse, from which, with raw/, everything can be rebuilt."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.warehouse.clock import utc_now


def append(home: Path, kind: str, **event: Any) -> None:
    """Append one event, durable when this returns: `journal/<kind>.jsonl`."""
    path = home / "journal" / f"{kind}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"written_at": utc_now(), **event}, default=_as_text) + "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def read(home: Path, kind: str) -> list[dict[str, Any]]:
    """All events of a kind, oldest first; a last line that a crash cut off is left out."""
    path = home / "journal" / f"{kind}.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
