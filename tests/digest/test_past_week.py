"""A past week's digest made again shows what was known then, whatever came since, or leaves it out."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.end_to_end.desk import Desk, clean_folder

from .checking import read_digest

WEEK, MONDAY, NEXT_MONDAY = "2025-W37", "2025-09-15T00:20:00", "2025-09-22T00:20:00"

# The rows that arrive a week late; token 104 has no stance in these days.
LATE = pd.date_range("2025-09-03", "2025-09-06")

Deliver = Callable[[Desk], None]


def only_late(signals: pd.DataFrame) -> pd.Series:
    return (signals["token_id"] == 104) & signals["signal_at"].isin(LATE)


@pytest.fixture(scope="module")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk that published on Monday and made the week's digest before some late rows came."""
    place = tmp_path_factory.mktemp("monday")
    desk = Desk(place / "acme", place / "home")
    desk.folder.mkdir()
    folder = clean_folder()
    folder["signals"] = folder["signals"][~only_late(folder["signals"])]
    for name, frame in folder.items():
        desk.deliver(name, frame)
    assert desk.nightly("--as-of", MONDAY).exit_code == 0
    assert desk.run("digest", "--plain").exit_code == 0
    return desk


def a_week_later(monday: Desk, place: Path, deliver: Deliver) -> tuple[Desk, dict[str, Any], dict[str, Any]]:
    """The desk a week later, after rows have come, with the first week's digest as first made and as made again."""
    desk = Desk(place / "acme", place / "home")
    shutil.copytree(monday.folder, desk.folder)
    shutil.copytree(monday.home, desk.home)
    deliver(desk)
    assert desk.nightly("--as-of", NEXT_MONDAY).exit_code == 0
    assert desk.run("digest", "--plain", "--week", WEEK).exit_code == 0
    return desk, read_digest(monday.home / "reports" / WEEK), read_digest(desk.home / "reports" / WEEK)


def rename_tokens(desk: Desk) -> None:
    tokens = clean_folder()["tokens"]
    tokens["symbol"] = "NEW" + tokens["token_id"].astype(str)
    desk.deliver("tokens", tokens)


def move_a_token(desk: Desk) -> None:
    tokens = clean_folder()["tokens"]
    tokens.loc[tokens["token_id"] == 103, "categories"] = "DeFi"
    desk.deliver("tokens", tokens)


def deliver_late_signals(desk: Desk) -> None:
    desk.deliver("signals", clean_folder()["signals"])


def claim_to_have_been_known(desk: Desk) -> None:
    signals = clean_folder()["signals"]
    signals["known_at"] = signals["signal_at"] + pd.Timedelta(hours=25)
    desk.deliver("signals", signals)


def revise_a_close(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    prices.loc[(prices["token_id"] == 105) & (prices["bar_start"] == "2025-09-02"), ["close", "high"]] *= 1.5
    desk.deliver("prices", prices)


def deliver_all_of_it(desk: Desk) -> None:
    claim_to_have_been_known(desk)
    revise_a_close(desk)
    rename_tokens(desk)


@pytest.mark.slow
def test_tokens_keep_the_names_they_had(monday: Desk, tmp_path: Path) -> None:
    desk, as_made, again = a_week_later(monday, tmp_path, rename_tokens)

    assert again == as_made
    assert "SOL" in {call["symbol"] for call in again["tracks"][0]["new_calls"]}
    assert desk.ask_one("select min(symbol) from core.token where known_to is null").startswith("NEW")


@pytest.mark.parametrize(
    ("deliver", "left_out"),
    [
        pytest.param(deliver_late_signals, {"curves"}, marks=pytest.mark.slow),
        pytest.param(claim_to_have_been_known, {"curves"}, marks=pytest.mark.slow),
        pytest.param(move_a_token, {"curves"}, marks=pytest.mark.slow),
        pytest.param(revise_a_close, {"curves", "drawdowns"}, marks=pytest.mark.slow),
        (deliver_all_of_it, {"curves", "drawdowns"}),
    ],
)
def test_what_today_would_show_otherwise_is_left_out_and_the_rest_does_not_change(
    monday: Desk, tmp_path: Path, deliver: Deliver, left_out: set[str]
) -> None:
    _, as_made, again = a_week_later(monday, tmp_path, deliver)

    (before,), (after,) = as_made["tracks"], again["tracks"]
    assert before["curves"] and before["drawdowns"]
    from_curves = {"curves", "curve_points", "n_long_now", "n_short_now"}
    gone = {name for name in before if before[name] != after[name]}
    assert gone == (from_curves | {"drawdowns"} if "drawdowns" in left_out else from_curves)
    assert {name for name in left_out if after[name]} == set()
    reasons = [one["because"] for one in again["left_out"] if one["section"] == "drawdowns"]
    assert len(reasons) == len(left_out)
    assert {name for name in as_made if as_made[name] != again[name]} <= {"tracks", "left_out", "sentences"}


@pytest.mark.slow
def test_what_came_in_the_week_after_and_is_about_it_leaves_everything_as_it_was(monday: Desk, tmp_path: Path) -> None:
    _, as_made, again = a_week_later(monday, tmp_path, lambda desk: None)

    assert again == as_made
