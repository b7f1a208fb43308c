"""Splitting Markdown into messages short enough for a chat: no text is lost, and tables and code stay readable."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

# The line that opens or closes a block of code, and the rule under a table's head.
FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)")
TABLE_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?")

# A repeated table head or code fence may take up at most this share of a message.
MAX_REPEATED_SHARE = 1 / 4


@dataclass(frozen=True)
class Message:
    """One message. `body` is a verbatim part of the original.

    `head` is the marker `(2/3)` and, inside a table or code, its first lines repeated; `tail` closes code that goes on.
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

    A single message has no marker; of several, each begins with its number and the stamp: `(1/3) stamp`. They end
    between blocks where possible, else after a line, else after a word. `limit` is at least 64 beyond the stamp.
    """
    if limit < 64 + size(stamp):
        raise ValueError(f"a limit of {limit} leaves no room for text")
    if size(markdown) <= limit:
        return [Message("", markdown, "")] if markdown else []
    digits = 1
    while True:
        room = size(_marker(10**digits - 1, 10**digits - 1, stamp))
        parts = list(_Text(markdown, limit - room).parts())
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
    """The table or code block around a line: how a new message there begins, and how the one before it ends."""

    opener: str = ""
    closer: str = ""


class _Text:
    """Markdown by lines, and the table or code block around each."""

    def __init__(self, markdown: str, limit: int) -> None:
        self._markdown = markdown
        self._limit = limit
        self._lines = markdown.splitlines(keepends=True)
        self._starts = [0, *accumulate(map(len, self._lines))]
        self._inside = [
            one if size(one.opener + one.closer) <= limit * MAX_REPEATED_SHARE else _Inside()
            for one in _context(self._lines)
        ]

    def parts(self) -> Iterator[Message]:
        """Messages of at most the limit, without their markers."""
        begin = 0
        while begin < len(self._markdown):
            opener = self._opener(begin)
            room = self._limit - size(opener)
            while True:
                end = self._cut(begin, room)
                part = Message(opener, self._markdown[begin:end], self._tail(end))
                excess = size(part.text) - self._limit
                if excess <= 0:
                    break
                room = size(part.body) - excess
            yield part
            begin = end

    def _line(self, at: int) -> int:
        return bisect_right(self._starts, at) - 1

    def _opener(self, begin: int) -> str:
        line = self._line(begin)
        is_torn = begin != self._starts[line]
        # After a cut inside a row, the rest of the row would not line up with a repeated head.
        return "" if is_torn and not self._inside[line].closer else self._inside[line].opener

    def _tail(self, end: int) -> str:
        closer = self._inside[self._line(end)].closer
        if not closer or end == len(self._markdown):
            return ""
        return closer if self._markdown[end - 1] == "\n" else f"\n{closer}"

    def _cut(self, begin: int, room: int) -> int:
        """The best place to end a message that begins at `begin` and has `room` for its body."""
        furthest = begin + max(1, _n_fitting(self._markdown[begin : begin + room + 1], room))
        if furthest >= len(self._markdown):
            return len(self._markdown)
        # Cuts are sought in the last two thirds, so that no message is mostly empty.
        late = begin + (furthest - begin) // 3
        lines = range(self._line(furthest), self._line(late), -1)
        for line in filter(self._is_between_blocks, lines):
            return self._starts[line]
        for line in lines:
            if not self._is_torn_off(line, begin):
                return self._starts[line]
        space = self._markdown.rfind(" ", late, furthest)
        return space + 1 if space >= 0 else furthest

    def _is_between_blocks(self, line: int) -> bool:
        is_free = not self._inside[line].opener
        return is_free and (not self._lines[line - 1].strip() or self._lines[line].startswith("#"))

    def _is_torn_off(self, line: int, begin: int) -> bool:
        """Whether a cut before this line separates a table's head from its rule, or leaves a block without content."""
        inside, text = self._inside[line], self._lines[line]
        ends_block = inside.closer and text.strip().startswith(inside.closer)
        begins_block = inside.opener and self._markdown.endswith(inside.opener, begin, self._starts[line])
        return bool(ends_block or begins_block or _is_rule(text))


def _n_fitting(text: str, room: int) -> int:
    """How many characters of a text, from its first, fit into `room` UTF-16 units."""
    return bisect_right(list(accumulate(map(size, text))), room)


def _is_rule(line: str) -> bool:
    return "|" in line and TABLE_RULE.fullmatch(line.strip()) is not None


def _context(lines: list[str]) -> list[_Inside]:
    """The table or code block around each line, and around the end of the text."""
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
        elif number and "|" in lines[number - 1] and _is_rule(line):
            # A message that begins at the row below repeats the head and its rule.
            table = _Inside(lines[number - 1] + (line if line.endswith("\n") else line + "\n"))
    return found
