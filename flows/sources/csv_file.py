"""CSV bodies as they came: cells stay text, and a file that is not whole is refused with the row that shows it."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import duckdb

from flows.datasets import SURPLUS, Dataset
from flows.errors import SourceError
from flows.quoting import identifier, literal
from flows.sources.compression import count_bytes, open_text

DELIMITERS = (",", ";", "\t", "|")
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')

# A header may stand below a title, a separator line or blank lines, but not further down than this.
N_LINES_ABOVE = 10
N_SHOWN = 60
# Bytes of a file that is read once more for an open quote at its end, whatever its quotes add up to.
LARGE = 32 << 20

# DuckDB's limit of a line; the one of the csv module is shorter.
csv.field_size_limit(2 << 20)


@dataclass(frozen=True)
class _Head:
    """Where the header stands, how its cells are separated, and the names in it; or that the file has none."""

    n_lines_above: int
    delimiter: str
    names: tuple[str, ...]
    is_there: bool = True


@dataclass(frozen=True)
class CsvFile:
    """One CSV body of a dataset, under the source's name of it. `header` names the columns where the file does not."""

    dataset: Dataset
    path: Path
    name: str
    compression: str | None
    header: tuple[str, ...] = ()

    def select(self) -> str:
        """SQL for its rows. DuckDB checks each row's number of cells and every quote on the way.

        One thread reads it, because a line break inside quotes looks like the end of a row to a thread that begins in
        the middle of the file.
        """
        return f"select * from read_csv({self._arguments(self.columns)}, strict_mode = true) where {self._is_row}"

    def after(self, error: duckdb.Error) -> str:
        """SQL for the rows of a file that DuckDB refused in spite of every row being whole.

        Such are rows with cells beyond the header, which get a column of their own, and mixed line ends. Raises
        SourceError, naming the row, where a row is not whole, and with DuckDB's reason where none is found.
        """
        n_beyond = self._require_whole_rows(error)
        columns = (*self.columns, SURPLUS)
        select = "*" if n_beyond else f"* exclude ({identifier(SURPLUS)})"
        return (
            f"select {select} from read_csv({self._arguments(columns)}, strict_mode = false, null_padding = true) "
            f"where {self._is_row}"
        )

    def require_closed_quotes(self) -> None:
        """Raise SourceError where the file ends inside a quote: DuckDB drops such a last row without a word.

        Quotes come in pairs. Where they do, a large file is not read for it once more.
        """
        n_bytes, n_quotes = count_bytes(self.path, self.compression, b'"')
        if n_quotes % 2 == 0 and (n_quotes == 0 or n_bytes > LARGE):
            return
        number, lines = -int(self._head.is_there), _Lines([])
        try:
            with open_text(self.path, self.compression) as text:
                lines = _Lines(islice(text, self._head.n_lines_above, None))
                for cells in csv.reader(lines, delimiter=self._head.delimiter):
                    number += bool(cells)
                    lines.end_row()
            list(csv.reader(lines.of_last_row, delimiter=self._head.delimiter, strict=True))
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from error
        except csv.Error as error:
            # The file ends inside a cell, or one is longer than any text.
            if "end of data" in str(error):
                raise self._unclosed(number, lines.of_last_row[:1]) from error
            if "field larger" in str(error):
                raise self._unclosed(number + 1, lines.since[:1]) from error

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names in the header; a column without one, as pandas writes its index, is given one.

        Raises SourceError where a name comes twice.
        """
        if self.first_values is not None:
            raise SourceError(
                f"{self.dataset.name}: {self.name} has no header: its first row holds values "
                f"({_shown(self.first_values)}). Name its columns in their order in trackrecord.toml, as in "
                f'[{self.dataset.name}] header = ["open_time", "open", "high", "low", "close"]; `trackrecord map` '
                "proposes it. Nothing was changed."
            )
        names = [name or f"unnamed {place}" for place, name in enumerate(self._head.names, start=1)]
        seen = [name.lower() for name in names]
        twice = [name for place, name in enumerate(names) if name.lower() in seen[:place]]
        if twice:
            raise SourceError(
                f"{self.dataset.name}: {self.name} names the column {twice[0]} twice, and it is not clear which is "
                "meant. Deliver the file with one of them; nothing was changed."
            )
        return tuple(names)

    @property
    def _is_row(self) -> str:
        """SQL for whether a row is none that repeats the header, as files have it that were joined."""
        cells = (
            f"trim({identifier(own)}) = {literal(name)}"
            for own, name in zip(self.columns, self._head.names, strict=True)
            if name
        )
        return f"not coalesce({' and '.join(cells)}, false)"

    @cached_property
    def first_values(self) -> tuple[str, ...] | None:
        """The cells of the first row where that is no header, and none is declared."""
        return self._head.names if self._head.is_there and _are_values(self._head.names) else None

    @cached_property
    def _head(self) -> _Head:
        lines = self._first_lines()
        n_above, delimiter = 0, None
        while n_above < len(lines):
            text = lines[n_above].strip()
            if match := SEPARATOR_LINE.fullmatch(lines[n_above].strip("\r\n")):
                delimiter = match[1]
            elif text and not self._is_title(lines[n_above : n_above + 2]):
                break
            n_above += 1
        if n_above == len(lines):
            raise SourceError(
                f"{self.dataset.name}: {self.name} is empty; it lacks even a header. Deliver it again; nothing was "
                "changed."
            )
        delimiter = delimiter or self._delimiter(lines[n_above])
        try:
            names = next(csv.reader(lines[n_above:], delimiter=delimiter))
        except csv.Error as error:
            raise SourceError(
                f"{self.dataset.name}: the header of {self.name} cannot be read: {error}. Correct it and deliver "
                "again; nothing was changed."
            ) from error
        names = [" ".join(name.split()) for name in names]
        if not self.header:
            return _Head(n_above, delimiter, tuple(names))
        if len(names) != len(self.header):
            raise SourceError(
                f"{self.dataset.name}: trackrecord.toml names {len(self.header)} columns under [{self.dataset.name}] "
                f"header, and the first row of {self.name} has {len(names)} ({_shown(names)}). Correct it and run "
                "again; nothing was changed."
            )
        # Of the files of one exchange some may have a header.
        named = {name.lower() for name in names} & {*map(str.lower, self.header), *self.dataset.column_names}
        return _Head(n_above, delimiter, self.header, is_there=len(named) > 1 or _are_numbered(names))

    def _first_lines(self) -> list[str]:
        try:
            with open_text(self.path, self.compression) as text:
                return list(islice(text, N_LINES_ABOVE))
        except UnicodeDecodeError as error:
            raise self._not_utf8(error) from error

    def _is_title(self, lines: Sequence[str]) -> bool:
        """Whether the first of two lines has one cell and names no column, and the second has several and names one."""
        if len(lines) < 2:
            return False
        title, header = (max(map(len, self._splits(line))) for line in lines)
        return title == 1 and not self._n_known(lines[0]) and header > 1 and self._n_known(lines[1]) > 0

    def _delimiter(self, header: str) -> str:
        """The delimiter under which the header names most of the dataset's columns, or has most cells.

        Of a file without a header, that under which a row has as many cells as are declared.
        """
        cells = {one: _split(header, one) for one in DELIMITERS}
        return max(
            DELIMITERS,
            key=lambda one: (len(cells[one]) == len(self.header), len(self._known(cells[one])), len(cells[one])),
        )

    def _splits(self, line: str) -> list[list[str]]:
        return [_split(line, delimiter) for delimiter in DELIMITERS]

    def _n_known(self, line: str) -> int:
        return max(len(self._known(cells)) for cells in self._splits(line))

    def _known(self, cells: Sequence[str]) -> set[str]:
        return {cell.strip().lower() for cell in cells} & set(self.dataset.column_names)

    def _arguments(self, columns: Sequence[str]) -> str:
        fields = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
        return (
            f"{literal(str(self.path))}, skip = {self._head.n_lines_above}, header = {self._head.is_there}, "
            f"all_varchar = true, auto_detect = false, delim = {literal(self._head.delimiter)}, "
            f"quote = '\"', escape = '\"', columns = {{{fields}}}, parallel = false, hive_partitioning = false, "
            f"compression = '{self.compression or 'none'}'"
        )

    def _require_whole_rows(self, error: duckdb.Error) -> int:
        """How many rows have cells beyond the header. Raises SourceError for the first row that is not whole."""
        n_columns, n_beyond = len(self.columns), 0
        try:
            for number, cells, is_broken in self._rows():
                if len(cells) != n_columns and is_broken:
                    raise self._unclosed(number, cells)
                if len(cells) > n_columns:
                    n_beyond += 1
                elif len(cells) < n_columns and "".join(cells).strip():
                    raise SourceError(
                        f"{self.dataset.name}: {self.name} row {number} has {len(cells)} of {n_columns} cells "
                        f"({_shown(cells)}): it was cut, or the file is still being written. Deliver the whole file "
                        "again; nothing was changed."
                    )
        except UnicodeDecodeError as found:
            raise self._not_utf8(found) from found
        if not n_beyond and "invalid state" not in str(error) and "Expected Number of Columns" not in str(error):
            raise SourceError(
                f"{self.dataset.name}: {self.name} cannot be read as CSV: {reason_of(error)} Correct the file and "
                "deliver it again; nothing was changed."
            ) from error
        return n_beyond

    def _rows(self) -> Iterator[tuple[int, list[str], bool]]:
        """Each row's number, the first below the header being 1, its cells, and whether one has a line break.

        Raises SourceError for a quote that is not closed.
        """
        with open_text(self.path, self.compression) as text:
            for _ in islice(text, self._head.n_lines_above):
                pass
            reader = csv.reader(text, delimiter=self._head.delimiter, strict=True)
            number = -int(self._head.is_there)
            while True:
                n_lines = reader.line_num
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    line = self._line_after(n_lines)
                    if '"' not in line[0]:
                        return
                    raise self._unclosed(number + 1, line) from error
                if cells is None:
                    return
                # The header is row 0; blank lines are no rows.
                number += bool(cells)
                if cells and number > 0:
                    yield number, cells, reader.line_num > n_lines + 1

    def _line_after(self, n_lines: int) -> list[str]:
        """The line that follows so many lines, counted from the header, as one cell."""
        with open_text(self.path, self.compression) as text:
            return [next(islice(text, self._head.n_lines_above + n_lines, None), "").rstrip("\r\n")]

    def _unclosed(self, number: int, cells: Sequence[str]) -> SourceError:
        return unclosed(self.dataset, self.name, number, ",".join(cells))

    def _not_utf8(self, error: UnicodeDecodeError) -> SourceError:
        return SourceError(f"{self.dataset.name}: {self.name} is not UTF-8 ({error}). Save it as UTF-8 and run again.")


class _Lines:
    """The lines of a text, with those of the row that is being read and of the one before."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.since: list[str] = []
        self.of_last_row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.since.append(line)
        return line

    def end_row(self) -> None:
        self.of_last_row, self.since = self.since, []


def unclosed(dataset: Dataset, name: str, number: int, text: str) -> SourceError:
    """The error about a quote that swallows the rows that follow."""
    return SourceError(
        f"{dataset.name}: {name} row {number} opens a quote that is not closed ({_shown([text])}); the rows that "
        "follow are lost in it. Close the quote, or double it where it belongs to the text, and deliver again; "
        "nothing was changed."
    )


def reason_of(error: duckdb.Error) -> str:
    """DuckDB's reason for refusing a file, without its advice about its own settings."""
    lines = []
    for line in str(error).splitlines():
        if line.startswith(("Possible", "* ", "  file =", "LINE ")):
            break
        lines.append(line.strip())
    return " ".join(filter(None, lines)).rstrip(".") + "."


def _shown(cells: Sequence[str]) -> str:
    text = ",".join(cells).replace("\r", " ").replace("\n", " ")
    return text if len(text) <= N_SHOWN else text[:N_SHOWN] + "…"


def _are_values(cells: Sequence[str]) -> bool:
    """Whether cells are values and no names: three or more are numbers, and as many as the others."""
    n_numbers = sum(NUMBER.fullmatch(cell.strip()) is not None for cell in cells)
    return n_numbers >= 3 and 2 * n_numbers >= len(cells)


def _are_numbered(cells: Sequence[str]) -> bool:
    """Whether cells count from 0, as a table without names is written by pandas."""
    return list(cells) == [str(number) for number in range(len(cells))]


def _split(line: str, delimiter: str) -> list[str]:
    """The cells of a line; of one that is too long for a header, none."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
