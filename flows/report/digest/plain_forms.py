"""The forms without HTML: the mail's plain-text part, Markdown for files, and short Markdown for chats."""

from collections.abc import Iterable
from itertools import accumulate

from flows.report.digest.document import Chart, Document, Row, Section, Table, Text, plain
from flows.report.digest.formats import HOLD, NO_VALUE

STAMP = "SIMULATED"

# The sections that a chat message includes, few enough for one screen.
BRIEF = {"ranking", "changes", "hit-rates", "notes"}

# The tables that a chat message has, by the start of their names.
BRIEF_TABLES = ("scores-", "ranking")

# A chat that is longer than this drowns what others write there: 8 messages of Discord, 4 of Telegram.
MAX_CHAT = 16_000


def text_form(document: Document) -> str:
    """Plain text with one line a table row, every figure after its column's name, so that no columns need aligning."""
    lines = [document.title, "=" * len(document.title), ""]
    if document.stamp:
        lines += [document.stamp.upper(), ""]
    lines += [*map(plain, document.head), plain(document.elsewhere), ""]
    lines += [f"{number}. {plain(sentence)}" for number, sentence in enumerate(document.sentences, 1)]
    for section in document.sections:
        lines += ["", section.title, "-" * len(section.title)]
        lines += _as_text(section)
    if document.stamp:
        lines += ["", document.stamp.upper()]
    return "\n".join([*lines, "", *map(plain, document.foot), ""])


def markdown_form(document: Document) -> str:
    """Markdown with tables: the digest as a file."""
    lines = [f"# {document.title}", ""]
    if document.stamp:
        lines += [f"**{document.stamp}**", ""]
    for head in (*document.head, document.elsewhere):
        lines += [_escaped(plain(head)), ""]
    lines += [f"{number}. {_escaped(plain(sentence))}" for number, sentence in enumerate(document.sentences, 1)]
    for section in document.sections:
        lines += ["", f"## {section.title}"]
        for part in section.parts:
            if isinstance(part, Table):
                if "plain" in part.forms:
                    lines += ["", *_as_markdown(part)]
            elif isinstance(part, Chart):
                continue
            else:
                lines += ["", _escaped(plain(part))]
    if document.stamp:
        lines += ["", f"**{document.stamp}**"]
    return "\n".join([*lines, "", *(_escaped(plain(line)) for line in document.foot), ""])


def chat_form(document: Document) -> str:
    """Short Markdown without tables, which chats do not draw."""
    lines = [f"**{document.title}**"]
    if document.stamp:
        lines.append(f"**{document.stamp}**")
    lines += [*(_escaped(plain(head)) for head in document.head), ""]
    lines += [f"{number}. {_escaped(plain(sentence))}" for number, sentence in enumerate(document.sentences, 1)]
    # Where all vendors are ranked, the tables of the first ones are on the page alone.
    is_ranked = any(isinstance(part, Table) for one in document.sections if one.name == "ranking" for part in one.parts)
    brief = BRIEF - {"hit-rates"} if is_ranked else BRIEF
    for section in document.sections:
        if section.name in brief:
            of_section = [f"- {_escaped(line)}" for line in _as_brief(section)]
            room = MAX_CHAT - sum(map(len, lines))
            lines += [
                "",
                f"**{section.title}**",
                *(of_section if section.name == "notes" else _fitting(of_section, room)),
            ]
    return "\n".join([*lines, "", *(_escaped(plain(line)) for line in document.foot), ""])


def _fitting(lines: list[str], room: int) -> list[str]:
    """The first lines, as many as there is room for, and how many there is none for."""
    n_fitting = sum(end <= room for end in accumulate(map(len, lines)))
    n_more = len(lines) - n_fitting
    return [*lines[:n_fitting], *([f"- {n_more} more lines are on the page."] if n_more else [])]


def opening(chat: str) -> str:
    """The start of the chat form, before the first section: title, as-of moment, and the three sentences."""
    return "\n\n".join(chat.split("\n\n")[:2])


def _as_text(section: Section) -> Iterable[str]:
    for part in section.parts:
        if isinstance(part, Table):
            if "plain" in part.forms:
                yield ""
                yield f"{part.caption}:"
                yield from (f"  {_row_line(part, row)}" for row in part.rows)
        elif isinstance(part, Chart):
            continue
        else:
            yield plain(part)


def _as_brief(section: Section) -> Iterable[str]:
    for part in section.parts:
        if isinstance(part, Table):
            if part.name.startswith(BRIEF_TABLES) and "plain" in part.forms:
                yield f"{part.caption}:"
                yield from (_row_line(part, row) for row in part.rows)
        elif not isinstance(part, Chart):
            yield plain(part)


def _row_line(table: Table, row: Row) -> str:
    """A row as one line: the first cell, then each other cell after its column's heading."""
    first, *others = row.cells
    named = []
    for column, cell in zip(table.columns[1:], others, strict=False):
        is_spanning = cell is row.cells[-1] and len(row.cells) < len(table.columns)
        heading = "" if is_spanning else f"{column.heading.replace(HOLD, ' ').removesuffix(' (95 %)')} "
        if plain(cell) != NO_VALUE:
            named.append(heading + plain(cell))
    return f"{plain(first)}: {'; '.join(named)}"


def _as_markdown(table: Table) -> Iterable[str]:
    yield f"**{_escaped(table.caption)}**"
    yield ""
    yield _line(column.heading.replace(HOLD, " ") for column in table.columns)
    yield _line("---:" if column.is_number else "---" for column in table.columns)
    for row in table.rows:
        cells = [_cell(cell) for cell in row.cells]
        yield _line(cells + [""] * (len(table.columns) - len(cells)))


def _cell(text: Text) -> str:
    return _escaped(plain(text)).replace("|", "\\|")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Text with Markdown's special characters escaped, because vendors' data is not markup."""
    for sign in ("\\", "`", "*", "_", "[", "]", "<", ">", "#"):
        text = text.replace(sign, f"\\{sign}")
    # A zero-width space after @, so that a chat does not notify a user or `@everyone`.
    return text.replace("@", "@\u200b")
