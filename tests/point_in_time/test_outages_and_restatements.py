"""Months of nights over real prices and signals, with outages and a vendor that rewrites its past three times."""

import random
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from flows.run import start_run
from flows.sources.files import FilesSource
from flows.warehouse.build import build
from flows.warehouse.days import write_days
from tests.oracle_agreement.comparing import compare, in_words, oracle_tables
from tests.point_in_time.homes import Home, new_home
from tests.product import snapshot_without_gate
from tests.scale import repeats

# The day after the last prices of perps_2024.
END = datetime(2026, 3, 20, 0, 20)


def nights(n_days: int, draw: random.Random) -> list[datetime]:
    """The moments at which a nightly ran: every night, but for outages of 1 to 9 days; the first and last ran."""
    found, at = [], END - timedelta(days=n_days - 1)
    while at < END:
        found.append(at)
        at += timedelta(days=1 + (draw.randint(1, 9) if draw.random() < 0.08 else 0))
    return [*found, END]


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("n_days", [30, 120][: repeats(1, whole=2)])
def test_every_day_has_its_state_and_every_restatement_is_found(real_data: Path, tmp_path: Path, n_days: int) -> None:
    draw = random.Random(n_days)
    ran = nights(n_days, draw)
    folder = tmp_path / "perps_2024"
    folder.mkdir()
    for path in (real_data / "perps_2024").glob("*.parquet"):
        shutil.copyfile(path, folder / path.name)
    rewritten: dict[str, tuple[int, datetime]] = {}
    at = {ran[len(ran) * place // 4]: kind for place, kind in ((1, "changed"), (2, "vanished"), (3, "appeared"))}
    with new_home(tmp_path / "home") as home:
        for now in ran:
            if now in at:
                rewritten[at[now]] = rewrite(folder, at[now], now, draw)
            snapshot_without_gate(home.connection, start_run(FilesSource(folder), home.settings, as_of=now))
        build(home.connection, home.settings, as_of=END, run_id="the last")
        write_days(home.connection, home.settings, END)
        found = home.connection.execute(
            "select distinct kind, token_id, moment_at, changed_at from marts.restatement where dataset = 'signals'"
        ).fetchall()
        assert {(kind, token, moment) for kind, token, moment, _ in found} == {
            (kind, *row) for kind, row in rewritten.items()
        }
        assert {kind: changed_at for kind, *_, changed_at in found} == {kind: now for now, kind in at.items()}
        assert_days(home, ran)
        assert_scored_as_first_delivered(home, folder, real_data / "perps_2024")
        # A replay witnesses nothing, whatever known_at the file has.
        provenances = home.connection.execute("select distinct provenance from core.signal").fetchall()
        assert ("witnessed",) not in provenances


def assert_scored_as_first_delivered(home: Home, folder: Path, original: Path) -> None:
    """Every window, call, outcome, scorecard and curve equals the oracle's, from each row's first version."""
    as_delivered = folder.parent / "as first delivered" / folder.name
    shutil.copytree(original, as_delivered)
    key = ["token_id", "timeframe", "signal_at"]
    first, last = (pd.read_parquet(place / "signals.parquet") for place in (original, folder))
    appeared = last.merge(first[key], on=key, how="left", indicator=True).query("_merge == 'left_only'")
    assert len(appeared) == 1
    pd.concat([first, appeared[first.columns]]).to_parquet(as_delivered / "signals.parquet")
    run = start_run(FilesSource(as_delivered), home.settings, as_of=END)
    found = compare(home.connection, oracle_tables(run, as_delivered))
    assert not found, in_words(found)


def assert_days(home: Home, ran: list[datetime]) -> None:
    rows = home.connection.execute("select bar_start, state from ops.day where dataset = 'prices'").fetchall()
    expected = {
        day.to_pydatetime(): "complete" if day + timedelta(days=1, minutes=20) in ran else "backfilled"
        for day in pd.date_range(ran[0].date() - timedelta(days=1), END.date() - timedelta(days=1))
    }
    assert dict(rows) == expected
    states = home.connection.execute("select state, count(*) from ops.day where dataset = 'signals' group by all")
    assert sum(n for _, n in states.fetchall()) == len(expected)


def rewrite(folder: Path, kind: str, now: datetime, draw: random.Random) -> tuple[int, datetime]:
    """Reverse, delete or insert one row of some weeks ago; return its token and moment."""
    path = folder / "signals.parquet"
    signals = pd.read_parquet(path)
    long_ago = pd.Timestamp(now.date()) - pd.Timedelta(days=20)
    known = signals[signals["known_at"] <= now]
    if kind == "appeared":
        of_tokens = known[known["signal_at"] < long_ago].groupby("token_id")["signal_at"]
        gaps = [
            (token, day)
            for token, moments in of_tokens
            for day in sorted(set(pd.date_range(moments.min(), long_ago)) - set(moments))
        ]
        token, day = draw.choice(gaps)
        row = (
            known[known["token_id"] == token]
            .iloc[-1:]
            .assign(signal_at=day, known_at=day + pd.Timedelta(days=1), direction=1)
        )
        pd.concat([signals, row]).to_parquet(path)
        return int(token), day.to_pydatetime()
    # Not a token's first row, because a missing first row only looks like a later start.
    old = known[(known["signal_at"] < long_ago) & known.duplicated("token_id", keep="first")]
    place = draw.choice(list(old.index))
    chosen = signals.loc[place]
    if kind == "vanished":
        signals = signals.drop(index=place)
    else:
        signals.loc[place, "direction"] = -1 if chosen["direction"] == 1 else 1
    signals.to_parquet(path)
    return int(chosen["token_id"]), pd.Timestamp(chosen["signal_at"]).to_pydatetime()
