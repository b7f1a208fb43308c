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


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
