"""Contract, section 4: nothing goes without a word. What became of every delivered row, and of every call."""

import duckdb
import pandas as pd
import pytest

from flows.config import SQL_DIR, Settings
from flows.quality.checks import run_checks
from tests.exact import expect
from tests.product import make_run, run_main_job
from tests.warehouse.scene import Scene, day, flat, moment

FUNNEL = "vendor, timeframe, style, step, part_of, reason, horizon, n_rows"


def test_the_small_market_is_accounted_for(second_night: Scene) -> None:
    """An increment. Token 5 was entered on a day that is missing, token 6 is a stablecoin."""
    second_night.expect("work.style", "vendor, timeframe, style", *STYLES)
    second_night.expect(
        "work.first_side",
        "vendor, token_id, timeframe, signal_at",
        ("v", 1, "1h", day("08")),
        ("v", 2, "1h", day("08")),
        ("w", 1, "1h", day("08")),
    )
    second_night.expect(
        "marts.signal_funnel",
        FUNNEL,
        ("v", "1d", "states", "call", "delivered", None, None, 9),
        ("v", "1d", "states", "delivered", None, None, None, 24),
        ("v", "1d", "states", "excluded", "call", "entry_bar_filled", 2, 1),
        ("v", "1d", "states", "excluded", "call", "token_not_scored", 2, 1),
        ("v", "1d", "states", "first_of_token", "delivered", None, None, 0),
        ("v", "1d", "states", "neutral", "delivered", None, None, 12),
        ("v", "1d", "states", "open", "call", None, 2, 3),
        ("v", "1d", "states", "preliminary", "delivered", None, None, 0),
        ("v", "1d", "states", "repeated_side", "delivered", None, None, 3),
        ("v", "1d", "states", "scored", "call", None, 2, 4),
        ("v", "1h", "states", "call", "delivered", None, None, 2),
        ("v", "1h", "states", "delivered", None, None, None, 7),
        ("v", "1h", "states", "first_of_token", "delivered", None, None, 2),
        ("v", "1h", "states", "neutral", "delivered", None, None, 1),
        ("v", "1h", "states", "preliminary", "delivered", None, None, 0),
        ("v", "1h", "states", "repeated_side", "delivered", None, None, 2),
        ("v", "1h", "states", "scored", "call", None, 2, 2),
        where="vendor = 'v'",
    )


STYLES = (("v", "1d", "states"), ("v", "1h", "states"), ("w", "1d", "states"), ("w", "1h", "states"))


def test_each_reason_has_its_name(scene: Scene) -> None:
    """One token a reason, each called once; token 1 is scored, and token 7 waits for its bar."""
    scene.is_daily_only = True
    scene.token(2, symbol="USDX", categories="Stablecoins")
    for token_id in (1, 2, 7):
        scene.seasoned(token_id, "2026-01-08", *[flat(10)] * 12)
    # Token 3 is new on the 15th, 4 lacks the bar it is entered on, 5 lacks the bar after it, 6 has none at all.
    scene.bars(3, "2026-01-15", *[flat(10)] * 5)
    scene.seasoned(4, "2026-01-08", *[flat(10)] * 9, None, flat(10), flat(10))
    scene.seasoned(5, "2026-01-08", *[flat(10)] * 10, None, flat(10))
    scene.token(6)
    # Token 8 was traded until the 10th.
    scene.seasoned(8, "2026-01-08", *[flat(10)] * 3)
    for token_id in (1, 2, 3, 4, 5, 6, 8):
        scene.signal(token_id, "2026-01-15", 0)
        scene.signal(token_id, "2026-01-16", 1)
    scene.signal(7, "2026-01-18", 0)
    scene.signal(7, "2026-01-19", 1)
    scene.signal(1, "2026-01-08", 1, timeframe="1h")
    scene.signal(1, "2026-01-09", -1, timeframe="1h")
    scene.run("2026-01-20T00:20")
    scene.expect(
        "marts.signal_funnel",
        "timeframe, step, reason, n_rows",
        ("1d", "excluded", "entry_bar_filled", 1),
        ("1d", "excluded", "seasoning", 1),
        ("1d", "excluded", "token_not_scored", 1),
        ("1d", "excluded", "too_many_filled_bars", 1),
        ("1d", "open", None, 1),
        ("1d", "scored", None, 1),
        ("1d", "unpriced", "no_bar_at_entry", 1),
        ("1d", "unpriced", "no_prices_of_token", 1),
        ("1h", "unpriced", "no_prices_of_timeframe", 1),
        where="part_of = 'call'",
    )


@pytest.fixture
def messy(scene: Scene) -> Scene:
    """Signals of which the gate quarantines some: a copy, a word for a direction, an unknown token, a broken moment."""
    scene.is_daily_only = True
    scene.seasoned(1, "2026-01-08", *[flat(10)] * 60)
    for token_id in (1, 2):
        scene.token(token_id)
    scene.signals(1, "2026-01-08", *[0, 1, -1] * 20)
    scene.write(None)
    return scene


def _deliver(scene: Scene, *more: tuple[object, ...], as_of: str) -> None:
    signals = pd.DataFrame(
        [("v", 1, "1d", str(row[3]), row[4]) for row in scene.signal_rows] + list(more),
        columns=["vendor", "token_id", "timeframe", "signal_at", "direction"],
    )
    (scene.folder / "signals.parquet").unlink(missing_ok=True)
    signals.to_csv(scene.folder / "signals.csv", index=False)
    settings = Settings(home=scene.settings.home, horizons_1d=(1, 2, 3), max_quarantined_share=0.5, _env_file=None)  # type: ignore[call-arg]
    run_main_job(make_run(scene.folder, settings, as_of=moment(as_of)))


def _expect_quarantined(scene: Scene) -> None:
    """The rows set apart, by what they are about; of the broken moment and of unknown words that is not known."""
    with duckdb.connect(str(scene.settings.warehouse)) as warehouse:
        warehouse.execute("set variable as_of = timestamp '2026-03-09 00:20:00'")
        expect(
            warehouse,
            "ops.quarantine",
            "rule, vendor, token_id, timeframe, moment_at",
            ("key_repeated", "v", 1, "1d", day("08")),
            ("timeframe_known", "v", 1, "5m", day("09")),
            ("token_known", "v", 9, "1d", day("09")),
            ("type_fits", "v", 1, "1d", None),
            ("type_fits", "v", 2, "1d", day("09")),
        )
        expect(
            warehouse,
            "staging.quarantined_signal",
            "snapshot_id, row_number, vendor, token_id, timeframe, signal_at, rule",
            (3, 61, "v", 1, "1d", day("08"), "key_repeated"),
            (3, 62, "v", 2, "1d", day("09"), "type_fits"),
            (3, 63, "v", 9, "1d", day("09"), "token_known"),
            (3, 64, "v", 1, "5m", day("09"), "timeframe_known"),
            (3, 65, "v", 1, "1d", None, "type_fits"),
        )
        expect(
            warehouse,
            "work.quarantined_signal",
            "vendor, timeframe, rule, n_rows",
            ("v", "1d", "key_repeated", 1),
            ("v", "1d", "token_known", 1),
            ("v", "1d", "type_fits", 2),
            ("v", "5m", "timeframe_known", 1),
        )


def _published(scene: Scene, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(scene.settings.published), read_only=True) as file:
        return file.execute(query).fetchall()


ROWS = """
select timeframe, step, reason, n_rows from marts.signal_funnel
where part_of = 'delivered' or part_of is null order by all
"""


def test_rows_that_the_gate_set_aside_are_counted_by_rule(messy: Scene) -> None:
    """Each once, whatever rules it broke and however often it comes; a token that is known later brings its row in."""
    bad = [
        ("v", 1, "1d", "2026-01-08", 0),
        ("v", 2, "1d", "2026-01-09", "LONG"),
        ("v", 9, "1d", "2026-01-09", 1),
        ("v", 1, "5m", "2026-01-09", 1),
        ("v", 1, "1d", "last week", "up"),
    ]
    _deliver(messy, *bad, as_of="2026-03-09T00:20")
    expected = [
        ("1d", "call", None, 40),
        ("1d", "delivered", None, 64),
        ("1d", "first_of_token", None, 0),
        ("1d", "neutral", None, 20),
        ("1d", "preliminary", None, 0),
        ("1d", "quarantined", "key_repeated", 1),
        ("1d", "quarantined", "token_known", 1),
        ("1d", "quarantined", "type_fits", 2),
        ("1d", "repeated_side", None, 0),
        ("5m", "delivered", None, 1),
        ("5m", "quarantined", "timeframe_known", 1),
    ]
    assert _published(messy, ROWS) == expected
    _expect_quarantined(messy)
    _deliver(messy, *bad, ("v", 2, "1d", "2026-03-08", 0), as_of="2026-03-09T06:20")
    messy.token(9)
    messy.seasoned(9, "2026-01-08", *[flat(10)] * 60)
    messy.write(None)
    _deliver(messy, *bad, ("v", 2, "1d", "2026-03-08", 0), as_of="2026-03-10T00:20")
    assert _published(messy, ROWS) == [
        ("1d", "call", None, 40),
        ("1d", "delivered", None, 65),
        ("1d", "first_of_token", None, 1),
        ("1d", "neutral", None, 21),
        *[row for row in expected[4:] if row[2] != "token_known"],
    ]


@pytest.mark.parametrize(
    "lost",
    [
        "marts.signal_funnel where step = 'neutral'",
        "core.call where token_id = 1",
        "marts.signal_funnel where step = 'scored'",
    ],
)
def test_a_row_without_a_word_stops_the_publish(second_night: Scene, lost: str) -> None:
    """The check of the second gate finds what does not add up."""
    connection = second_night.connection
    connection.execute("begin")
    try:
        connection.execute(f"delete from {lost}")
        (found,) = [one for one in run_checks(connection, SQL_DIR / "checks") if one.rule == "funnel_adds_up"]
        assert not found.is_passed
        assert found.severity == "critical"
    finally:
        connection.execute("rollback")
