"""Moments and numbers in the forms that other tools write: read as they are meant, or refused in words."""

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import pytest

from .conftest import Gate, clean_frames, failed

Form = Callable[["pd.Series[pd.Timestamp]"], object]

SECOND = pd.Timedelta(seconds=1)
MICROSECOND = pd.Timedelta(microseconds=1)


def since_1970(unit: pd.Timedelta) -> Form:
    return lambda moments: (moments - pd.Timestamp(0)) // unit


def text(form: str) -> Form:
    return lambda moments: moments.dt.strftime(form)


def rows_of(gate: Gate, dataset: str) -> list[tuple[object, ...]]:
    """The typed rows of a dataset, without what shows how they were written."""
    gate.read(dataset)
    return gate.connection.execute(
        "select columns(* exclude (row_number, stated_at, unparsed)) from incoming order by row_number"
    ).fetchall()


IN_PARQUET: dict[str, Form] = {
    "seconds": since_1970(SECOND),
    "milliseconds": since_1970(SECOND / 1000),
    "microseconds": since_1970(MICROSECOND),
    "nanoseconds": since_1970(pd.Timedelta(1, "ns")),
    "fraction of seconds": lambda moments: (moments - pd.Timestamp(0)) / SECOND,
    "dates": lambda moments: moments.dt.date,
    "zoned": lambda moments: moments.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
    "text": text("%Y-%m-%d %H:%M:%S"),
}

IN_CSV: dict[str, Form] = {
    "seconds": since_1970(SECOND),
    "milliseconds": since_1970(SECOND / 1000),
    "nanoseconds": since_1970(pd.Timedelta(1, "ns")),
    "seconds with a point": lambda moments: (moments - pd.Timestamp(0)) / SECOND,
    "day": text("%Y-%m-%d"),
    "minutes and Z": text("%Y-%m-%dT%H:%MZ"),
    "UTC": text("%Y-%m-%d %H:%M:%S UTC"),
    "basic": text("%Y%m%dT%H%M%SZ"),
    "comma": text("%Y-%m-%d %H:%M:%S,000"),
    "offset": lambda moments: (moments + pd.Timedelta(hours=2)).dt.strftime("%Y-%m-%dT%H:%M:%S+0200"),
    "short offset": lambda moments: (moments - pd.Timedelta(hours=5)).dt.strftime("%Y-%m-%dT%H:%M-05"),
    "slashes": text("%Y/%m/%d"),
}


@pytest.mark.parametrize("form", IN_PARQUET)
def test_a_moment_of_any_form_in_parquet_is_the_same_moment(gate: Gate, form: str) -> None:
    prices = clean_frames()["prices"]
    expected = rows_of(gate, "prices")

    gate.write("prices", prices.assign(bar_start=IN_PARQUET[form](prices["bar_start"])))

    assert rows_of(gate, "prices") == expected


@pytest.mark.parametrize("form", IN_CSV)
def test_a_moment_of_any_form_in_csv_is_the_same_moment(gate: Gate, form: str) -> None:
    signals = clean_frames()["signals"]
    expected = rows_of(gate, "signals")

    gate.write_csv(
        "signals",
        signals.assign(
            signal_at=IN_CSV[form](signals["signal_at"]), known_at=IN_CSV[form](signals["known_at"]), score="0.5"
        ),
    )

    assert rows_of(gate, "signals") == expected


# What could be a moment of another meaning, or is none.
REFUSED = (
    "20/09/25", "25-09-20", "20.09.2025", "09/20/2025", "20250920", "202509200930", "20250920093000", "0", "2025",
    "12025-09-20", "0025-09-20", "2025-13-20", "2025-02-30", "yesterday", "Sep 20, 2025", "1.75831e+15",
)  # fmt: skip


@pytest.mark.parametrize("value", REFUSED)
def test_anything_else_is_refused_with_file_row_value_and_forms(gate: Gate, value: str) -> None:
    signals = clean_frames()["signals"]
    gate.write_csv("signals", signals.assign(signal_at=value))

    result = gate.judge("signals")
    message = result.message(4)

    assert "type_fits" in failed(result)
    assert [stop.rule for stop in result.stops] == ["quarantined_share"]
    for part in ("signals.csv, row 1", value, "ISO 8601", "integer since 1970", "datetime_format = ", "[signals]"):
        assert part in message
    assert "trackrecord accept" not in message
    assert gate.connection.execute("select count(signal_at) from incoming").fetchone() == (0,)


@pytest.mark.parametrize("zone", ["BST", "IST", "EST", "America/New_York", "Etc/GMT+5"])
def test_the_name_of_a_zone_is_refused_unless_it_is_declared(gate: Gate, zone: str) -> None:
    """BST is British in Europe and of Bangladesh for the library: six hours of look-ahead, or of delay."""
    signals = clean_frames()["signals"].drop(columns=["known_at", "expires_at"])
    expected = rows_of_clean(gate)
    written = (signals["signal_at"] + pd.Timedelta(hours=1)).dt.strftime(f"%Y-%m-%d %H:%M:%S {zone}")
    gate.write_csv("signals", signals.assign(signal_at=written))
    message = gate.judge("signals").message(4)
    assert "type_fits" in message and zone in message
    if zone.isalpha():
        assert f"{zone} is the name of several zones" in message
    gate.declare('[signals]\ntimezone = "+01:00"\n')
    assert "type_fits" in failed(gate.judge("signals"))

    gate.declare(f'[signals]\ntimezone = "+01:00"\ndatetime_format = "%Y-%m-%d %H:%M:%S {zone}"\n')

    assert rows_of_clean(gate) == expected


def rows_of_clean(gate: Gate) -> list[tuple[object, ...]]:
    """The moments and sides that are read."""
    gate.read("signals")
    return gate.connection.execute("select token_id, signal_at, direction from incoming order by all").fetchall()


@pytest.mark.parametrize("value", ["45901", "45901.5", "46023.0"])
def test_the_days_of_a_spreadsheet_are_named_as_such(gate: Gate, value: str) -> None:
    gate.write_csv("signals", clean_frames()["signals"].assign(signal_at=value))

    message = gate.judge("signals").message(4)

    assert f"A number such as {value} is the count of days of a spreadsheet: save that column as dates." in message
    assert "datetime_format" not in message


@pytest.mark.parametrize("value", [20250920, 202509200930, 45901, 0])
def test_an_integer_that_spells_a_date_is_not_taken_for_seconds(gate: Gate, value: int) -> None:
    gate.write("prices", clean_frames()["prices"].assign(bar_start=value))

    assert "type_fits" in failed(gate.judge("prices"))


@pytest.mark.parametrize(
    ("form", "declared"),
    [
        ("%d/%m/%y", '"%d/%m/%y"'),
        ("%m/%d/%Y %I:%M %p", '"%m/%d/%Y %I:%M %p"'),
        ("%Y%m%d", '["%d.%m.%Y", "%Y%m%d"]'),
        ("%d %b %Y", '{ signal_at = "%d %b %Y" }'),
    ],
)
def test_a_declared_format_is_read(gate: Gate, form: str, declared: str) -> None:
    signals = clean_frames()["signals"].drop(columns=["known_at", "expires_at"])
    gate.write("signals", signals)
    expected = rows_of(gate, "signals")

    gate.write_csv("signals", signals.assign(signal_at=signals["signal_at"].dt.strftime(form)))
    (gate.folder / "signals.parquet").unlink(missing_ok=True)
    gate.declare(f"[signals]\ndatetime_format = {declared}\n")

    assert rows_of(gate, "signals") == expected


def test_a_column_with_a_format_is_read_by_it_alone(gate: Gate) -> None:
    """Otherwise the 13th of a month would be read in one way and the 12th in another."""
    signals = clean_frames()["signals"].drop(columns="known_at")
    gate.write_csv("signals", signals)
    gate.declare('[signals]\ndatetime_format = "%Y-%d-%m"\n')

    gate.read("signals")

    counts = gate.connection.execute("select count(signal_at), count(distinct signal_at) from incoming").fetchone()
    assert counts == (36, 12)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "+05:30", "-0800", "UTC"])
def test_moments_of_a_declared_zone_are_those_of_utc(gate: Gate, zone: str) -> None:
    signals = clean_frames()["signals"]
    expected = rows_of(gate, "signals")
    local = {
        name: signals[name].dt.tz_localize("UTC").dt.tz_convert(_python_zone(zone)).dt.tz_localize(None)
        for name in ("signal_at", "known_at", "expires_at")
    }

    gate.write("signals", signals.assign(**local))
    gate.declare(f'[signals]\ntimezone = "{zone}"\n')
    of_parquet = rows_of(gate, "signals")
    gate.write_csv("signals", signals.assign(**{name: moments.astype(str) for name, moments in local.items()}))
    of_csv = rows_of(gate, "signals")

    assert of_parquet == expected
    assert of_csv == expected


def test_a_zone_leaves_moments_alone_that_have_their_own(gate: Gate) -> None:
    signals = clean_frames()["signals"]
    expected = rows_of(gate, "signals")
    gate.declare('[signals]\ntimezone = "Asia/Tokyo"\n')
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%d %H:%M:%S UTC", "%s"):
        gate.write_csv(
            "signals",
            signals.assign(
                signal_at=signals["signal_at"].dt.strftime(form),
                known_at=signals["known_at"].dt.strftime(form),
                expires_at=signals["expires_at"].dt.strftime(form),
            ),
        )

        assert rows_of(gate, "signals") == expected, form


def _python_zone(zone: str) -> str:
    return f"UTC{zone[:3]}:{zone[-2:]}" if zone[0] in "+-" else zone


@pytest.mark.parametrize(
    ("moment", "bar"),
    [
        ("2026-01-05 00:00:00", datetime(2026, 1, 5)),
        ("2026-01-04 22:00:00", datetime(2026, 1, 5)),
        ("2026-01-04 00:00:01", datetime(2026, 1, 5)),
        ("2026-01-04 23:59:59.999999", datetime(2026, 1, 5)),
    ],
)
@pytest.mark.parametrize(
    ("dataset", "column"),
    [("signals", "signal_at"), ("grades", "graded_at"), ("levels", "level_at"), ("quantmetrics", "measured_at")],
)
def test_a_moment_off_the_grid_belongs_to_the_first_bar_at_or_after_it(
    gate: Gate, dataset: str, column: str, moment: str, bar: datetime
) -> None:
    frame = clean_frames()[dataset].head(1).assign(known_at=pd.NaT)
    gate.write(dataset, frame.assign(**{column: pd.Timestamp(moment)}))

    gate.read(dataset)

    assert gate.connection.execute(f"select {column}, stated_at, is_snapped from incoming").fetchone() == (
        bar,
        datetime.fromisoformat(moment),
        bar != datetime.fromisoformat(moment),
    )


@pytest.mark.parametrize(
    ("moment", "bar"),
    [
        ("2026-01-05 00:00:00", datetime(2026, 1, 5)),
        ("2026-01-05 13:08:00", datetime(2026, 1, 5)),
        ("2026-01-05 23:59:59", datetime(2026, 1, 5)),
    ],
)
def test_a_moment_of_publication_belongs_to_the_bar_that_contains_it_and_was_known_then(
    gate: Gate, moment: str, bar: datetime
) -> None:
    gate.declare('[signals]\nmoment = "published"\n')
    for known_at, expected in ((pd.NaT, moment), (pd.Timestamp("2026-01-06 01:00"), "2026-01-06 01:00:00")):
        frame = clean_frames()["signals"].head(1).assign(signal_at=pd.Timestamp(moment), known_at=known_at)
        gate.write("signals", frame)

        result = gate.judge("signals")

        assert failed(result) <= {"freshness"}
        assert gate.connection.execute("select signal_at, known_at from incoming").fetchone() == (
            bar,
            datetime.fromisoformat(expected),
        )


def test_bars_that_are_named_by_their_end_begin_one_bar_earlier(gate: Gate) -> None:
    prices = clean_frames()["prices"]
    expected = rows_of(gate, "prices")
    gate.write("prices", prices.assign(bar_start=prices["bar_start"] + pd.Timedelta(days=1)))
    gate.declare('[prices]\nmoment = "end"\n')

    assert rows_of(gate, "prices") == expected


@pytest.mark.parametrize(("hours", "offset"), [(-1, "-1h"), (5, "+5h"), (12, "+12h")])
def test_bars_off_the_grid_are_refused_with_the_offset_to_declare(gate: Gate, hours: int, offset: str) -> None:
    prices = clean_frames()["prices"]
    gate.write("prices", prices.assign(bar_start=prices["bar_start"] + pd.Timedelta(hours=hours)))

    result = gate.judge("prices")
    message = result.message(2)

    assert [stop.rule for stop in result.stops] == ["quarantined_share"]
    assert "prices.bar_on_grid: 90 of 90 failed" in message
    assert f'bar_offset = {{ "1d" = "{offset}" }}' in message


@pytest.mark.parametrize("mark", [",", "."])
def test_numbers_have_the_declared_mark_and_any_thousands_marks(gate: Gate, mark: str) -> None:
    prices = clean_frames()["prices"]
    expected = rows_of(gate, "prices")
    swapped = str.maketrans(",.", ".,") if mark == "," else {}
    written = prices.assign(
        **{
            name: prices[name].map("{:,.2f}".format).str.translate(swapped) for name in ("open", "high", "low", "close")
        },
        volume_usd=prices["volume_usd"].map("{:,.1f}".format).str.translate(swapped),
    )
    gate.write_csv("prices", written)
    gate.declare(f'[prices]\ndecimal = "{mark}"\n')

    assert rows_of(gate, "prices") == expected


@pytest.mark.parametrize("value", ["1.5", "1.23,4", "1,2,3", "12.34.567,8"])
def test_a_number_whose_marks_do_not_fit_the_declared_one_is_refused(gate: Gate, value: str) -> None:
    gate.write_csv("prices", clean_frames()["prices"].assign(close=value))
    gate.declare('[prices]\ndecimal = ","\n')

    assert "type_fits" in failed(gate.judge("prices"))


def test_words_constants_and_names_lead_from_theirs_to_ours(gate: Gate) -> None:
    signals = clean_frames()["signals"].drop(columns=["known_at", "score"])
    gate.write("signals", signals)
    expected = rows_of(gate, "signals")

    theirs = signals.rename(columns={"signal_at": "Date", "direction": "Action", "token_id": "Coin"})
    gate.write("signals", theirs.drop(columns=["timeframe", "trend"]).assign(Action="BUY", Trend="Up", unused=7))
    gate.declare(
        '[signals.columns]\ndate = "signal_at"\nAction = "direction"\nCOIN = "token_id"\n'
        '[signals.constants]\ntimeframe = "1d"\n[signals.words]\nbuy = 1\nup = 1\n'
    )

    assert rows_of(gate, "signals") == expected
