"""The site around the digests: list of weeks, scorecard over time, data dictionary and methodology."""

import json
from pathlib import Path
from typing import Any

import duckdb
from markdown_it import MarkdownIt
from markupsafe import Markup

from flows.config import ROOT
from flows.report.digest.archive import digest_schema, write_whole
from flows.report.digest.document import Column, Figure, Row, Table, Text
from flows.report.digest.formats import written
from flows.report.digest.forms import environment
from flows.report.digest.sentences import bars
from flows.report.ranking import MOST_VENDORS

# The pooled scorecard of each vendor, timeframe and horizon as published week by week.
OVER_TIME = """
select
    published_as_of, vendor, timeframe, horizon, n_calls, n_effective, hit_rate, hit_rate_low, hit_rate_high,
    base_rate, edge, edge_low, edge_high, is_reportable
from marts.scorecard_history
where
    sector = 'all' and direction = 'both' and provenance = 'all' and entry_rule = 'next_open' and n_calls > 0
    and vendor in (select unnest($vendors))
order by vendor, timeframe, horizon, published_as_of desc
"""

# The vendors whose past is shown: the first of the newest ranking, where there are many.
VENDORS = """
select vendor
from marts.vendor_ranking
group by vendor
order by min(rank) nulls last, max(if(next_open_is_reportable, next_open_selection_low, null)) desc nulls last, vendor
"""

DICTIONARY = """
select
    tables.schema_name || '.' || tables.table_name as name, tables.comment as about,
    list((columns.column_name, lower(columns.data_type), columns.comment) order by columns.column_index) as columns
from (
    select schema_name, table_name, comment, internal from duckdb_tables()
    union all
    select schema_name, view_name, comment, internal from duckdb_views()
) as tables
inner join duckdb_columns() as columns using (schema_name, table_name)
where not tables.internal and tables.schema_name in ('core', 'marts', 'ops')
group by all
order by name
"""


def write_site(published: Path, reports: Path) -> None:
    """Write `index.html`, `dictionary.html`, `methodology.html` and the digest's JSON schema."""
    reports.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(published), read_only=True) as file:
        vendors = [row["vendor"] for row in _rows(file, VENDORS)]
        history = _rows(file, OVER_TIME, vendors=vendors[:MOST_VENDORS])
        dictionary = _rows(file, DICTIONARY)
    weeks = [json.loads(path.read_bytes()) for path in sorted(reports.glob("*-W*/digest.json"), reverse=True)]
    made = environment()
    made.filters["sort_value"] = lambda cell: cell[0].value if isinstance(cell[0], Figure) else cell[0]
    methodology = Markup(
        MarkdownIt("commonmark").enable("table").render((ROOT / "docs" / "methodology.md").read_text(encoding="utf-8"))
    )
    pages: dict[str, str] = {
        "index.html": made.get_template("index.html").render(
            weeks=weeks,
            tables=_over_time(history),
            n_shown=min(len(vendors), MOST_VENDORS),
            n_vendors=len(vendors),
            is_simulated=any(week["is_simulated"] for week in weeks),
        ),
        "dictionary.html": made.get_template("dictionary.html").render(tables=dictionary),
        "methodology.html": made.get_template("methodology.html").render(text=methodology),
    }
    for name, text in pages.items():
        write_whole(reports / name, f"{text}\n".encode())
    write_whole(reports / "digest.schema.json", digest_schema())


def _over_time(history: list[dict[str, Any]]) -> list[Table]:
    """One table a vendor, timeframe and horizon, the newest week first."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in history:
        key = (row["vendor"], row["timeframe"], row["horizon"])
        groups.setdefault(key, []).append(Row(tuple(_cells(row))))
    columns = (
        Column("published as of"),
        Column("calls", True),
        Column("worth", True),
        Column("hit rate (95 %)", True),
        Column("base", True),
        Column("edge, points (95 %)", True),
    )
    return [
        Table(f"over-time-{number}", f"{vendor}, calls held for {bars(horizon, timeframe)}", columns, tuple(rows))
        for number, ((vendor, timeframe, horizon), rows) in enumerate(groups.items())
    ]


def _cells(row: dict[str, Any]) -> list[Text]:
    def one(name: str, kind: str, text: str | None = None) -> Text:
        return (Figure(name, text or written(row[name], kind), str(row[name])),)

    cells = [one("published_as_of", "moment"), one("n_calls", "count")]
    if not row["is_reportable"]:
        return [*cells, (f"too few (n = {row['n_calls']:,})",)]
    rate = f"{written(row['hit_rate'], 'percent')} ({_between(row, 'hit_rate', 'number')})"
    edge = f"{written(row['edge'], 'signed')} ({_between(row, 'edge', 'signed')})"
    return [
        *cells,
        one("n_effective", "count"),
        one("hit_rate", "percent", rate),
        one("base_rate", "percent"),
        one("edge", "signed", edge),
    ]


def _between(row: dict[str, Any], name: str, kind: str) -> str:
    return f"{written(row[f'{name}_low'], kind)} to {written(row[f'{name}_high'], kind)}"


def _rows(file: duckdb.DuckDBPyConnection, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    cursor = file.execute(sql, parameters or None)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
