"""Splitting Markdown into messages that a chat takes: nothing is cut off, and tables and code stay readable."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

# A line that opens or closes a block of code, and the one under a table's head.
FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)")
TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")

# What is repeated at the top of a message may take up at most this share of it.
MAX_REPEATED_SHARE = 1 / 4


@dataclass(frozen=True)
class Message:
    """One message. `body` is a stretch of the original, to the letter; the rest tells the reader where it stands.

    `head` is the marker `(2/3)` and, inside a table or code, its first lines again; `tail` closes code that goes on.
    """

    head: str
    body: str
    tail: str

    @property
    def text(self) -> str:
        """What is sent."""
        return self.head + self.body + self.tail


def size(text: str) -> int:
    """Length as chats count it: in UTF-16 units, so that an emoji counts as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(markdown: str, limit: int, *, stamp: str = "") -> list[Message]:
    """Messages of at most `limit` whose bodies, joined, are the original.

    One message goes without a marker; of several, each begins with its number and the stamp: `(1/3) stamp`. They end
    between blocks where they can, else after a line, else after a word. `limit` is at least 64 beyond the stamp.
    """
    if limit < 64 + size(stamp):
        raise ValueError(f"a limit of {limit} leaves no room for text")
    if size(markdown) <= limit:
        return [Message("", markdown, "")] if markdown else []
    digits = 1
    while True:
        room = size(_marker(10**digits - 1, 10**digits - 1, stamp))
        parts = _parts(markdown, limit - room)
        if len(parts) < 10**digits:
            break
        digits += 1
    return [
        Message(_marker(number, len(parts), stamp) + part.head, part.body, part.tail)
        for number, part in enumerate(parts, 1)
    ]


def _marker(number: int, n_parts: int, stamp: str) -> str:
    return f"({number}/{n_parts}){' ' if stamp else ''}{stamp}\n"


@dataclass(frozen=True)
class _Inside:
    """What a line lies inside of: how a new message has to begin, and how the old one has to end."""

    opener: str = ""
    closer: str = ""

    @property
    def is_between_blocks(self) -> bool:
        return not self.opener


def _parts(markdown: str, limit: int) -> list[Message]:
    lines = markdown.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    inside = [
        one if size(one.opener + one.closer) <= limit * MAX_REPEATED_SHARE else _Inside() for one in _context(lines)
    ]
    parts, begin = [], 0
    while begin < len(markdown):
        line = bisect_right(starts, begin) - 1
        is_torn = begin != starts[line]
        # The rest of a torn row would stand in the wrong columns of a repeated head.
        opener = inside[line].opener if inside[line].closer or not is_torn else ""
        room = limit - size(opener)
        while True:
            end = _cut(markdown, begin, room, lines, starts, inside)
            after = inside[min(bisect_right(starts, end) - 1, len(inside) - 1)]
            body = markdown[begin:end]
            tail = (
                "" if end == len(markdown) or not after.closer else ("" if body.endswith("\n") else "\n") + after.closer
            )
            excess = size(opener + body + tail) - limit
            if excess <= 0:
                break
            room = size(body) - excess
        parts.append(Message(opener, body, tail))
        begin = end
    return parts


def _cut(markdown: str, begin: int, room: int, lines: list[str], starts: list[int], inside: list[_Inside]) -> int:
    """The best place to end a message that begins at `begin` and has room for so much text."""
    furthest, used = begin, 0
    while furthest < len(markdown):
        used += size(markdown[furthest])
        if used > room:
            break
        furthest += 1
    if furthest == len(markdown):
        return furthest
    furthest = max(furthest, begin + 1)
    # The later two thirds: a message that ends sooner would be mostly empty.
    late = begin + (furthest - begin) // 3
    first, last = bisect_right(starts, late), bisect_right(starts, furthest)
    between_lines = range(last - 1, first - 1, -1)
    for line in between_lines:
        if inside[line].is_between_blocks and (not lines[line - 1].strip() or lines[line].startswith("#")):
            return starts[line]
    for line in between_lines:
        if not inside[line].opener or inside[line].opener != lines[line - 1]:
            return starts[line]
    space = markdown.rfind(" ", late, furthest)
    return space + 1 if space >= 0 else furthest


def _context(lines: list[str]) -> list[_Inside]:
    """What the beginning of each line lies inside of, and that of the line after the last."""
    found = []
    code: tuple[str, _Inside] | None = None
    table: _Inside | None = None
    for number, line in enumerate([*lines, ""]):
        found.append(code[1] if code else table or _Inside())
        fence = FENCE.fullmatch(line.rstrip("\r\n"))
        if code:
            if fence and fence["marks"].startswith(code[0]) and not fence["info"].strip():
                code = None
        elif fence and not (fence["marks"][0] == "`" and "`" in fence["info"]):
            opener = line if line.endswith("\n") else line + "\n"
            code, table = (fence["marks"], _Inside(opener, fence["marks"])), None
        elif table:
            table = table if "|" in line else None
            found[-1] = table or _Inside()
        elif "|" in line and number and "|" in lines[number - 1] and TABLE_RULE.fullmatch(line):
            # The head and its rule; a message may begin with the row below.
            table = _Inside(lines[number - 1] + (line if line.endswith("\n") else line + "\n"))
    return found
