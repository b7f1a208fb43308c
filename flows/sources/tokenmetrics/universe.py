"""The universe: the tokens a run follows, from a setting, resolved against the vendor's own lists."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.errors import UsageError

Kind = Literal["top", "category", "file", "all"]


@dataclass(frozen=True)
class Universe:
    """A choice of tokens: the first `count` by market cap, those of some categories, those of a file, or all."""

    kind: Kind
    count: int = 0
    categories: tuple[str, ...] = ()
    path: Path | None = None


def universe_of(text: str) -> Universe:
    """Understand `top:N`, `category:NAME,NAME`, `file:PATH` or `all`. Raises ValueError for anything else."""
    kind, _, value = text.strip().partition(":")
    if kind == "all" and not value:
        return Universe("all")
    if kind == "top" and value.isdecimal() and int(value) > 0:
        return Universe("top", count=int(value))
    names = tuple(part.strip() for part in value.split(",") if part.strip())
    if kind == "category" and names:
        return Universe("category", categories=names)
    if kind == "file" and value:
        return Universe("file", path=Path(value))
    raise ValueError(f"{text!r} is no universe; write top:N, category:NAME,NAME, file:PATH or all")


def read_token_ids(path: Path) -> tuple[int, ...]:
    """The token ids of a list file, one a line, `#` begins a remark.

    Raises UsageError where the file cannot be read or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"TOKENMETRICS_UNIVERSE names {path}, which cannot be read: {error}.") from error
    words = [line.partition("#")[0].strip() for line in lines]
    wrong = [word for word in words if word and not word.isdecimal()]
    if wrong:
        raise UsageError(f"{path}: {wrong[0]!r} is no token id ({len(wrong)} such lines). One number a line.")
    return tuple(sorted({int(word) for word in words if word}))


def is_in_categories(names: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether a token of these category names or slugs belongs to the wanted ones; case and hyphens do not matter."""
    return bool({_plain(name) for name in names} & {_plain(name) for name in wanted})


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", " ").replace("_", " ")
