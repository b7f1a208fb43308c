"""A folder whose moments are local gives, with its zone declared, the tables of the folder in UTC: every column."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tests.point_in_time.homes import assert_same_tables, new_home
from tests.point_in_time.markets import Step, random_market

HORIZONS = {"horizons_1d": (1, 7, 14), "horizons_1h": (1, 24)}
NIGHTS = (Step(days=100, hour=0), Step(days=2, hour=5))
# None of them sets its clocks back in the time of the markets: the hour that comes twice can be read in two ways.
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Caracas", "+05:45", "-09:30")
SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4, 5)))


def local(moments: "pd.Series[pd.Timestamp]", zone: str) -> "pd.Series[pd.Timestamp]":
    """Moments as clocks of a zone show them."""
    if zone[0] in "+-":
        return moments + pd.Timedelta(f"{zone}:00")
    return moments.dt.tz_localize("UTC").dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)


def write_local(folder: Path, zone: str, is_text: bool) -> None:
    """Set the folder's moments to a zone, and declare it."""
    lines = []
    for name, moments in (("prices", ["bar_start"]), ("signals", ["signal_at", "known_at", "expires_at"])):
        path = folder / f"{name}.parquet"
        rows = pd.read_parquet(path)
        for moment in set(moments) & set(rows.columns):
            shown = local(rows[moment], zone)
            rows[moment] = shown.dt.strftime("%d/%m/%Y %H:%M:%S.%f") if is_text else shown
        rows.to_parquet(path)
        lines += [
            f"[{name}]",
            f'timezone = "{zone}"',
            *(['datetime_format = "%d/%m/%Y %H:%M:%S.%f"'] if is_text else []),
        ]
    (folder / "trackrecord.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("seed", SEEDS)
def test_moments_shifted_by_a_declared_zone_are_the_same_moments(seed: int, tmp_path: Path) -> None:
    """Calls, provenance, outcomes and scorecards included; a night later as in the first."""
    zone = str(np.random.default_rng(seed).choice(ZONES))
    utc, shifted = (random_market(seed, n_tokens=5, n_days=120, has_known_at=seed % 2 == 1) for _ in range(2))
    with new_home(tmp_path / "a", **HORIZONS) as plain, new_home(tmp_path / "b", **HORIZONS) as declared:
        for step in NIGHTS:
            for home, market, place in ((plain, utc, "a"), (declared, shifted, "b")):
                now = market.advance(step)
                folder = tmp_path / place / "vendor"
                market.deliver(folder, is_archive=False)
                if home is declared:
                    write_local(folder, zone, is_text=seed % 3 == 0)
                home.receive(folder, now)
            assert plain.count("marts.signal_outcome") > 20
            assert_same_tables(plain, declared, message=zone)
