"""`trackrecord map`: a `trackrecord.toml` for a folder of another tool's files, proposed from what is seen in them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import duckdb

from flows.datasets import DATASETS, Column, Dataset
from flows.errors import SourceError, UsageError
from flows.quoting import identifier
from flows.sources.compression import compression_of, open_text
from flows.sources.csv_file import DELIMITERS, N_LINES_ABOVE, CsvFile
from flows.sources.declaration import file_pattern
from flows.sources.file_names import has_token_place, name_pattern, shape_of, without_symbol
from flows.sources.folder import SUFFIXES, files_where, stem_of
from flows.sources.guesses import (
    ALIASES,
    core_of,
    decimal_of,
    direction_of,
    formats_of,
    header_of,
    level_of,
    open_decimal,
    plain,
    timeframe_of,
    toml_key,
    toml_value,
)
from flows.timeframes import DAILY, DAY_SECONDS, TIMEFRAMES

PLAIN_MOMENT = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d[\d:.,]*( ?(Z|UTC|GMT|[+-]\d\d(:?\d\d)?))?)?|\d{9,19}(\.\d+)?", re.IGNORECASE
)
DATE_IN_DIGITS = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-3]\d)(\d{4}|\d{6})?")
N_ROWS = 5_000
N_OTHERS = 5
# What a file is called in messages before it is known which dataset it is of.
UNKNOWN = "a file"
# Files in which other tools keep data, by their suffix.
OTHERS = {
    ".json": "JSON",
    ".jsonl": "JSON",
    ".xlsx": "an Excel workbook",
    ".xls": "an Excel workbook",
    ".ods": "a workbook",
    ".zip": "a ZIP archive",
    ".feather": "a Feather file",
    ".pkl": "a pickle",
    ".h5": "HDF5",
    ".db": "a database",
    ".sqlite": "a database",
    ".html": "HTML",
}
CURE_OF_OTHERS = "save its table as CSV or Parquet, or unpack it."
N_WORDS = 40

PRICES = ("open", "high", "low", "close")
# A file without them is none of the dataset.
ESSENTIAL = {
    "prices": ("bar_start", "close"),
    "signals": ("signal_at", "direction"),
    "tokens": ("symbol",),
}
# What a file of signals may have beside the columns of the input format, and what a token may be named by.
BESIDE = {"signals": ("symbol", "stop_price", "target_price", "expires_at"), "prices": ("symbol",), "tokens": ()}
# How rows begin that end a trade.
EXITS = ("exit", "close")
WORDS_OF = {"timeframe": timeframe_of, "direction": direction_of, "trend": direction_of, "side": level_of}


@dataclass
class Sample:
    """A file, or several of one form: the columns in order, and the texts of the first rows by column."""

    names: list[str]
    columns: dict[str, list[str]]
    kinds: dict[str, str]
    # The names that are proposed where the files have none.
    header: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass
class Section:
    """What is proposed of one dataset: a table of `trackrecord.toml`, and what could not be recognized."""

    dataset: str
    keys: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    open_questions: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The section as TOML; nothing where the files can be read as they are."""
        found = [f"{key} = {value}" for key, value in self.keys.items()]
        lines = [f"[{self.dataset}]", *found, ""] if found else []
        for name, table in self.tables.items():
            if table:
                pairs = [f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items()]
                lines += [f"[{self.dataset}.{name}]", *pairs, ""]
        return lines


def propose(folder: Path) -> str:
    """The text of a `trackrecord.toml` for a folder: what is sure as keys, what is not as comments above them.

    Raises UsageError where there is no folder, SourceError where there is nothing to read in it or what lies in it is
    refused by every run, as a link that leaves it is.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Name the one that holds the files.")
    samples, unread = _samples(folder)
    others = _others(folder)
    if not samples:
        raise SourceError(
            " ".join(
                (
                    f"{folder} holds no file that can be read; read are {', '.join(SUFFIXES)}, and these as .gz or "
                    ".zst.",
                    *unread,
                    *others,
                )
            )
        )
    by_dataset = _by_dataset(samples)
    sections = [
        _section(dataset, by_dataset[dataset.name]) for dataset in DATASETS.values() if dataset.name in by_dataset
    ]
    if "tokens" not in by_dataset:
        sections.insert(0, _tokens_from(by_dataset))
    _match_symbols(sections, by_dataset)
    _settle_timeframes(sections, by_dataset)
    notes = [f"{one.dataset}: {question}" for one in sections for question in one.open_questions]
    taken = {name for one in by_dataset.values() for name in one.names}
    notes += unread
    notes += [_unrecognized(one) for one in samples if one.name not in taken]
    notes += others
    notes += [
        f"{name}: no file of it was found; it is required." for name in ("prices", "signals") if name not in by_dataset
    ]
    head = [f"# How trackrecord reads {folder.resolve().name}, proposed by `trackrecord map`. Look it over before use."]
    if notes:
        head += ["#", "# What could not be recognized, and is yours to settle:", *(f"# - {note}" for note in notes)]
    body = [line for one in sections for line in one.lines()]
    return "\n".join([*head, "", *body]).rstrip() + "\n"


def _samples(folder: Path) -> tuple[list[Sample], list[str]]:
    """The files of a folder, those of one form as one, and a sentence about each that cannot be read."""
    found, unread = [], []
    for file in sorted(files_where(folder, lambda name: stem_of(name) is not None), key=lambda one: one.name):
        try:
            found.append(_sample(file.path, file.name))
        except SourceError as error:
            unread.append(str(error).removeprefix(f"{UNKNOWN}: "))
        except (duckdb.Error, OSError):
            unread.append(f"{file.name}: it cannot be read.")
    groups: dict[tuple[str, ...], list[Sample]] = {}
    for one in found:
        columns = (without_symbol(column, one.name) for column in one.columns)
        groups.setdefault((*shape_of(one.name), *columns), []).append(one)
    return [_merged(group) for group in groups.values()], unread


def _merged(group: list[Sample]) -> Sample:
    first = group[0]
    if len(group) == 1:
        return first
    # A column may have the symbol in its name, so that the same place counts.
    places = zip(*(one.columns.values() for one in group[:20]), strict=True)
    columns = {
        name: [text for texts in of_files for text in texts[:200]]
        for name, of_files in zip(first.columns, places, strict=True)
    }
    return Sample([one.name for one in group], columns, first.kinds, first.header)


def _sample(path: Path, name: str) -> Sample:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        header: tuple[str, ...] = ()
        if name.lower().endswith(".parquet"):
            rows = connection.read_parquet(str(path))
        else:
            compression = compression_of(path)
            file = CsvFile(_known_names(path, compression), path, name, compression)
            if file.first_values is not None:
                places = tuple(f"column {place}" for place in range(1, len(file.first_values) + 1))
                file = CsvFile(file.dataset, path, name, compression, places)
                header = places
            rows = connection.sql(file.select())
        limited = rows.limit(N_ROWS)
        kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
        cells = ", ".join(f"{identifier(one)}::varchar as {identifier(one)}" for one in rows.columns)
        texts = limited.project(cells).fetchall()
    columns = {
        column: [str(row[place]).strip() for row in texts if row[place] is not None and str(row[place]).strip()]
        for place, column in enumerate(kinds)
    }
    if header:
        header = header_of(list(columns.values()), lambda cells: _moments(cells) is not None)
        columns = dict(zip(header, columns.values(), strict=True))
        kinds = dict(zip(header, kinds.values(), strict=True))
    return Sample([name], columns, kinds, header)


def _known_names(path: Path, compression: str | None) -> Dataset:
    """A dataset of the names in a file's first lines that are aliases of ours, by which its header is found."""
    try:
        with open_text(path, compression) as text:
            lines = list(islice(text, N_LINES_ABOVE))
    except UnicodeDecodeError:
        lines = []
    cells = {cell.strip().strip('"').lower() for line in lines for one in DELIMITERS for cell in line.split(one)}
    aliases = {alias for names in ALIASES.values() for alias in names}
    columns = tuple(Column(cell, "VARCHAR") for cell in sorted(cells) if plain(cell) in aliases)
    return Dataset(UNKNOWN, "", columns, key=())


def _others(folder: Path) -> list[str]:
    """A sentence about each file in which another tool may keep data, and which no run reads."""
    found = files_where(folder, lambda name: Path(name).suffix.lower() in OTHERS)
    return [
        f"{one.name}: {OTHERS[Path(one.name).suffix.lower()]} is not read; {CURE_OF_OTHERS}" for one in found[:N_OTHERS]
    ]


def _unrecognized(sample: Sample) -> str:
    if sample.header and not set(PRICES) <= set(sample.header):
        first = ", ".join(texts[0] if texts else "" for texts in sample.columns.values())
        return (
            f"{sample.name}: it has no header, and its columns ({first}) could not be recognized. Name them in their "
            'order, as in header = ["open_time", "open", "high", "low", "close"].'
        )
    return f"{sample.name}: could not be recognized as {', '.join(DATASETS)}; it is not read."


def _by_dataset(samples: Sequence[Sample]) -> dict[str, Sample]:
    """The sample that fits each dataset best: by its name, or by the columns that it has."""
    found: dict[str, Sample] = {}
    for one in samples:
        own = Path(one.name).parts[0].split(".")[0].lower()
        if own in DATASETS:
            found.setdefault(own, one)
    rest = [one for one in samples if not any(one is taken for taken in found.values())]
    for dataset in ("prices", "signals", "tokens"):
        fitting = [one for one in rest if dataset not in found and _fits(dataset, one)]
        if fitting:
            best = max(fitting, key=lambda one: len(_columns(DATASETS[dataset], one)))
            found[dataset] = best
            rest = [one for one in rest if one is not best]
    return found


def _fits(dataset: str, sample: Sample) -> bool:
    ours = set(_columns(DATASETS[dataset], sample).values())
    if dataset == "prices":
        is_priced = set(PRICES) <= ours or plain("price") in {plain(name) for name in sample.columns}
        return (
            "bar_start" in ours and is_priced and "direction" not in set(_columns(DATASETS["signals"], sample).values())
        )
    if dataset == "tokens":
        return "symbol" in ours and bool({"name", "categories", "sector"} & ours)
    return set(ESSENTIAL[dataset]) <= ours


def _columns(dataset: Dataset, sample: Sample) -> dict[str, str]:
    """Their columns to ours: each of ours by the likeliest of its aliases that is not taken."""
    plain_names: dict[str, str] = {}
    for name in sample.columns:
        plain_names.setdefault(plain(name), name)
    wanted = [*dataset.column_names, *BESIDE.get(dataset.name, ())]
    found: dict[str, str] = {}
    own = {name.lower(): name for name in sample.columns}
    for ours in dict.fromkeys(wanted):
        if ours in own:
            found[own[ours]] = ours
    for ours in dict.fromkeys(wanted):
        if ours in found.values() or (ours == "token_id" and "symbol" in found.values()):
            continue
        for alias in ALIASES.get(ours, ()):
            # A longer name is another thing where it is about a side: the size of a position.
            theirs = plain_names.get(alias) or (None if ours == "direction" else _longest(alias, plain_names))
            if theirs is not None and theirs not in found and _is_plausible(ours, sample, theirs):
                found[theirs] = ours
                break
    return found


def _longest(alias: str, plain_names: Mapping[str, str]) -> str | None:
    """The column whose name begins with an alias of some length, as `Price USDT` or `Date/Time (UTC)` do."""
    if len(alias) < 5:
        return None
    return next((name for one, name in plain_names.items() if one.startswith(alias)), None)


def _is_plausible(ours: str, sample: Sample, theirs: str) -> bool:
    """Whether the texts of a column can be what it is taken for."""
    texts = sample.columns[theirs]
    if not texts:
        return ours not in ("direction", "signal_at", "bar_start")
    if ours == "direction":
        return _sides(texts) is not None or set(map(str.lower, texts)) <= {"true", "false"}
    if ours in ("signal_at", "bar_start", "known_at", "expires_at"):
        return _moments(texts[:200]) is not None
    if ours == "symbol":
        return all(re.search("[A-Za-z]", text) for text in texts)
    if ours == "token_id":
        return all(re.fullmatch(r"\d+", text) for text in texts)
    return True


def _sides(texts: Iterable[str]) -> dict[str, str] | None:
    """The sides of a column's words; None where most are no words for a side."""
    counts = Counter(texts)
    known = {text: side for text in counts if (side := _side(text)) is not None}
    n_known = sum(counts[text] for text in known)
    return known if 2 * n_known > sum(counts.values()) and set(known.values()) & {"1", "-1"} else None


def _side(text: str) -> str | None:
    return text if text in ("-1", "0", "1") else direction_of(text)


def _moments(texts: Sequence[str]) -> list[str] | None:
    """The formats in which texts are moments: none needed where they are read as they are, None where they are none."""
    if all(PLAIN_MOMENT.fullmatch(text) and not DATE_IN_DIGITS.fullmatch(text) for text in texts):
        return []
    return formats_of(texts) or None


def _section(dataset: Dataset, sample: Sample) -> Section:
    section = Section(dataset.name)
    pairs = _columns(dataset, sample)
    _name_files(section, dataset, sample, pairs)
    if sample.header:
        section.keys["header"] = _header_toml(sample)
    renamed = {theirs: ours for theirs, ours in pairs.items() if theirs.lower() != ours}
    section.tables["columns"] = renamed
    columns = {ours: theirs for theirs, ours in pairs.items()}
    if dataset.name == "prices" and "close" in columns and not set(PRICES) <= set(columns):
        section.open_questions.append(
            f"{columns['close']} is taken for the close alone; open, high and low are missing. Bars need all four: a "
            "price of one moment is none, take the OHLC export instead."
        )
    if dataset.name == "prices" and "close" not in columns:
        price = next((name for name in sample.columns if plain(name) == "price"), None)
        one_price = f"{price} is the price of one moment, and no bar. Take the OHLC export instead: " if price else ""
        section.open_questions.append(f"{one_price}open, high, low and close were not found; bars need all four.")
    for ours in ("signal_at", "bar_start", "direction"):
        if ours in dataset.column_names and ours not in columns:
            section.open_questions.append(
                f"no column could be recognized as {ours}; there are {', '.join(sample.columns)}."
            )
    _words(section, sample, columns)
    _forms(section, dataset, sample, columns)
    if dataset.name == "prices" and "volume_usd" not in columns:
        volumes = [name for name in sample.columns if "vol" in name.lower()]
        if volumes:
            section.open_questions.append(
                f"{volumes[0]} may be in coins and not in USD; where it is in USD, name it volume_usd under columns."
            )
    return section


def _name_files(section: Section, dataset: Dataset, sample: Sample, pairs: dict[str, str]) -> None:
    """Name the files where they have not the dataset's name, and the symbol where only their names have it."""
    own = Path(sample.name).parts[0].split(".")[0].lower()
    has_token = {"symbol", "token_id"} & set(pairs.values())
    if own == dataset.name and has_token:
        return
    pattern = name_pattern(
        sample.names,
        has_symbol=bool(has_token),
        has_timeframe=not dataset.has_timeframe or "timeframe" in pairs.values(),
    )
    if not has_token and has_token_place(pattern):
        section.open_questions.append(
            f'the symbol is taken from the file\'s name, as "{pattern}" has it: the first is '
            f"{_in_name(sample.names[0], pattern, 'symbol')}."
        )
    elif not has_token:
        section.open_questions.append(
            f"no column could be recognized as the symbol, and the name {sample.name} has none; there are "
            f"{', '.join(sample.columns)}."
        )
    section.keys["file"] = toml_value(pattern)


def _header_toml(sample: Sample) -> str:
    return "[" + ", ".join(toml_value(name) for name in sample.header) + "]"


def _in_name(name: str, pattern: str, column: str) -> str:
    """What a placeholder of a pattern stands for in a file's name."""
    match = file_pattern(pattern).fullmatch(name)
    return match[column] if match else ""


def _words(section: Section, sample: Sample, columns: Mapping[str, str]) -> None:
    """Propose our values for the words of columns that have a few values only."""
    for ours, guess in WORDS_OF.items():
        theirs = columns.get(ours)
        if theirs is None:
            continue
        is_short = plain(theirs) == "isshort"
        words, unknown = {}, []
        for text, _ in Counter(sample.columns[theirs]).most_common(N_WORDS):
            value = {"true": "-1", "false": "1"}.get(text.lower()) if is_short else guess(text)
            if re.fullmatch(r"[+-]?[01](\.0+)?", text) and ours in ("direction", "trend"):
                continue
            if value is None:
                unknown.append(text)
            elif value != text:
                words[text] = value
        if words:
            section.tables[f"words.{ours}"] = words
        if unknown:
            section.open_questions.append(
                f"{theirs} has values that could not be recognized as a {ours}: {', '.join(unknown[:5])}. "
                f"Name them under [{section.dataset}.words.{ours}], or their rows are refused."
            )


def _forms(section: Section, dataset: Dataset, sample: Sample, columns: Mapping[str, str]) -> None:
    """Propose the forms of moments and numbers that are not read as they are."""
    formats: dict[str, list[str]] = {}
    numbers: list[str] = []
    for column in dataset.columns:
        theirs = columns.get(column.name)
        if theirs is None or not sample.columns[theirs] or sample.kinds[theirs] != "VARCHAR":
            continue
        if column.type == "TIMESTAMP":
            found = _moments(sample.columns[theirs])
            if found is None:
                section.open_questions.append(
                    f"the moments of {theirs} could not be read, such as {sample.columns[theirs][0]}; "
                    f"declare datetime_format."
                )
            elif found:
                formats[column.name] = found
        elif column.type == "DOUBLE":
            numbers += sample.columns[theirs]
    if formats:
        firsts = {name: found[0] for name, found in formats.items()}
        pairs = ", ".join(f"{name} = {toml_value(one)}" for name, one in firsts.items())
        section.keys["datetime_format"] = f"{{ {pairs} }}"
        for name, found in formats.items():
            if len(found) > 1:
                section.open_questions.append(
                    f"{columns[name]} is a moment in {found[0]} as in {', '.join(found[1:3])}, "
                    f"such as {sample.columns[columns[name]][0]}: see which is meant."
                )
    if (mark := decimal_of(numbers)) is not None:
        section.keys["decimal"] = toml_value(mark)
    elif (text := open_decimal(numbers)) is not None:
        section.open_questions.append(
            f'of {text} it cannot be known whether its comma is a decimal mark: declare decimal = "," or ".".'
        )


def _tokens_from(by_dataset: Mapping[str, Sample]) -> Section:
    """Tokens from the symbols of the prices, where no file lists them."""
    section = Section("tokens")
    dataset = next((name for name in ("prices", "signals") if name in by_dataset), None)
    if dataset is None:
        return section
    other = _section(DATASETS[dataset], by_dataset[dataset])
    symbol = next((theirs for theirs, ours in other.tables["columns"].items() if ours == "symbol"), None)
    sample = by_dataset[dataset]
    # A token is in no timeframe: what a name has of one is left open.
    section.keys["file"] = re.sub(r"\{timeframe\}", "*", other.keys.get("file") or toml_value(sample.name))
    if sample.header:
        section.keys["header"] = _header_toml(sample)
    if symbol:
        section.tables["columns"] = {symbol: "symbol"}
    section.open_questions.append(
        f"no file lists the tokens; they are taken from the symbols of {dataset}. Sectors need a tokens.csv with "
        "symbol, name and categories."
    )
    return section


def _match_symbols(sections: Sequence[Section], by_dataset: Mapping[str, Sample]) -> None:
    """Propose the symbols of the prices for those that the signals spell in another way."""
    spelled = {section.dataset: _symbols(section, by_dataset) for section in sections if section.dataset in by_dataset}
    known = set(spelled.get("tokens") or spelled.get("prices") or ())
    if not known:
        return
    by_core = {core_of(symbol): symbol for symbol in sorted(known, key=len, reverse=True)}
    for section in sections:
        others = [
            one for one in spelled.get(section.dataset, ()) if one.upper() not in {name.upper() for name in known}
        ]
        words = {one: by_core[core_of(one)] for one in others if core_of(one) in by_core}
        if words:
            section.tables["words.symbol"] = words
        rest = sorted({one for one in others if one not in words})
        if rest:
            section.open_questions.append(
                f"no token is called {', '.join(rest[:5])}{', …' if len(rest) > 5 else ''}; name them under "
                f"[{section.dataset}.words.symbol], or their rows are refused."
            )


def _symbols(section: Section, by_dataset: Mapping[str, Sample]) -> list[str]:
    """The symbols of a dataset's files, as they spell them."""
    sample = by_dataset[section.dataset]
    pattern = section.keys.get("file", '""')[1:-1]
    if has_token_place(pattern):
        return sorted({_in_name(name, pattern, "symbol") for name in sample.names})
    theirs = next(
        (name for name, ours in _columns(DATASETS[section.dataset], sample).items() if ours == "symbol"), None
    )
    return sorted(set(sample.columns[theirs])) if theirs else []


def _settle_timeframes(sections: Sequence[Section], by_dataset: Mapping[str, Sample]) -> None:
    """Propose a timeframe where no column has it: that of the spacing of bars, and of signals that of the prices."""
    of_prices = None
    for section in sections:
        dataset = DATASETS[section.dataset]
        if not dataset.has_timeframe or section.dataset not in by_dataset:
            continue
        sample = by_dataset[section.dataset]
        pairs = _columns(dataset, sample)
        columns = {ours: theirs for theirs, ours in pairs.items()}
        if "timeframe" in columns:
            words = section.tables.get("words.timeframe", {})
            seen = [words.get(text, text) for text in sample.columns[columns["timeframe"]]]
            of_prices = Counter(seen).most_common(1)[0][0] if section.dataset == "prices" and seen else of_prices
        elif "{timeframe}" in section.keys.get("file", ""):
            pattern = section.keys["file"][1:-1]
            seen = [_in_name(name, pattern, "timeframe") for name in sample.names]
            known = {text: ours for text in seen if (ours := timeframe_of(text)) and ours != text}
            section.tables["words.timeframe"] = known
            usual = Counter(known.get(text, text) for text in seen).most_common(1)[0][0]
            of_prices = usual if section.dataset == "prices" else of_prices
        else:
            found = _spacing(section, sample, columns) if section.dataset == "prices" else of_prices
            if found is None:
                section.open_questions.append('no timeframe was found; "1d" is proposed.')
            section.tables.setdefault("constants", {})["timeframe"] = found or DAILY
            of_prices = found if section.dataset == "prices" else of_prices
        if section.dataset == "signals":
            _settle_events(section, sample, columns)


def _spacing(section: Section, sample: Sample, columns: Mapping[str, str]) -> str | None:
    """The timeframe whose length most bars of one token are apart."""
    if "bar_start" not in columns:
        return None
    moments = sorted(set(_read(section, sample.columns[columns["bar_start"]], "bar_start")))
    gaps = Counter(int((later - earlier).total_seconds()) for earlier, later in pairwise(moments))
    seconds = gaps.most_common(1)[0][0] if gaps else 0
    return next((name for name, one in TIMEFRAMES.items() if one.seconds == seconds), None)


def _settle_events(section: Section, sample: Sample, columns: Mapping[str, str]) -> None:
    """Propose how signals are meant: alerts and trades by sides alone, and moments that lie off every grid."""
    if "signal_at" not in columns or "direction" not in columns:
        return
    words = section.tables.get("words.direction", {})
    texts = set(sample.columns[columns["direction"]])
    neutral = {text.lower() for text in texts if words.get(text, text) == "0"}
    if neutral and all(text.startswith(EXITS) for text in neutral) and "trend" not in columns:
        section.keys["style"] = '"events"'
        section.open_questions.append(
            f'rows such as {min(neutral)} end a trade, so each other row is taken for one: style = "events".'
        )
    elif not neutral and "trend" not in columns:
        section.keys["style"] = '"events"'
        section.open_questions.append(
            'no row is neutral, so each is taken for an alert or a trade of its own: style = "events". Where a row '
            "gives the side that the vendor is on, leave that out."
        )
    moments = _read(section, sample.columns[columns["signal_at"]], "signal_at")
    seconds = TIMEFRAMES[section.tables.get("constants", {}).get("timeframe", DAILY)].seconds
    if any((moment - datetime(1970, 1, 1)).total_seconds() % min(seconds, DAY_SECONDS) for moment in moments):
        section.keys["moment"] = '"published"'
        section.open_questions.append(
            'the moments lie off the grid and are taken for when each row was published: moment = "published".'
        )


def _read(section: Section, texts: Sequence[str], column: str) -> list[datetime]:
    """The moments of texts, as far as they can be read here."""
    match = re.search(rf'{column} = "([^"]+)"', section.keys.get("datetime_format", ""))
    found = []
    for text in texts:
        try:
            if match:
                found.append(datetime.strptime(text, match[1]))
            elif re.fullmatch(r"\d{9,19}(\.0)?", text):
                digits = text.split(".")[0]
                seconds = int(digits) / 10 ** (max(0, len(digits) - 10) // 3 * 3)
                found.append(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))
            else:
                plain_text = text.replace(" UTC", "+00:00").replace("/", "-")
                moment = datetime.fromisoformat(plain_text)
                found.append(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)
        except ValueError:
            continue
    return found
