"""Whatever comes in, the published file stays whole, no raw file is lost, and the message names what to do.

Each test runs the real job after a good first publish; its exit code is the command's.
"""

import ctypes
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from .conftest import copy_of
from .desk import DAYS, FIRST_TOKENS, N_TOKENS, Answer, Desk, clean_folder
from .small_disk import nightly_with_spare

N_ROWS = N_TOKENS * len(DAYS)
# A bar in the middle of the first token's history.
ROW = 200
DAY = DAYS[ROW]


@dataclass(frozen=True)
class Refused:
    """A delivery that must change nothing: how it is spoilt, the exit code, and what the message must contain."""

    id: str
    spoil: Callable[[Desk], None]
    exit_code: int
    messages: tuple[str, ...]
    arguments: tuple[str, ...] = ()


def drop_column(desk: Desk) -> None:
    desk.deliver("prices", clean_folder()["prices"].drop(columns="close"))


def wrong_type(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices.assign(close=prices["close"].map("USD {:.2f}".format)))


def weekdays_only(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices[prices["bar_start"].dt.day_of_week < 5])


def no_signals(desk: Desk) -> None:
    desk.deliver("signals", clean_folder()["signals"].head(0))


def few_tokens(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices[prices["token_id"] == FIRST_TOKENS])


def cut_parquet(desk: Desk) -> None:
    path = desk.folder / "prices.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_parquet(desk: Desk) -> None:
    """Damage the second half of the rows and keep the footer, and with it the column names, whole."""
    path = desk.folder / "prices.parquet"
    clean_folder()["prices"].to_parquet(path, index=False, row_group_size=N_ROWS // 2)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(content)


def cut_csv(desk: Desk) -> None:
    """Cut the file in half at the end of a row, which loses half of the tokens."""
    text = clean_folder()["prices"].to_csv(index=False)
    desk.deliver_csv("prices", text[: text.index("\n", len(text) // 2) + 1])


def cut_row(desk: Desk) -> None:
    """Cut the file in the middle of a row, as one has it that is still being written."""
    text = clean_folder()["prices"].to_csv(index=False)
    desk.deliver_csv("prices", text[: text.index(",1d,", len(text) // 2)])


def open_quote(desk: Desk) -> None:
    text = clean_folder()["tokens"].to_csv(index=False)
    desk.deliver_csv("tokens", text.replace(",TKN5,", ',"TKN5,'))


def leave_by_a_link(desk: Desk) -> None:
    desk.remove("prices")
    (desk.folder / "prices.parquet").symlink_to(desk.home / "published" / "trackrecord.duckdb")


def a_pipe(desk: Desk) -> None:
    desk.remove("prices")
    os.mkfifo(desk.folder / "prices.csv")


def not_utf8(desk: Desk) -> None:
    tokens = clean_folder()["tokens"]
    tokens.loc[9, "name"] = "Café"
    desk.deliver_csv("tokens", tokens.to_csv(index=False), encoding="latin-1")


REFUSED = (
    Refused(
        "a missing file",
        lambda desk: desk.remove("prices"),
        1,
        ("acme: prices is missing", "Add prices.parquet, prices.csv or a folder prices/"),
    ),
    Refused(
        "a missing column",
        drop_column,
        3,
        ("prices.columns_present", "1 of 7 failed", "missing close; delivered token_id", "deliver it under the name"),
    ),
    Refused(
        "a column of the wrong type",
        wrong_type,
        3,
        (
            "prices.quarantined_share",
            f"{N_ROWS:,} of {N_ROWS:,} failed",
            "most by type_fits",
            "unfit_columns = close",
            '"close":"USD ',
            "mend the source",
        ),
    ),
    Refused(
        "weekdays only",
        weekdays_only,
        3,
        ("prices.weekends_present", "112 of 112", "the first is 2024-10-05", "deliver all seven days"),
    ),
    Refused(
        "an empty signals file",
        no_signals,
        3,
        ("signals.tokens_kept", f"{N_TOKENS} of {N_TOKENS} failed", "token_id 101, 102", "check that this one is"),
    ),
    Refused(
        "90 % of yesterday's tokens gone",
        few_tokens,
        3,
        ("prices.tokens_kept", "11 of 12 failed", "token_id 102, 103", "trackrecord accept tokens_kept --snapshot 4"),
    ),
    Refused(
        "a Parquet file cut in half",
        cut_parquet,
        1,
        ("prices: prices.parquet cannot be read as parquet", "Deliver the whole file again"),
    ),
    Refused(
        "a Parquet file damaged in the middle",
        damage_parquet,
        1,
        ("prices: prices.parquet cannot be read to its end", "Deliver the whole file again"),
    ),
    Refused(
        "a CSV cut in half, token by token",
        cut_csv,
        3,
        ("prices.tokens_kept", "of 12 failed", "check that this one is complete"),
    ),
    Refused(
        "a CSV cut in the middle of a row",
        cut_row,
        1,
        ("prices: prices.csv row", "of 9 cells", "still being written", "nothing was changed"),
    ),
    Refused(
        "a quote that is not closed",
        open_quote,
        1,
        ("tokens: tokens.csv row 6 opens a quote that is not closed", "nothing was changed"),
    ),
    Refused(
        "a link that leaves the folder", leave_by_a_link, 1, ("prices.parquet is a link to", "Copy the file into the")
    ),
    Refused("a pipe in a file's place", a_pipe, 1, ("prices.csv is no regular file", "Write the rows to a file")),
    Refused(
        "an empty file",
        lambda desk: desk.deliver_csv("signals", ""),
        1,
        ("signals: signals.csv is empty", "Deliver it again"),
    ),
    Refused("another encoding", not_utf8, 1, ("tokens: tokens.csv is not UTF-8", "Save it as UTF-8")),
    Refused(
        "an as-of moment before all data",
        lambda desk: None,
        3,
        (
            "prices.rows_present",
            "the as-of moment 2020-01-01 00:00:00 lies before all data",
            f"{N_ROWS:,} rows",
            "the earliest is of 2024-10-01",
            "check the source and the as-of moment",
        ),
        ("--as-of", "2020-01-01"),
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_what_cannot_be_used_stops_with_a_message_and_changes_nothing(desk: Desk, case: Refused) -> None:
    fingerprint, raw_files, raw_rows = desk.fingerprint(), desk.raw_files(), desk.raw_rows()
    case.spoil(desk)

    answer = desk.nightly(*case.arguments)

    assert answer.exit_code == case.exit_code, answer
    assert "Traceback" not in answer.err
    for words in case.messages:
        assert words in answer.err
    assert desk.fingerprint() == fingerprint
    assert raw_files.items() <= desk.raw_files().items()
    # Tokens have no moment of their own, so a replay takes them as known at its own.
    assert desk.raw_rows() | {"tokens": 0} == raw_rows | {"tokens": 0}
    state = {1: "failed", 3: "stopped"}[case.exit_code]
    *_, event = [json.loads(line) for line in (desk.home / "journal" / "runs.jsonl").read_text().splitlines()]
    assert event["state"] == state
    assert event["error"] == answer.err.strip()
    assert state in desk.run("status").out


def test_the_day_after_a_stop_the_mended_folder_publishes(desk: Desk) -> None:
    weekdays_only(desk)
    assert desk.nightly().exit_code == 3
    prices = clean_folder()["prices"]
    prices.loc[ROW, "volume_usd"] = 5.0
    desk.deliver("prices", prices)

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert f"prices: {N_ROWS} rows, 1 new" in answer.out
    assert desk.ask("select state from ops.run order by started_at") == [("published",), ("stopped",), ("published",)]


# --- bad rows among good ones --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BadRow:
    """One bad row of a delivery: its dataset and rule, and cells of the raw row as they must be kept."""

    dataset: str
    rule: str
    cells: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.dataset} {self.rule}: {', '.join(f'{name} {value}' for name, value in self.cells.items())}"


FUTURE = pd.Timestamp("2199-01-01")

BAD_ROWS: list[tuple[BadRow, dict[str, Any]]] = [
    # Each replaces the first token's bar of one day by a copy with these cells changed.
    (BadRow("prices", "price_positive", {"close": "-1.0"}), {"close": -1.0, "low": -2.0}),
    (BadRow("prices", "price_positive", {"open": "0.0"}), {"open": 0.0, "low": 0.0}),
    (BadRow("prices", "value_present", {"close": "nan"}), {"close": float("nan")}),
    (BadRow("prices", "price_positive", {"high": "inf"}), {"high": float("inf")}),
    (BadRow("prices", "ohlc_ordered", {"high": "1.0"}), {"high": 1.0}),
    (BadRow("prices", "token_known", {"token_id": "999"}), {"token_id": 999}),
    (BadRow("prices", "timeframe_known", {"timeframe": "4h"}), {"timeframe": "4h"}),
    (BadRow("prices", "not_in_future", {"bar_start": str(FUTURE)}), {"bar_start": FUTURE}),
    (BadRow("signals", "direction_allowed", {"direction": "2"}), {"direction": 2}),
    (BadRow("signals", "token_known", {"token_id": "998"}), {"token_id": 998}),
    (BadRow("signals", "timeframe_known", {"timeframe": "1w"}), {"timeframe": "1w"}),
    (BadRow("signals", "not_in_future", {"signal_at": str(FUTURE)}), {"signal_at": FUTURE}),
]
N_BAD_PRICES = sum(bad.dataset == "prices" for bad, _ in BAD_ROWS)
N_BAD_SIGNALS = len(BAD_ROWS) - N_BAD_PRICES
EQUAL_COPY = BadRow("prices", "key_repeated", {"token_id": "105", "bar_start": str(DAY)})
CONTRADICTION = BadRow("prices", "key_contradicted", {"token_id": "106", "volume_usd": "7.0"})
CONTRADICTED = BadRow("prices", "key_contradicted", {"token_id": "106", "volume_usd": "1000000.0"})
OFF_GRID = pd.Timestamp("2025-11-01 07:30")


def spoilt() -> dict[str, pd.DataFrame]:
    """The clean folder with every bad row in it, a bar off the grid, and a signal off the grid."""
    frames = clean_folder()
    place = {"prices": ROW, "signals": ROW}
    for bad, cells in BAD_ROWS:
        frame = frames[bad.dataset]
        for name, value in cells.items():
            frame.loc[place[bad.dataset], name] = value
        # Two days apart, so that no two bad bars are neighbours.
        place[bad.dataset] += 2
    prices = frames["prices"]
    is_day = prices["bar_start"] == DAY
    copy = prices[is_day & (prices["token_id"] == 105)]
    contradiction = prices[is_day & (prices["token_id"] == 106)].assign(volume_usd=7.0)
    off_grid = prices[(prices["token_id"] == 107) & (prices["bar_start"] == DAYS[-1])].assign(bar_start=OFF_GRID)
    frames["prices"] = pd.concat([prices, copy, contradiction, off_grid], ignore_index=True)
    signals = frames["signals"]
    is_last = (signals["token_id"] == 107) & (signals["signal_at"] == DAYS[-1])
    frames["signals"] = pd.concat([signals, signals[is_last].assign(signal_at=OFF_GRID)], ignore_index=True)
    return frames


@pytest.fixture(scope="module")
def after_bad_rows(published_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Answer, Answer]:
    """A desk after two nights with the same bad rows among good ones, and both nights' answers."""
    desk = copy_of(published_desk, tmp_path_factory.mktemp("bad_rows"))
    for name, frame in spoilt().items():
        desk.deliver(name, frame)
    first = desk.nightly()
    frame = spoilt()["prices"]
    frame.loc[0, "volume_usd"] = 5.0
    desk.deliver("prices", frame)
    return desk, first, desk.nightly()


@pytest.mark.parametrize(
    "bad", [*(bad for bad, _ in BAD_ROWS), EQUAL_COPY, CONTRADICTION, CONTRADICTED], ids=lambda bad: bad.id
)
def test_a_bad_row_is_set_aside_as_it_came_and_the_rest_goes_on(
    after_bad_rows: tuple[Desk, Answer, Answer], bad: BadRow
) -> None:
    desk, answer, _ = after_bad_rows
    assert answer.exit_code == 0, answer.err

    kept = desk.ask(
        f"select reason, raw_row from ops.quarantine where dataset = '{bad.dataset}' and rule = '{bad.rule}' and "
        + " and ".join(f"(raw_row ->> '{name}') = '{value}'" for name, value in bad.cells.items())
    )

    ((reason, raw_row),) = kept
    # The message gives the reason and what to do.
    assert reason.endswith(".")
    assert {";", ","} & set(reason)
    assert set(json.loads(raw_row)) == {name.lower() for name in clean_folder()[bad.dataset].columns}
    assert f"warning {bad.rule}:" in answer.out


def test_the_good_rows_beside_bad_ones_are_published_and_nothing_raw_is_lost(
    after_bad_rows: tuple[Desk, Answer, Answer], published_desk: Desk
) -> None:
    desk, answer, _ = after_bad_rows

    # The bar off the grid is refused; the signal off the grid is a new row.
    assert f"prices: {N_ROWS + 3} rows, 0 new, {N_BAD_PRICES + 4} quarantined" in answer.out
    assert f"signals: {N_ROWS + 1} rows, 1 new, {N_BAD_SIGNALS} quarantined" in answer.out
    assert desk.raw_rows()["prices"] == N_ROWS + 1
    assert published_desk.raw_files().items() <= desk.raw_files().items()
    assert desk.ask_one("select count(*) from core.price_bar where known_to is null") == N_ROWS


def test_a_signal_off_the_grid_belongs_to_the_next_bar_and_a_bar_off_the_grid_is_refused(
    after_bad_rows: tuple[Desk, Answer, Answer],
) -> None:
    desk, _, _ = after_bad_rows

    assert desk.ask("select token_id, signal_at from core.signal where is_snapped and known_to is null") == [
        (107, pd.Timestamp("2025-11-02").to_pydatetime())
    ]
    assert desk.ask(
        "select distinct dataset, rule, severity, n_failed from ops.validation "
        "where rule in ('on_grid', 'bar_on_grid') and not is_passed order by all"
    ) == [("prices", "bar_on_grid", "critical", 1), ("signals", "on_grid", "warning", 1)]


def test_bad_rows_that_come_again_are_counted_again_and_kept_once(after_bad_rows: tuple[Desk, Answer, Answer]) -> None:
    desk, _, again = after_bad_rows

    assert again.exit_code == 0, again.err
    assert f"1 new, {N_BAD_PRICES + 4} quarantined" in again.out
    times_kept = "select count(*) as n from ops.quarantine group by dataset, rule, raw_row"
    assert desk.ask_one(f"select max(n) from ({times_kept})") == 1


def test_an_extra_column_of_any_name_is_ignored_and_kept_in_the_raw_bytes(desk: Desk) -> None:
    desk.deliver("prices", clean_folder()["prices"].assign(row_number=5, Remark="mine"))

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert f"prices: {N_ROWS} rows, 0 new" in answer.out


def test_a_byte_order_mark_semicolons_zones_and_shared_symbols_are_no_fault(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    # The same moments, written in a time zone two hours east of Greenwich.
    prices["bar_start"] = (prices["bar_start"] + pd.Timedelta(hours=2)).dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")
    desk.deliver_csv("prices", prices.to_csv(index=False, sep=";"), encoding="utf-8-sig")

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert f"prices: {N_ROWS} rows, 0 new (snapshot" in answer.out
    assert desk.ask_one("select count(distinct token_id) from core.token where symbol = 'SOL'") == 3
    assert desk.ask_one("select count(distinct token_id) from marts.signal_outcome where symbol = 'SOL'") == 3


def test_a_csv_cut_in_half_day_by_day_at_the_end_of_a_row_goes_on_with_what_there_is(desk: Desk) -> None:
    text = clean_folder()["prices"].sort_values(["bar_start", "token_id"]).to_csv(index=False)
    desk.deliver_csv("prices", text[: text.index("\n", len(text) // 2) + 1])

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert "warning rows_kept" in answer.out
    assert desk.raw_rows()["prices"] == N_ROWS
    assert desk.ask_one("select count(*) from core.price_bar where known_to is null") == N_ROWS


def test_an_empty_signals_file_at_the_first_night_publishes_no_calls_and_no_rate(desk: Desk) -> None:
    shutil.rmtree(desk.home)
    no_signals(desk)

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert "signals: 0 rows" in answer.out
    assert "warning rows_present" in answer.out
    assert "Nothing is scored yet." in answer.out
    assert desk.ask_one("select count(*) from marts.signal_scorecard") == 0


# --- acceptance ----------------------------------------------------------------------------------------------------


def test_what_a_gate_stopped_is_published_once_somebody_accepts_it_by_name(desk: Desk) -> None:
    few_tokens(desk)
    stopped = desk.nightly()
    assert stopped.exit_code == 3
    reason = "The vendor dropped all but one token; its mail of today says so."

    accepted = desk.run("accept", "tokens_kept", "--snapshot", "4", "--reason", reason)
    answer = desk.nightly()

    assert accepted.exit_code == 0, accepted.err
    assert answer.exit_code == 0, answer.err
    assert desk.ask("select rule, snapshot_id, dataset, reason from ops.acceptance") == [
        ("tokens_kept", 4, "prices", reason)
    ]
    events = [json.loads(line) for line in (desk.home / "journal" / "acceptances.jsonl").read_text().splitlines()]
    assert [(event["rule"], event["snapshot_id"], event["reason"]) for event in events] == [("tokens_kept", 4, reason)]
    assert desk.ask(
        "select is_passed, is_accepted, n_failed from ops.validation inner join ops.run using (run_id) "
        "where rule = 'tokens_kept' and dataset = 'prices' order by started_at"
    ) == [(True, False, 0), (False, False, 11), (False, True, 11)]
    assert desk.ask("select state from ops.snapshot where snapshot_id = 4") == [("accepted",)]
    # Earlier rows stay.
    assert desk.ask_one("select count(*) from core.price_bar where known_to is null") == N_ROWS


def test_a_spike_that_was_real_enters_once_it_is_accepted_though_it_stopped_nothing(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    prices.loc[ROW, ["high", "close"]] *= 8
    desk.deliver("prices", prices)
    assert "1 quarantined (snapshot 4)" in desk.nightly().out
    close = (
        f"select close from core.price_bar where token_id = {FIRST_TOKENS} and bar_start = '{DAY}' and known_to is null"
    )
    assert desk.ask_one(close) < prices.loc[ROW, "close"] / 7

    accepted = desk.run("accept", "spike", "--snapshot", "4", "--reason", "It pumped for a day.")
    answer = desk.nightly()

    assert accepted.exit_code == 0, accepted.err
    assert answer.exit_code == 0, answer.err
    assert desk.ask_one(close) == prices.loc[ROW, "close"]
    assert "Nothing new was delivered." in desk.nightly().out


def test_what_was_not_set_aside_cannot_be_accepted(desk: Desk) -> None:
    answer = desk.run("accept", "spike", "--snapshot", "2", "--reason", "In case.")
    assert answer.exit_code == 2
    assert "it was passed, and broke no spike" in answer.err


def test_an_acceptance_is_for_these_bytes_and_no_others(desk: Desk) -> None:
    few_tokens(desk)
    desk.nightly()
    desk.run("accept", "tokens_kept", "--snapshot", "4", "--reason", "It is right.")
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices[prices["token_id"] == FIRST_TOKENS + 1])

    answer = desk.nightly()

    assert answer.exit_code == 3
    assert "trackrecord accept tokens_kept --snapshot 5" in answer.err


# --- the disk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("megabytes", "has_news"),
    [
        pytest.param(0.1, True, id="while the bytes are kept"),
        pytest.param(2, False, id="while it is published"),
        pytest.param(3, True, id="while it is built", marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_reported_as_one_and_the_next_run_makes_it_good(
    desk: Desk, megabytes: float, has_news: bool
) -> None:
    fingerprint, raw_files = desk.fingerprint(), desk.raw_files()
    if has_news:
        prices = clean_folder()["prices"]
        desk.deliver("prices", prices.assign(volume_usd=prices["volume_usd"] + prices["close"]))

    answer, after = nightly_with_spare(desk, megabytes)

    assert answer.exit_code == 1, answer
    assert "Traceback" not in answer.err
    assert "cannot be" in answer.err
    assert "No space left on device" in answer.err
    assert "make room" in answer.err.lower()
    assert after.fingerprint() == fingerprint
    assert raw_files.items() <= after.raw_files().items()
    # With room again.
    answer = after.nightly()
    assert answer.exit_code == 0, answer.err
    n_restated = after.ask_one("select count(*) from core.price_bar where known_to is null and volume_usd > 1e6")
    assert n_restated == (N_ROWS if has_news else 0)
    assert after.raw_rows()["prices"] == N_ROWS + n_restated


def test_a_run_that_finds_too_little_room_does_not_begin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKRECORD_MIN_FREE_DISK_MB", str(10**9))
    raw_rows, fingerprint = desk.raw_rows(), desk.fingerprint()

    answer = desk.nightly()

    assert answer.exit_code == 1
    assert "MB free; a run wants 1000000000 MB. Make room" in answer.err
    assert (desk.raw_rows(), desk.fingerprint()) == (raw_rows, fingerprint)


def forgo_writing_everywhere() -> None:
    """Make file permissions apply to this process even where it runs as root."""
    drop_from_bounding_set, override_permissions = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, override_permissions)


def test_a_published_folder_that_cannot_be_written_is_reported_and_stays_whole(desk: Desk) -> None:
    fingerprint = desk.fingerprint()
    desk.published.parent.chmod(0o555)
    command = ("nightly", "--source", "files", "--input", str(desk.folder), "--plain")
    try:
        answer = desk.start(*command, preexec_fn=forgo_writing_everywhere)
    finally:
        desk.published.parent.chmod(0o755)

    assert answer.exit_code == 1, answer
    assert f"{desk.published.parent} cannot be published to" in answer.err
    assert "Permission denied" in answer.err
    assert "Make the folder writable" in answer.err
    assert "Traceback" not in answer.err
    assert desk.fingerprint() == fingerprint
    assert sorted(path.name for path in desk.published.parent.iterdir()) == ["trackrecord.duckdb"]
    assert desk.nightly().exit_code == 0


def test_a_damaged_published_file_is_set_aside_and_published_anew(desk: Desk) -> None:
    damaged = desk.published.read_bytes()[:5000]
    desk.published.write_bytes(damaged)

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert desk.ask_one("select count(*) from ops.publish") == 2
    (kept,) = (desk.home / "set-aside").rglob("trackrecord.duckdb")
    assert kept.read_bytes() == damaged
