"""What may stand in a trackrecord.toml, and what is refused by the nearest known name."""

from pathlib import Path

import pytest

from flows.datasets import DATASETS
from flows.errors import UsageError
from flows.sources.declaration import read_folder_declaration, stored_declaration


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trackrecord.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read_and_stored_by_dataset(tmp_path: Path) -> None:
    folder = read_folder_declaration(
        written(
            tmp_path,
            """
            vendor = "acme/alerts"
            archive = true
            bar_offset = { "1d" = "-1h", "4h" = "+30m" }

            [prices]
            file = "{symbol}-1d.csv"
            moment = "end"
            decimal = ","
            columns = { Date = "bar_start", Price = ["open", "high", "low", "close"] }

            [signals]
            style = "events"
            moment = "published"
            score = "direction"
            timezone = "Europe/Berlin"
            datetime_format = "%d/%m/%y"
            constants = { timeframe = "1d" }
            words = { BUY = 1, "60m" = "1h", direction = { " Sell " = -1 } }
            """,
        )
    )

    prices, signals, tokens = (folder.of(name) for name in ("prices", "signals", "tokens"))

    assert folder.vendor == "acme/alerts"
    assert all(folder.of(name).archive for name in DATASETS)
    assert prices.bar_offset == {"1d": -3600, "4h": 1800} and signals.bar_offset == {}
    assert prices.columns == {
        "date": ("bar_start",),
        "price": ("open", "high", "low", "close"),
        "{symbol}": ("symbol",),
    }
    assert prices.named_in("BTC-1d.csv") == {"{symbol}": "BTC"} and prices.named_in("BTC-1h.csv") == {}
    assert (prices.moment, prices.decimal) == ("end", ",")
    assert (signals.style, signals.moment, signals.score) == ("events", "published", "direction")
    assert signals.datetime_format["signal_at"] == signals.datetime_format["known_at"] == ("%d/%m/%y",)
    assert signals.words["direction"] == {"buy": "1", "60m": "1h", "sell": "-1"}
    assert signals.words["timeframe"] == {"buy": "1", "60m": "1h"} and "symbol" not in signals.words
    assert signals.constants == {"timeframe": "1d"}
    assert tokens.columns == {}
    assert stored_declaration(folder.text_of("signals")) == signals


def test_nothing_is_declared_where_there_is_no_file(tmp_path: Path) -> None:
    folder = read_folder_declaration(tmp_path / "trackrecord.toml")

    assert folder.vendor is None
    assert {folder.text_of(name) for name in DATASETS} == {None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('vendr = "acme"', "vendr is no key of trackrecord.toml. The nearest is vendor."),
        ("[signal]\n", "signal is no key of trackrecord.toml. The nearest is signals."),
        ('[signals]\ndatetimeformat = "%d"', "[signals] datetimeformat is no key of trackrecord.toml. "),
        ('[prices]\nstyle = "events"', "[prices] style is no key of trackrecord.toml."),
        ('[signals]\nstyle = "event"', "signals.style names 'event', which is not known. The nearest is events."),
        ('[signals]\nscore = "confidance"', "The nearest is confidence."),
        ('[signals]\nscore = "confidence"', 'signals.score = "confidence" would change nothing'),
        ('[signals]\nscore = "probability"', "no number is made of them yet. Leave the line out."),
        ('[prices]\nmoment = "published"', "prices.moment names 'published', which is not known. "),
        ('[prices.columns]\nDate = "bar_strat"', "prices.columns names 'bar_strat', which is not known. The"),
        ('[prices.columns]\na = "open"\nb = "open"', "prices.columns gives open to two columns"),
        ('[prices.constants]\ntimefram = "1d"', "The nearest is timeframe."),
        ('[signals]\ntimezone = "Europe/Berlim"', "The nearest is Europe/Berlin."),
        ('[signals]\ndatetime_format = "%Q"', "signals.datetime_format = '%Q' cannot be meant"),
        ('[signals]\ndatetime_format = "dd.mm.yyyy"', "write it as strptime does"),
        ('[signals]\ndecimal = ";"', "signals.decimal names ';'"),
        ('bar_offset = "an hour"', "bar_offset = 'an hour' cannot be meant: write it like"),
        ('bar_offset = "-25h"', "an offset is shorter than its bar, 1d"),
        ('bar_offset = { "1D" = "-1h" }', "The nearest is 1d."),
        ("archive = 1", "archive = 1 cannot be meant"),
        ('[prices]\nfile = "../prices.csv"', "name files below the folder"),
        ('[prices]\nfile = "{coin}.csv"', "prices.file names 'coin'"),
        ("[signals]\nwords = 1", "begin a table: [signals.words]"),
        ('[prices]\nheader = "a,b"', "prices.header = 'a,b' cannot be meant: list a name for each column"),
        ('[prices]\nheader = ["a", "A"]', "list a name for each column"),
        ('[prices]\nheader = ["a", 2]', "list a name for each column"),
        ("[prices]\nheader = []", "list a name for each column"),
        ("vendor = acme", "is no TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_the_nearest_known_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        read_folder_declaration(written(tmp_path, text))

    assert message in str(error.value)
    assert str(tmp_path / "trackrecord.toml") in str(error.value)


def test_a_named_map_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--map .*elsewhere.toml is no file. `trackrecord map DIR` proposes one"):
        read_folder_declaration(tmp_path / "elsewhere.toml", is_required=True)
