"""Folders of kinds that are scored little or not at all: the end of a run gives the reason, and what to do."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from flows.config import Settings
from flows.report.archive import archive_remark
from flows.report.digest.job import read_digest
from flows.report.funnel import Funnel, print_funnels, read_funnels, remarks
from flows.report.scorecard import read_scorecard
from tests.product import make_run, run_main_job


def again(*values: Any) -> Any:
    """A further case of the same claim, for the slow suite."""
    return pytest.param(*values, marks=pytest.mark.slow)


YESTERDAY = pd.Timestamp.now("UTC").tz_localize(None).normalize() - pd.Timedelta(days=1)


class Folder:
    """A folder of random walks and of the signals that a test lays out."""

    def __init__(self, path: Path, n_tokens: int, days: pd.DatetimeIndex) -> None:
        self.path, self.days = path / "vendor", days
        self.path.mkdir()
        self.settings = Settings(home=path / "home", _env_file=None)  # type: ignore[call-arg]
        self.rng = np.random.default_rng(7)
        self.ids = range(1, n_tokens + 1)
        tokens = pd.DataFrame({"token_id": self.ids, "symbol": [f"T{one}" for one in self.ids], "categories": "DeFi"})
        tokens.to_csv(self.path / "tokens.csv", index=False)
        pd.concat(map(self._bars, self.ids)).to_csv(self.path / "prices.csv", index=False)

    def _bars(self, token_id: int) -> pd.DataFrame:
        close = 10 * np.exp(np.cumsum(self.rng.normal(0, 0.03, len(self.days))))
        opened = np.r_[10.0, close[:-1]]
        high, low = np.maximum(opened, close) * 1.01, np.minimum(opened, close) * 0.99
        bars = {"open": opened, "high": high, "low": low, "close": close, "volume_usd": 1e6}
        return pd.DataFrame({"token_id": token_id, "timeframe": "1d", "bar_start": self.days, **bars})

    def signals(self, rows: pd.DataFrame, *, style: str | None = None) -> None:
        rows.to_csv(self.path / "signals.csv", index=False)
        if style:
            (self.path / "trackrecord.toml").write_text(f'[signals]\nstyle = "{style}"\n')

    def states(self, sides: tuple[int, ...], moments: pd.DatetimeIndex, timeframe: str = "1d") -> None:
        """A row of every token and moment."""
        grid = pd.MultiIndex.from_product([self.ids, moments], names=["token_id", "signal_at"]).to_frame(index=False)
        self.signals(grid.assign(timeframe=timeframe, direction=self.rng.choice(sides, len(grid))))

    def trades(self, n_repeats: int) -> None:
        """One row of every token, and some tokens again."""
        tokens = np.r_[list(self.ids), self.rng.choice(self.ids, n_repeats)]
        at = self.rng.choice(self.days[20:-20], len(tokens), replace=False)
        side = self.rng.choice([1, -1], len(tokens))
        self.signals(pd.DataFrame({"token_id": tokens, "timeframe": "1d", "signal_at": at, "direction": side}))

    def publish(self) -> tuple[Funnel, ...]:
        run_main_job(make_run(self.path, self.settings))
        return read_funnels(self.settings.published)


def _days(n: int, end: pd.Timestamp = YESTERDAY) -> pd.DatetimeIndex:
    return pd.date_range(end=end, periods=n)


@pytest.fixture
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


@pytest.mark.parametrize(("n_tokens", "n_repeats"), [(33, 7), (12, 0), again(20, 20)])
def test_a_trade_list_is_read_whole_once_it_is_declared(places: Path, n_tokens: int, n_repeats: int) -> None:
    """As states most of its rows are the first of their token; the run remarks on it, and on what to write."""
    folder = Folder(places, n_tokens, _days(200))
    folder.trades(n_repeats)
    (funnel,) = folder.publish()
    n_rows = n_tokens + n_repeats
    assert (funnel.n("delivered"), funnel.n("first_of_token")) == (n_rows, n_tokens)
    assert funnel.n("call") + funnel.n("repeated_side") == n_repeats
    assert any('write `style = "events"`' in line for line in remarks([funnel]))
    if n_repeats:
        # Who declares that they are states has answered the remark.
        (folder.path / "trackrecord.toml").write_text('[signals]\nstyle = "states"\n')
        (funnel,) = folder.publish()
        assert funnel.n("first_of_token") == n_tokens
        assert not any("events" in line for line in remarks([funnel]))
    else:
        assert read_scorecard(folder.settings.published).sections == ()
        assert any(f"none of {n_rows} rows is a call ({n_rows} first of a token)" in line for line in remarks([funnel]))

    (folder.path / "trackrecord.toml").write_text('[signals]\nstyle = "events"\n')
    (funnel,) = folder.publish()
    assert (funnel.n("call"), funnel.n("scored")) == (n_rows, n_rows)
    assert not any("events" in line for line in remarks([funnel]))


@pytest.mark.parametrize("sides", [again((1, -1)), (1, 0, -1), again((1, 0))])
@pytest.mark.slow
def test_a_feed_of_states_is_not_taken_for_events(places: Path, sides: tuple[int, ...]) -> None:
    folder = Folder(places, 3, _days(60))
    folder.states(sides, folder.days[20:])
    (funnel,) = folder.publish()
    assert list(remarks([funnel])) == []


def test_hourly_signals_over_daily_prices_name_the_prices_that_lack(places: Path) -> None:
    folder = Folder(places, 3, _days(60))
    folder.states((1, 0, -1), pd.date_range(folder.days[30], periods=30, freq="h"), timeframe="1h")
    (funnel,) = folder.publish()
    assert funnel.reasons("unpriced") == [("no_prices_of_timeframe", funnel.n("call"))]
    (line,) = remarks([funnel])
    assert "The reason for all of them: there are no 1h prices; deliver them" in line


@pytest.mark.slow
def test_calls_that_are_all_excluded_name_the_commonest_reason(places: Path) -> None:
    """Every second day is missing from the prices, each the day of an entry."""
    folder = Folder(places, 3, _days(120)[::2])
    folder.states((1, 0, -1), folder.days[10:-5])
    (funnel,) = folder.publish()
    assert funnel.n("scored") == 0
    assert funnel.reasons("excluded")[0][0] == "entry_bar_filled"
    (line,) = remarks([funnel])
    assert f"{funnel.n('excluded'):,} of {funnel.n('call'):,} calls cannot be scored" in line
    assert "the bar they were entered on is missing from the prices" in line


def test_many_calls_in_little_time_lack_time(places: Path) -> None:
    folder = Folder(places, 60, _days(70))
    folder.states((1, -1), folder.days[8:])
    folder.publish()
    (section,) = read_scorecard(folder.settings.published).sections
    assert "held for 7 bars" in section.title
    assert all(" of 10 stretches, by " in row[2] for row in section.rows)


@pytest.mark.parametrize("end", ["2021-12-29", again("2022-01-02"), again("2024-02-29")])
def test_an_archive_has_the_digest_of_its_last_week(places: Path, end: str) -> None:
    """Complete, of its own last whole week and without a date to come; declared, the run is silent about it."""
    folder = Folder(places, 4, _days(90, pd.Timestamp(end)))
    folder.states((1, 0, -1), folder.days[10:])
    folder.publish()
    remark = archive_remark(folder.settings.published)
    assert remark is not None
    ended_at = pd.Timestamp(end) + pd.Timedelta(days=1)
    assert f"The prices end at {ended_at:%Y-%m-%d} 00:00 UTC" in remark
    assert "archive = true" in remark
    assert f"--as-of {ended_at:%Y-%m-%d}T00:20" in remark

    digest = read_digest(folder.settings)
    assert digest.archive_end == ended_at
    assert pd.Timestamp(digest.week_to) < ended_at <= pd.Timestamp(digest.week_to) + pd.Timedelta(days=7)
    assert digest.is_complete
    assert {cell.enough_date for track in digest.tracks for cell in track.cells} == {None}
    assert digest.tracks[0].main_horizon == 7
    assert {one.step for one in digest.funnel} >= {"delivered", "call", "scored"}
    (section,) = read_scorecard(folder.settings.published).sections
    assert not any("by " in row[2] for row in section.rows)

    (folder.path / "trackrecord.toml").write_text("archive = true\n")
    outcome = run_main_job(make_run(folder.path, folder.settings))
    assert archive_remark(folder.settings.published) is None
    assert [one.rule for taken in outcome.snapshots if taken.gate for one in taken.gate.warnings] == []


@pytest.mark.slow
def test_prices_that_go_on_are_no_archive(places: Path) -> None:
    folder = Folder(places, 3, _days(60))
    folder.states((1, 0, -1), folder.days[20:])
    folder.publish()
    assert archive_remark(folder.settings.published) is None
    assert read_digest(folder.settings).archive_end is None


def _of(n: int, counts: dict[tuple[str, str | None], int], timeframe: str = "1d") -> list[Funnel]:
    return [Funnel(f"[red]v{one}", timeframe, "states", 7, counts) for one in range(n)]


FINE: dict[tuple[str, str | None], int] = {("delivered", None): 5, ("call", None): 5, ("scored", None): 5}


def _printed(capsys: pytest.CaptureFixture[str], funnels: list[Funnel]) -> str:
    print_funnels(Console(width=200), funnels)
    return capsys.readouterr().out


def test_each_vendor_has_a_table_and_a_crowd_has_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A vendor's name may look like markup; beyond eight vendors there is one table of all, and the query of each."""
    out = _printed(capsys, _of(8, FINE))
    assert out.count("what became of its rows") == 8
    assert "[red]v0: what became" in out
    out = _printed(capsys, _of(11, FINE))
    assert out.startswith("11 vendors: what became of their rows")
    assert re.search(r"delivered +55\b", out) and re.search(r"scored +55\b", out)
    assert "from marts.signal_funnel" in out


def test_what_is_wrong_in_a_crowd_is_named_once_with_how_many_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    """However many vendors there are, a line a thing, the commonest first."""
    kinds: list[tuple[int, dict[tuple[str, str | None], int], str]] = [
        (30, {("delivered", None): 9, ("call", None): 9, ("unpriced", "no_prices_of_token"): 9}, "1d"),
        (1, {("delivered", None): 9, ("call", None): 9, ("excluded", "seasoning"): 5, ("scored", None): 4}, "1d"),
        (7, {("delivered", None): 9, ("call", None): 0, ("neutral", None): 6, ("preliminary", None): 3}, "1h"),
        (2, {("delivered", None): 9, ("call", None): 9, ("open", None): 9}, "1d"),
        (60, FINE, "1d"),
    ]
    funnels = [
        replace(one, vendor=f"{kind}-{one.vendor}")
        for kind, (n, counts, timeframe) in enumerate(kinds)
        for one in _of(n, counts, timeframe)
    ]
    lines = _printed(capsys, funnels).splitlines()
    wrong = [line for line in lines if line.startswith(("0-", "1-", "2-", "3-", "4-")) or " vendors (" in line]
    assert [line[:60] for line in wrong] == [
        "30 vendors (0-[red]v0, 0-[red]v1, 0-[red]v2 and 27 more): mo"[:60],
        "7 vendors (2-[red]v0, 2-[red]v1, 2-[red]v2 and 4 more): noth"[:60],
        "2 vendors (3-[red]v0, 3-[red]v1): none of the 1d calls has b"[:60],
        "1-[red]v0: most of the 1d calls cannot be scored. The common"[:60],
    ]
    assert "check that prices and signals name tokens alike" in wrong[0]
    assert wrong[1].endswith("none of the 1h rows is a call; most of them: neutral, no side.")
    assert wrong[2].endswith("held for 7 bars yet.")
