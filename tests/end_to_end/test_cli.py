"""The command line: exit codes for scripts, and messages for people."""

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from rich.console import Console

from flows.home import journal
from flows.home.lock import hold_lock
from flows.pipeline import NIGHTLY_LOCK
from flows.report.scorecard import HEADINGS, Scorecard, Section, print_scorecard, read_scorecard

from .desk import Desk, clean_folder

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b]")


def few_tokens(desk: Desk) -> None:
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices[prices["token_id"] == 101])


def test_published_is_0(desk: Desk) -> None:
    answer = desk.nightly()

    assert answer.exit_code == 0
    assert "Nothing new was delivered." in answer.out
    assert f"Published: {desk.published}" in answer.out
    assert "SIMULATED" not in answer.out


def test_a_night_that_is_not_due_fetches_nothing(desk: Desk) -> None:
    """The folder may be gone by then: `--due` every hour, as cron has it, does one night a day."""
    assert desk.nightly("--due").exit_code == 0
    runs = journal.read(desk.home, "runs")
    desk.remove("prices")
    answer = desk.nightly("--due", "--wait")
    assert (answer.exit_code, answer.out.strip()) == (0, "The night of 00:20 UTC has been done; nothing was fetched.")
    assert journal.read(desk.home, "runs") == runs


def test_a_night_that_another_night_keeps_out_is_refused_before_it_fetches_and_recorded(desk: Desk) -> None:
    desk.remove("prices")
    with hold_lock(desk.home, "the night before", name=NIGHTLY_LOCK):
        answer = desk.nightly()
    assert answer.exit_code == 4
    assert "the night before" in answer.err
    last = journal.read(desk.home, "runs")[-1]
    assert (last["state"], last["inputs"]) == ("failed", [])
    assert "the night before" in last["error"]
    assert "the night before" in desk.run("status").out


def test_an_error_is_1_and_no_traceback(desk: Desk) -> None:
    desk.remove("tokens")

    answer = desk.nightly()

    assert answer.exit_code == 1
    assert "tokens is missing" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nightly", "--source", "oracle"], "--source oracle is unknown; there are sample, files"),
        (["nightly", "--source", "files"], "--source files needs --input DIR"),
        (["nightly", "--as-of", "2199-01-01"], "--as-of 2199-01-01T00:00:00 lies in the future"),
        (["nightly", "--as-of", "2199-01-01T00:00:00+02:00"], "--as-of 2198-12-31T22:00:00 lies in the future"),
        (["nightly", "--as-of", "yesterday", "--plain"], "write it like 2026-03-09T00:20:00"),
        (["nightly", "--due", "--as-of", "2026-01-01"], "--due is about the newest night"),
        (["nightly", "--sauce", "files"], "No such option"),
        (["nightlies"], "No such command"),
        (["accept", "tokens_kept"], "Missing option"),
        (["query", "select nothing from nowhere"], "nowhere does not exist"),
    ],
)
def test_a_usage_error_is_2_and_names_what_is_wrong(desk: Desk, arguments: list[str], message: str) -> None:
    fingerprint = desk.fingerprint()

    answer = desk.run(*arguments)

    assert answer.exit_code == 2
    assert message in re.sub(r"\s+", " ", answer.err.replace("│", " "))
    assert "Traceback" not in answer.err
    assert desk.fingerprint() == fingerprint
    # No run was begun, with Prefect or without.
    assert len(runs_of(desk)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("COST_BPS", "twenty"), ("MEMORY_LIMIT", "plenty"), ("MEMORY_LIMIT", "60%")],
)
def test_a_setting_that_makes_no_sense_is_2_and_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TRACKRECORD_{name}", value)

    answer = desk.nightly()

    assert answer.exit_code == 2
    assert f"TRACKRECORD_{name}" in answer.err
    assert "Traceback" not in answer.err


def test_a_home_that_is_a_file_is_2_and_named(desk: Desk, tmp_path: Path) -> None:
    desk.home = tmp_path / "a file"
    desk.home.write_text("no folder")

    answer = desk.run("status")

    assert answer.exit_code == 2
    assert "TRACKRECORD_HOME" in answer.err
    assert "is a file" in answer.err


def test_a_gate_that_stops_is_3(desk: Desk) -> None:
    few_tokens(desk)

    answer = desk.nightly()

    assert answer.exit_code == 3
    assert "The gate stopped prices (snapshot 4); the published file is unchanged." in answer.err
    assert answer.out == ""


HOLDER = """
import sys
from pathlib import Path
from flows.home.lock import hold_lock
with hold_lock(Path(sys.argv[1]), "the nightly flow, run 20260101T002000-abc123"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_with_4_and_names_the_holder_until_that_one_dies(desk: Desk) -> None:
    fingerprint, n_runs = desk.fingerprint(), len(runs_of(desk))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(desk.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            refused = [desk.nightly(), desk.run("accept", "tokens_kept", "--snapshot", "1", "--reason", "Why not.")]
            asked = desk.run("query", "select 1 as one")
        finally:
            # Killed without cleaning up; the lock must be free all the same.
            other.kill()

    for answer in refused:
        assert answer.exit_code == 4
        assert "the nightly flow, run 20260101T002000-abc123" in answer.err
        assert f"process {other.pid} on" in answer.err
        assert "Wait for it to end" in answer.err
    assert asked.exit_code == 0
    assert desk.fingerprint() == fingerprint
    # The nightly is listed as failed; `accept` is not a run.
    assert [run["state"] for run in runs_of(desk)[n_runs:]] == ["failed"]
    assert desk.nightly().exit_code == 0


def runs_of(desk: Desk) -> list[dict[str, str]]:
    """The last journal entry of each run, which has its begin and its end."""
    lines = [json.loads(line) for line in (desk.home / "journal" / "runs.jsonl").read_text().splitlines()]
    return list({line["run_id"]: line for line in lines}.values())


def test_the_lock_names_nobody_once_it_is_free(tmp_path: Path) -> None:
    with hold_lock(tmp_path, "somebody"):
        assert "somebody" in (tmp_path / "lock").read_text()
    assert (tmp_path / "lock").read_text() == ""


# --- accept --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "snapshot", "reason", "message"),
    [
        ("price_positive", "4", "Prices may be negative.", "price_positive cannot be accepted; what can is"),
        ("tokens_kept", "4", "  ", "--reason must say why"),
        ("tokens_kept", "77", "It is right.", "there is no such snapshot"),
        (
            "tokens_kept",
            "1",
            "It is right.",
            "it was passed, and broke no tokens_kept",
        ),
    ],
)
def test_what_cannot_be_accepted_is_2_and_leaves_no_trace(
    desk: Desk, rule: str, snapshot: str, reason: str, message: str
) -> None:
    answer = desk.run("accept", rule, "--snapshot", snapshot, "--reason", reason)

    assert answer.exit_code == 2
    assert message in answer.err
    assert not (desk.home / "journal" / "acceptances.jsonl").exists()


# --- query ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql", ["insert into ops.run (run_id) values ('x')", "drop table ops.run", "create table core.t (i int)"]
)
def test_query_cannot_write(desk: Desk, sql: str) -> None:
    fingerprint = desk.fingerprint()

    answer = desk.run("query", sql)

    assert answer.exit_code == 2
    assert "read-only" in answer.err
    assert "ask it with a select" in answer.err
    assert desk.fingerprint() == fingerprint


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "select 1; select 2",
        "copy (select 1) to 'leak.csv'",
        "from 'leak.csv'",
        "create table leak (i int); select 1",
        "set enable_external_access = true; from 'leak.csv'",
        "set memory_limit = '100GB'; select 1",
    ],
)
def test_query_is_one_question_to_the_published_file_and_touches_no_other(
    desk: Desk, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    answer = desk.run("query", sql)

    assert answer.exit_code == 2
    assert "ask it with" in answer.err or "Ask one question" in answer.err
    assert not (tmp_path / "leak.csv").exists()


ALL_KINDS = (
    "select 1.5 as number, 'a, \"b\"' as text, ['x', 'y'] as list, {'a': 1} as struct, true as yes, null as nothing, "
    "'nan'::double as none, timestamp '2026-01-31 10:00:00' as moment"
)


def test_query_answers_in_the_form_asked_for(desk: Desk, tmp_path: Path) -> None:
    as_csv = desk.run("query", ALL_KINDS, "--format", "csv")
    as_json = desk.run("query", ALL_KINDS, "--format", "json")
    written = {name: tmp_path / f"answer.{name}" for name in ("csv", "json", "parquet")}
    for path in written.values():
        assert desk.run("query", ALL_KINDS, "--out", str(path)).exit_code == 0

    assert as_csv.out == written["csv"].read_text(encoding="utf-8")
    assert as_csv.out.splitlines() == [
        "number,text,list,struct,yes,nothing,none,moment",
        '1.5,"a, ""b""","[""x"", ""y""]","{""a"": 1}",true,,nan,2026-01-31 10:00:00',
    ]
    assert json.loads(as_json.out) == json.loads(written["json"].read_text(encoding="utf-8"))
    assert json.loads(as_json.out) == [
        {
            "number": 1.5,
            "text": 'a, "b"',
            "list": ["x", "y"],
            "struct": {"a": 1},
            "yes": True,
            "nothing": None,
            "none": None,
            "moment": "2026-01-31 10:00:00",
        }
    ]
    with duckdb.connect() as own:
        found = own.execute(f"select number, list, moment, nothing from '{written['parquet']}'").fetchall()
    assert found == [(1.5, ["x", "y"], datetime(2026, 1, 31, 10), None)]


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
@pytest.mark.parametrize(("limit", "expected"), [("0", 0), ("3", 3), ("70000", 70_000), ("900000", 200_000)])
def test_query_gives_at_most_so_many_rows(desk: Desk, tmp_path: Path, form: str, limit: str, expected: int) -> None:
    path = tmp_path / f"answer.{form}"

    assert desk.run("query", "from range(200000)", "--limit", limit, "--out", str(path)).exit_code == 0

    with duckdb.connect() as own:
        reader = {"csv": "read_csv", "json": "read_json", "parquet": "read_parquet"}[form]
        assert own.execute(f"select count(*) from {reader}('{path}')").fetchone() == (expected,)


def test_query_shows_a_thousand_rows_of_a_long_table_and_that_there_are_more(desk: Desk) -> None:
    answer = desk.run("query", "select range as i from range(5000)")
    whole = desk.run("query", "select range as i from range(5000)", "--limit", "5000")

    assert "999" in answer.out
    assert "1000 " not in answer.out
    assert "the first 1,000 rows: add --limit" in answer.out
    assert "4999" in whole.out
    assert "the first" not in whole.out


def test_query_pivots_and_reads_what_was_known_then(desk: Desk) -> None:
    pivot = desk.run(
        "query", "pivot (select direction, n_calls from marts.signal_scorecard) on direction using sum(n_calls)"
    )
    then = desk.run("query", "set variable as_of = timestamp '2020-01-01'; select count(*) as n from core.signal_then")

    assert "bullish" in pivot.out
    assert "│ 0 │" in then.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "parquet"], "add --out FILE.parquet"),
        (["--out", "answer.txt"], "end answer.txt in .csv, .json or .parquet"),
        (["--out", "nowhere/answer.csv"], "cannot be written: No such file or directory"),
        (["--out", "{published}/answer.json"], "cannot be written: Not a directory"),
    ],
)
def test_query_names_why_an_answer_cannot_be_written(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)

    answer = desk.run("query", "select 1", *(one.format(published=desk.published) for one in arguments))

    assert answer.exit_code == 2
    assert message in answer.err
    assert list(place.iterdir()) == []


def test_a_failed_answer_leaves_the_file_that_was_there(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "place" / "answer.csv"
    path.parent.mkdir()
    path.write_text("as it was", encoding="utf-8")
    fails_late = "select case when range = 150000 then error('bad') end from range(200000)"

    answer = desk.run("query", fails_late, "--out", str(path))

    assert answer.exit_code == 2
    assert path.read_text(encoding="utf-8") == "as it was"
    assert [one.name for one in path.parent.iterdir()] == ["answer.csv"]


def test_a_damaged_published_file_is_reported_without_a_traceback(desk: Desk) -> None:
    desk.published.write_bytes(b"not a database" * 1000)

    for arguments in (["query", "select 1"], ["status"]):
        answer = desk.run(*arguments)
        assert answer.exit_code == 2
        assert "Set it aside" in answer.err


def test_query_shows_every_cell_whole(desk: Desk) -> None:
    narrow = desk.run("query", "select 1 as one, '[bold]' as text, ['a', 'b'] as list, null as nothing")
    wide = desk.run("query", "select * from marts.signal_scorecard where sector = 'all' limit 1")

    assert "[bold]" in narrow.out
    assert "['a', 'b']" in narrow.out
    for name, _ in desk.ask("select column_name, 1 from duckdb_columns() where table_name = 'signal_scorecard'"):
        assert re.search(rf"^{name} ", wide.out, re.MULTILINE)
    assert "…" not in wide.out


def test_commands_before_the_first_publish_name_what_to_run(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "acme", tmp_path / "home")

    asked = desk.run("query", "select 1")
    assert asked.exit_code == 2
    assert "does not exist yet. Run `trackrecord nightly` first." in asked.err
    for arguments, code in ((["status"], 0), (["status", "--check"], 1)):
        answer = desk.run(*arguments)
        assert answer.exit_code == code
        assert "Nothing is published yet" in answer.out


# --- status --------------------------------------------------------------------------------------------------------


def test_status_shows_what_is_published_and_check_passes_while_it_is_fresh(desk: Desk) -> None:
    answer = desk.run("status", "--check")

    assert answer.exit_code == 0
    assert f"{desk.published}: published" in answer.out
    assert "from files" in answer.out
    assert "Late" not in answer.out


def test_what_became_of_every_row_is_printed_by_whatever_publishes(desk: Desk) -> None:
    """A backfill does; an hourly run soon after a publish does not."""
    source = ("--source", "files", "--input", str(desk.folder), "--plain")

    backfill = desk.run("backfill", "--from", "2025-10-01", "--to", "2025-10-31", *source)
    hourly = desk.run("hourly", *source)

    assert (backfill.exit_code, hourly.exit_code) == (0, 0), backfill.err + hourly.err
    assert "acme: what became of its rows" in backfill.out and "first of a token" in backfill.out
    assert "the last publish is recent enough" in hourly.out and "what became" not in hourly.out


def test_status_lists_the_tokens_that_are_not_scored(desk: Desk) -> None:
    assert "Every token is scored." in desk.run("status", "--excluded").out
    tokens = clean_folder()["tokens"].assign(symbol="LBTC", name="Lightning Bitcoin")
    tokens.loc[1, "name"] = "Lombard Staked BTC"
    desk.deliver("tokens", tokens)
    assert desk.nightly().exit_code == 0
    answer = desk.run("status", "--excluded").out
    assert "Lombard Staked BTC" in answer
    assert "wrapped Bitcoin, follows BTC" in answer
    assert "Lightning" not in answer


def test_status_check_is_1_when_the_published_file_is_late(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKRECORD_STALE_AFTER_DAYS", "0.000001")

    assert desk.run("status").exit_code == 0
    answer = desk.run("status", "--check")

    assert answer.exit_code == 1
    assert "Late" in answer.out


def test_status_shows_runs_that_did_not_publish(desk: Desk) -> None:
    few_tokens(desk)
    desk.nightly()
    desk.remove("prices")
    desk.nightly()

    lines = desk.run("status").out.splitlines()

    states = [line.split()[-1] for line in lines if re.match(r"  \d{8}T", line)]
    assert states == ["failed", "stopped", "published"]
    assert any("prices is missing" in line for line in lines)
    assert any("prices.tokens_kept: 11 of 12 failed" in line for line in lines)


# --- what it looks like --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["nightly", "--help"], ["accept", "--help"], ["status", "--help"]])
def test_help_is_0_and_explains_the_command(desk: Desk, arguments: list[str]) -> None:
    answer = desk.run(*arguments)

    assert answer.exit_code == 0
    assert "Usage:" in answer.out


@pytest.mark.parametrize("width", [80, pytest.param(140, marks=pytest.mark.slow)])
def test_the_output_of_a_pipe_has_no_control_characters_and_no_torn_lines(desk: Desk, width: int) -> None:
    command = ["nightly", "--source", "files", "--input", str(desk.folder), "--plain"]

    answer = desk.start(*command, environment={"COLUMNS": str(width)})

    assert answer.exit_code == 0, answer.err
    assert CONTROL.search(answer.out + answer.err) is None
    assert "…" not in answer.out
    lines = answer.out.splitlines()
    header = next(line for line in lines if line.strip().startswith("sector"))
    assert header.split()[:2] == ["sector", "calls"]
    assert ("worst" in header) == (width == 140)
    end = next(i for i, line in enumerate(lines) if line.startswith(("A wider page", "Hit rate:")))
    table = lines[lines.index(header) : end]
    assert max(map(len, table)) <= width
    # A row begins with the sector, its calls, and its rate with the interval, or `too few`.
    (all_sectors,) = [line for line in table if line.strip().startswith("all ")]
    assert re.search(r"all +\d+ +(\d+\.\d % \(\d+\.\d to \d+\.\d\)|too few \(n = \d+)", all_sectors)


def test_a_vendor_that_stopped_long_ago_has_no_present_pace(desk: Desk, tmp_path: Path) -> None:
    """No cell of it will ever be enough, so no month is named; what the cells lack is."""
    desk.home = tmp_path / "another home"
    signals = clean_folder()["signals"]
    days = signals["signal_at"]
    desk.deliver("signals", signals[days < days.min() + pd.Timedelta(days=60)])
    desk.nightly()

    (section,) = read_scorecard(desk.published).sections
    few = [row[2] for row in section.rows if row[2].startswith("too few")]

    assert few
    assert all(re.fullmatch(r"too few \(n = \d+, (worth \d+ of 30|\d of 10 stretches)\)", one) for one in few)


def long_scorecard() -> Scorecard:
    """A scorecard with the longest cells possible."""
    rate, edge = "100.0 % (100.0 to 100.0)", "+100.0 (<0.001)"
    full = ("Wrapped & Bridged", "123456", rate, "100.0 %", edge, edge, "+1234.5 %", "-100.0 %, -1234.5 %")
    few = ("Exchange Tokens", "29", "too few (n = 29, worth 12 of 30, by 2031-12)", *("" for _ in HEADINGS[3:]))
    section = Section("a vendor/with a product, 1d calls held for 14 bars, entered at the next open", (full, few))
    return Scorecard(datetime(2026, 7, 1), "20260701T002000-abc123", True, (section, section))


@pytest.mark.parametrize("width", [80, 100, 120, 140, 160, 200])
def test_a_scorecard_drops_whole_columns_and_names_them_rather_than_tear_cells(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    card = long_scorecard()

    print_scorecard(Console(width=width), card)

    out = capsys.readouterr().out
    assert out.count("100.0 % (100.0 to 100.0)") == out.count("too few (n = 29, worth 12 of 30, by 2031-12)") == 2
    assert "…" not in out
    assert "SIMULATED" in out
    is_cut = "A wider page also shows" in out
    assert is_cut == (width < 160)
    assert ("-1234.5 %" in out) is not is_cut
    assert all(len(line) <= width for line in out.splitlines())


def test_the_printed_scorecard_is_the_published_one(published_desk: Desk) -> None:
    card = read_scorecard(published_desk.published)
    (section,) = card.sections
    n_calls = published_desk.ask_one(
        "select n_calls from marts.signal_scorecard where sector = 'all' and horizon = 7 and direction = 'both' "
        "and provenance = 'all' and entry_rule = 'next_open'"
    )

    assert section.rows[0][:1] == ("all",)
    assert section.rows[0][1].split()[0] == str(n_calls)
    assert card.is_simulated is False


# --- names, locales and places that a terminal or a disk does not take ----------------------------------------------


def test_markup_in_paths_and_names_is_shown_as_it_is(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "[red]in[").mkdir()
    (tmp_path / "[bold]home[").mkdir()
    folder = desk.folder.rename(tmp_path / "[red]in[" / "nope]")
    odd = Desk(folder, tmp_path / "[bold]home[" / "bold]")
    (folder / "[link=x]prices.csv").write_text("x")

    answer = odd.nightly("--vendor", "[blink]acme[/red]")

    assert answer.exit_code == 0, answer.err
    assert f"Published: {odd.published}" in answer.out
    assert "no dataset is read from it: [link=x]prices.csv" in answer.out
    assert "[blink]acme[/red], 1d calls" in answer.out
    assert str(odd.published) in odd.run("status").out


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", "a\u202eb", "x" * 201])
def test_a_vendor_whose_name_cannot_be_shown_is_a_usage_error(desk: Desk, name: str) -> None:
    answer = desk.nightly("--vendor", name)

    assert answer.exit_code == 2
    assert "cannot be a vendor's name" in answer.err
    assert not CONTROL.search(answer.err)


def test_left_overs_are_passed_over_with_a_remark_and_change_nothing(desk: Desk) -> None:
    (desk.folder / "prices").mkdir()
    for name in ("._2025.csv", "2025.csv~", ".2025.parquet.swp"):
        (desk.folder / "prices" / name).write_bytes(b"\xb0\x00not a table")

    answer = desk.nightly()

    assert answer.exit_code == 0, answer.err
    assert "Nothing new was delivered." in answer.out
    assert "Passed over as hidden or left over: prices/.2025.parquet.swp, prices/._2025.csv, prices/2025.csv~." in (
        answer.out
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_with_few_characters_is_no_error(desk: Desk, tmp_path: Path, encoding: str) -> None:
    tokens = clean_folder()["tokens"].assign(symbol="β₿")
    desk.deliver("tokens", tokens)
    assert desk.nightly().exit_code == 0
    few = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}

    answer = desk.start("query", "select symbol from core.token where known_to is null limit 1", environment=few)

    assert (answer.exit_code, answer.err) == (0, "")
    assert "\\u20bf" in answer.out


@pytest.mark.parametrize("place", ["/proc/nowhere", "{file}/home", "{file}"])
@pytest.mark.parametrize("command", ["nightly", "note"])
def test_a_home_that_cannot_be_written_is_a_sentence(desk: Desk, tmp_path: Path, place: str, command: str) -> None:
    (tmp_path / "file").touch()
    odd = Desk(desk.folder, Path(place.format(file=tmp_path / "file")))
    arguments = {"nightly": ("--source", "files", "--input", str(desk.folder), "--plain"), "note": ("text",)}[command]

    answer = odd.start(command, *arguments)

    assert answer.exit_code in (1, 2)
    assert str(odd.home) in answer.err
    assert "Traceback" not in answer.err
    assert answer.err.count("\n") == 1


def test_an_output_that_cannot_be_written_is_a_sentence(desk: Desk) -> None:
    with Path("/dev/full").open("w") as full:
        answer = desk.start("status", stdout=full)

    assert answer.exit_code == 1
    assert answer.err.startswith("The output or a file of the home cannot be written: No space left on device.")
    assert answer.err.count("\n") == 1
