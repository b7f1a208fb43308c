"""Shared by the sections: sets of forms, tables cut for the mail, and the names of tracks and tokens."""

from collections.abc import Iterable
from dataclasses import replace

from flows.report.digest.document import Table, Text, Writer
from flows.report.digest.model import Cell, Digest, Track
from flows.scoring.inference import MIN_CLUSTERS, MIN_EFFECTIVE
from flows.timeframes import TIMEFRAMES

MAIL_ROWS = 6

TOP_ONLY = " (the top of the list; all of it is on the page)"

EVERYWHERE = frozenset({"mail", "page", "plain"})

WIDE = frozenset({"page", "plain"})

MAIL = frozenset({"mail"})

PAGE = frozenset({"page"})


def cut(table: Table) -> tuple[Table, ...]:
    """A long table in two: whole for the page and plain text, and its first rows for the mail, with a remark."""
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
    """The texts about parts that are left out of a section, with the reasons."""
    return ((one.because,) for one in writer.digest.left_out if one.section == section)


def name_of(digest: Digest, track: Track) -> str:
    """A track in words for a caption, with the vendor's name if there are several."""
    every = _calls(track)
    return f"{track.vendor}, {every}" if is_shared(digest) else every


def starting(digest: Digest, track: Track) -> str:
    """A track's name at the start of a caption: capitalised, except for a vendor's name."""
    name = name_of(digest, track)
    return name if is_shared(digest) else name[0].upper() + name[1:]


def _calls(track: Track) -> str:
    return f"{TIMEFRAMES[track.timeframe].adjective} calls"


def track_template(digest: Digest, number: int, *, is_first: bool = False) -> str:
    """A track's name in a template; the vendor by its path, because its name might contain template syntax."""
    every = _calls(digest.tracks[number])
    if is_shared(digest):
        return f"{{tracks.{number}.vendor|text}}, {every}"
    return every[0].upper() + every[1:] if is_first else every


def token_template(digest: Digest, symbol: str, prefix: str = "") -> str:
    """A token's name in a template: its symbol, with its id where several tokens share the symbol."""
    template = f"{{.{prefix}symbol|text}}"
    return f"{template} (token {{.{prefix}token_id|id}})" if symbol in digest.shared_symbols else template


def lacks_only_time(cell: Cell) -> bool:
    """Whether a cell is not reportable only because its calls lie in too few separate stretches of time."""
    return cell.n_effective is not None and cell.n_effective >= MIN_EFFECTIVE and cell.n_clusters < MIN_CLUSTERS


def is_shared(digest: Digest) -> bool:
    """Whether the digest shows several vendors, so that whatever is about one has to name it."""
    return len({one.vendor for one in digest.tracks}) > 1
