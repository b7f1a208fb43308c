"""Contract, sections 8.7 and 9: all vendors in one list, by the lower end of the interval, with one correction."""

import re
from pathlib import Path

import duckdb
import pytest

from flows.config import SQL_DIR, Settings
from flows.warehouse.render import Renderer
from tests.exact import expect
from tests.warehouse.scene import Scene

CARD = (
    "vendor, timeframe, entry_rule, n_calls, is_reportable, selection_edge, selection_low, selection_high, "
    "selection_p, selection_e"
)


def test_the_small_market_has_no_reportable_vendor(second_night: Scene) -> None:
    """Vendor v reports without a known_at, so that nothing of it could be traded; at 2 days w has calls of one day."""
    second_night.expect(
        "marts.vendor_ranking",
        "rank, vendor, timeframe, horizon, n_calls, is_reportable, next_open_n_calls, next_open_is_reportable",
        (None, "v", "1d", 2, 0, False, 4, False),
        (None, "v", "1h", 2, 0, False, 2, False),
        (None, "w", "1d", 2, 2, False, 2, False),
        (None, "w", "1h", 2, 1, False, 1, False),
    )
    second_night.expect(
        "marts.vendor_ranking",
        "vendor, next_open_selection_edge, next_open_selection_low, next_open_selection_high, next_open_selection_p",
        *second_night.rows(
            "select vendor, selection_edge, selection_low, selection_high, selection_p from marts.signal_scorecard "
            "where vendor = 'v' and timeframe = '1d' and sector = 'all' and direction = 'both' and horizon = 2 "
            "and provenance = 'all' and entry_rule = 'next_open'"
        ),
        where="vendor = 'v' and timeframe = '1d'",
    )


@pytest.fixture
def ranked() -> duckdb.DuckDBPyConnection:
    """The ranking's own select, over cards that a test inserts into `card`; every vendor of `v` has a feed."""
    connection = duckdb.connect()
    connection.execute(
        f"""
        create schema marts;
        create schema work;
        create table card ({CARD.replace(",", " double,").replace("vendor double", "vendor varchar")} double);
        alter table card alter timeframe type varchar;
        alter table card alter entry_rule type varchar;
        alter table card alter n_calls type bigint;
        alter table card alter is_reportable type boolean;
        create view marts.signal_scorecard as
        select *, 'all' as sector, 'both' as direction, 'all' as provenance, if(timeframe = '1d', 7, 24) as horizon
        from card;
        create view work.coverage as select distinct vendor, timeframe from card;
        """
    )
    return connection


def _rank(connection: duckdb.DuckDBPyConnection, *cards: tuple[object, ...]) -> duckdb.DuckDBPyConnection:
    connection.executemany(f"insert into card values ({', '.join('?' * 10)})", cards)
    settings = Settings(home=Path("unused"), _env_file=None)  # type: ignore[call-arg]
    select = Renderer(settings, is_full=True).render((SQL_DIR / "marts" / "vendor_ranking.sql").read_text())
    connection.execute(f"create table ranking as {re.sub(r'^--.*$', '', select, flags=re.MULTILINE)}")
    return connection


def card(vendor: str, e: float | None, *, low: float = 0.0, edge: float = 0.1, is_reportable: bool = True,
         rule: str = "tradable", timeframe: str = "1d") -> tuple[object, ...]:  # fmt: skip
    return vendor, timeframe, rule, 100, is_reportable, edge, low, low + 0.2, 0.01, e


def test_the_best_interval_is_first_and_too_few_are_last(ranked: duckdb.DuckDBPyConnection) -> None:
    """Not the largest edge: c has it, and less evidence. Timeframes stand in one list, and equals share a place."""
    _rank(
        ranked,
        card("a", 1, low=-0.05, edge=0.02),
        card("b", 1, low=0.03, edge=0.05),
        card("c", 1, low=-0.02, edge=0.30),
        card("d", 1, low=0.03, edge=0.04, timeframe="1h"),
        card("e", 9, low=0.40, edge=0.50, is_reportable=False),
        card("f", 1, low=0.20, rule="next_open"),
        card("baseline/momentum_30", 1, low=0.9),
    )
    found = ranked.execute(
        "select vendor, timeframe, horizon, rank, n_calls, next_open_n_calls from ranking"
    ).fetchall()
    assert found == [
        ("b", "1d", 7, 1, 100, 0),
        ("d", "1h", 24, 1, 100, 0),
        ("c", "1d", 7, 3, 100, 0),
        ("a", "1d", 7, 4, 100, 0),
        ("f", "1d", 7, None, 0, 100),
        ("e", "1d", 7, None, 100, 0),
    ]


@pytest.mark.parametrize(
    ("e_values", "marked"),
    [
        # Five vendors: alone one needs 5 / 0.10 = 50, two need 25 each, three 16.7, five 10.
        ({"a": 50.0, "b": 1.0, "c": 1.0, "d": 1.0, "e": 1.0}, "a"),
        ({"a": 49.9, "b": 1.0, "c": 1.0, "d": 1.0, "e": 1.0}, ""),
        ({"a": 49.9, "b": 25.0, "c": 1.0, "d": 1.0, "e": 1.0}, "ab"),
        ({"a": 24.9, "b": 24.9, "c": 16.7, "d": 1.0, "e": 1.0}, "abc"),
        ({"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0, "e": 10.0}, "abcde"),
        # The second falls short of its own line, and the third carries it.
        ({"a": 60.0, "b": 20.0, "c": 17.0, "d": 1.0, "e": 1.0}, "abc"),
        # One without an e is no test: the others are two.
        ({"a": 20.0, "b": 1.0, "c": None}, "a"),
        ({"a": None}, ""),
    ],
)
def test_marks_allow_for_all_vendors(
    ranked: duckdb.DuckDBPyConnection, e_values: dict[str, float | None], marked: str
) -> None:
    _rank(ranked, *(card(vendor, e) for vendor, e in e_values.items()))
    expect(ranked, "ranking", "vendor, mark", *((name, "above" if name in marked else None) for name in e_values))


def test_a_mark_needs_enough_calls_and_names_its_side(ranked: duckdb.DuckDBPyConnection) -> None:
    """Unreportable, `few` counts among the tests (3, not 2: b needs 15) and is not marked, however much it has."""
    _rank(ranked, card("a", 40, edge=-0.2, low=-0.3), card("b", 14.9), card("few", 1e9, is_reportable=False))
    expect(ranked, "ranking", "vendor, mark", ("a", "below"), ("b", None), ("few", None))


def test_what_could_be_traded_and_what_a_vendor_reports_have_corrections_of_their_own(
    ranked: duckdb.DuckDBPyConnection,
) -> None:
    """10 is enough alone, at either entry, and would not be among two."""
    _rank(ranked, card("a", 10), card("b", 10, rule="next_open", low=0.1))
    expect(
        ranked,
        "ranking",
        "vendor, mark, next_open_mark, selection_e, next_open_selection_e, next_open_selection_low",
        ("a", "above", None, 10, None, None),
        ("b", None, "above", None, 10, 0.1),
    )
