"""What the sections share: which form has room for what, long lists cut for a mail, and how a track is called."""

from collections.abc import Iterable
from dataclasses import replace

from flows.report.digest.document import Table, Text, Writer
from flows.report.digest.model import Digest, Track

MAIL_ROWS = 6

TOP_ONLY = " (the top of the list; all of it is on the page)"

EVERYWHERE = frozenset({"mail", "page", "plain"})

WIDE = frozenset({"page", "plain"})

MAIL = frozenset({"mail"})

PAGE = frozenset({"page"})


def cut(table: Table) -> tuple[Table, ...]:
    """A long list whole where there is room, and its top for the mail, which says so."""
    if len(table.rows) <= MAIL_ROWS:
        return (table,)
    top = Table(
        f"{table.name}-top",
        f"{table.caption}{TOP_ONLY}",
        table.columns,
        table.rows[:MAIL_ROWS],
        forms=MAIL,
    )
    return (top, replace(table, forms=WIDE))


def left_out(writer: Writer, section: str) -> Iterable[Text]:
    """What a section cannot say, and why."""
    return ((one.because,) for one in writer.digest.left_out if one.section == section)


def name_of(digest: Digest, track: Track) -> str:
    """A track in words, for a caption; with several vendors it says whose."""
    every = {"1d": "daily calls", "1h": "hourly calls"}[track.timeframe]
    is_alone = len({one.vendor for one in digest.tracks}) == 1
    return every if is_alone else f"{track.vendor}, {every}"


def starting(digest: Digest, track: Track) -> str:
    """A track's name where a sentence begins."""
    name = name_of(digest, track)
    return name[0].upper() + name[1:]
