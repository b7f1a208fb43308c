"""The worked examples in docs/examples, each applied to a copy of the project: what they promise happens."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"

TOKENS = (1, 2, 3)
RUN = "from flows.cli import main; main()"

FIRST_DAY = pd.Timestamp("2026-01-01")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what runs, with the documents that the digest's site shows."""
    copy = tmp_path / "project"
    for name in ("flows", "sql", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "data").mkdir()
    for file in (ROOT / "data").glob("*.csv"):
        shutil.copy(file, copy / "data")
    return copy


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    folder = tmp_path / "vendor"
    folder.mkdir()
    pd.DataFrame({"token_id": TOKENS, "symbol": [f"T{token}" for token in TOKENS]}).to_csv(
        folder / "tokens.csv", index=False
    )
    return folder


def test_a_dataset_is_one_declaration_and_its_files(project: Path, vendor: Path) -> None:
    """It is snapshotted, versioned, gated, published, watched day by day, and its restatements are found."""
    assert len(changed_files("a_dataset")) <= 5
    apply("a_dataset", project)
    deliver_bars(vendor, "1d", n_bars=30)

    rows = pd.DataFrame(
        [(token, FIRST_DAY + pd.Timedelta(days=day), day / 100, 10) for token in TOKENS for day in range(29)],
        columns=["token_id", "measured_at", "sentiment", "n_posts"],
    )
    is_second = rows["measured_at"] == FIRST_DAY + pd.Timedelta(days=1)
    late = is_second & (rows["token_id"] == 3)
    rows[~late].to_csv(vendor / "sentiments.csv", index=False)
    nightly(project, vendor, "2026-01-30T00:20:00")

    rows.loc[is_second & (rows["token_id"] == 1), "sentiment"] = 0.9
    rows = rows.drop(rows.index[is_second & (rows["token_id"] == 2)])
    out_of_range = pd.DataFrame([(1, FIRST_DAY + pd.Timedelta(days=29), 7.0, 10)], columns=rows.columns)
    pd.concat([rows, out_of_range]).to_csv(vendor / "sentiments.csv", index=False)
    nightly(project, vendor, "2026-01-31T00:20:00")

    with duckdb.connect(str(project / "home" / "published" / "trackrecord.duckdb"), read_only=True) as published:

        def rows_of(query: str) -> list[tuple[object, ...]]:
            return published.execute(query).fetchall()

        assert rows_of("select n_rows, n_new, n_quarantined from ops.snapshot where dataset = 'sentiments'") == [
            (86, 86, 0),
            (87, 2, 1),
        ]
        second = "where token_id = 1 and measured_at = '2026-01-02'"
        assert rows_of(f"select sentiment, revision, known_to from core.sentiment {second} order by revision") == [
            (0.01, 0, pd.Timestamp("2026-01-31T00:20:00")),
            (0.9, 1, None),
        ]
        assert rows_of(f"select sentiment from core.sentiment_as_of('2026-01-30 12:00'::timestamp) {second}") == [
            (0.01,)
        ]
        assert rows_of(
            "select token_id, kind, field, later_value from marts.restatement where dataset = 'sentiments' order by all"
        ) == [(1, "changed", "sentiment", "0.9"), (2, "vanished", None, None), (3, "appeared", None, None)]
        assert rows_of(
            "select n_reread, n_restated from marts.restatement_summary where dataset = 'sentiments' and sector = 'all'"
        ) == [(87, 3)]
        assert rows_of(
            "select state, n_tokens from ops.day where dataset = 'sentiments' and bar_start = '2026-01-29' "
        ) == [("complete", 3)]
        assert rows_of("select rule from ops.quarantine where dataset = 'sentiments'") == [("sentiment_in_range",)]
        assert (
            rows_of("select column_name from duckdb_columns() where table_name = 'sentiment' and comment is null") == []
        )


def test_a_metric_is_one_declaration(project: Path, vendor: Path) -> None:
    """It stands in both scorecards and their history, for every cell with scored calls, with its comment."""
    assert len(changed_files("a_metric")) <= 3
    assert len(changed_lines("a_metric")) <= 15
    apply("a_metric", project)
    deliver_bars(vendor, "1d", n_bars=40)
    nightly(project, vendor, "2026-02-09T00:20:00")
    with duckdb.connect(str(project / "home" / "published" / "trackrecord.duckdb"), read_only=True) as published:
        for table, group in (("signal_scorecard", "sector"), ("token_scorecard", "token_id")):
            found = published.execute(
                f"""
                select any_value(card.median_mfe), quantile_cont(outcome.mfe, 0.5)
                from marts.{table} as card
                inner join marts.signal_outcome as outcome using (vendor, {group}, timeframe, horizon, entry_rule)
                where card.direction = 'both' and card.provenance = 'all' and outcome.hit is not null
                group by {group}, horizon, entry_rule
                """
            ).fetchall()
            assert len(found) > 1
            assert all(column == median for column, median in found)
        comments = published.execute(
            "select table_name, comment from duckdb_columns() where column_name = 'median_mfe' order by all"
        ).fetchall()
    assert [table for table, _ in comments] == ["scorecard_history", "signal_scorecard", "token_scorecard"]
    assert all(comment.startswith("Median of the maximum favourable excursions") for _, comment in comments)


@pytest.mark.slow
def test_a_timeframe_is_one_line(project: Path, vendor: Path) -> None:
    assert len(changed_lines("a_timeframe")) == 1
    apply("a_timeframe", project)
    deliver_bars(vendor, "2h", n_bars=12 * 20)
    nightly(project, vendor, "2026-01-21T00:20:00", timeframes="1d,2h")
    with duckdb.connect(str(project / "home" / "published" / "trackrecord.duckdb"), read_only=True) as published:
        scored = published.execute(
            "select horizon, count(*) from marts.signal_outcome where timeframe = '2h' and hit is not null "
            "and entry_rule = 'next_open' group by all order by all"
        ).fetchall()
        windows = published.execute(
            "select distinct timeframe, horizon from core.forward_window order by all"
        ).fetchall()
    assert [horizon for horizon, _ in scored] == [1, 12, 84]
    assert all(n > 0 for _, n in scored)
    assert windows == [("2h", 1), ("2h", 12), ("2h", 84)]


@pytest.mark.slow
def test_a_gate_rule_is_one_entry(project: Path, vendor: Path) -> None:
    """A row that breaks it is quarantined with the rule's reason; every other row goes on, absent values too."""
    assert changed_files("a_gate_rule") == ["flows/quality/rules.py"]
    assert len(changed_lines("a_gate_rule")) <= 6
    apply("a_gate_rule", project)
    deliver_bars(vendor, "1d", n_bars=30)
    levels = pd.DataFrame(
        [(token, "1d", FIRST_DAY + pd.Timedelta(days=day), 95.0, 0.0) for token in TOKENS for day in range(29)],
        columns=["token_id", "timeframe", "level_at", "price", "strength"],
    )
    levels.loc[4, "strength"] = -1.0
    levels.loc[5, "strength"] = None
    levels.to_csv(vendor / "levels.csv", index=False)
    nightly(project, vendor, "2026-01-31T00:20:00")
    with duckdb.connect(str(project / "home" / "published" / "trackrecord.duckdb"), read_only=True) as published:
        quarantined = published.execute(
            "select dataset, rule, reason, raw_row ->> 'level_at' from ops.quarantine"
        ).fetchall()
        strengths = published.execute("select strength, count(*) from core.level group by all order by all").fetchall()
    ((dataset, rule, reason, level_at),) = quarantined
    assert (dataset, rule, pd.Timestamp(level_at)) == ("levels", "strength_in_range", pd.Timestamp("2026-01-05"))
    assert reason.startswith("The strength of a level is negative or infinite")
    assert strengths == [(0.0, 85), (None, 1)]


@pytest.mark.slow
def test_a_section_of_the_digest_is_in_every_form(project: Path, vendor: Path) -> None:
    """Its facts are those of the prices, and the page, the mail, Markdown and plain text show them."""
    apply("a_digest_section", project)
    deliver_bars(vendor, "1d", n_bars=30)
    nightly(project, vendor, "2026-01-31T00:20:00")
    trackrecord(project, "digest", "--plain")
    week = project / "home" / "reports" / "2026-W04"
    movers = json.loads((week / "digest.json").read_text(encoding="utf-8"))["movers"]
    # From the close of Sunday the 18th, the eighteenth bar, to that of Sunday the 25th.
    assert [(one["symbol"], one["week_return"]) for one in movers] == [
        ("T3", pytest.approx(102 / 99 - 1)),
        ("T1", pytest.approx(100 / 101 - 1)),
        ("T2", pytest.approx(101 / 102 - 1)),
    ]
    schema = (project / "home" / "reports" / "digest.schema.json").read_bytes()
    assert schema == (project / "docs" / "digest.schema.json").read_bytes()
    for form in ("index.html", "digest.html", "digest.md", "digest.txt"):
        shown = html.unescape((week / form).read_text(encoding="utf-8")).replace("\u00a0", " ")
        # The page names its sections in the navigation too, before they come.
        section = shown[shown.rindex("Movers of the week") : shown.rindex("Regime and altcoin breadth")]
        assert re.search(r"T3\b.*\+3\.0 %.*T1\b.*−1\.0 %.*T2\b.*−1\.0 %", section, flags=re.DOTALL), form


def patch(example: str) -> str:
    return (EXAMPLES / f"{example}.diff").read_text(encoding="utf-8")


def changed_files(example: str) -> list[str]:
    """The product files that an example touches."""
    return re.findall(r"^\+\+\+ b/(.+)$", patch(example), flags=re.MULTILINE)


def changed_lines(example: str) -> list[str]:
    """The lines that an example adds or takes away."""
    return [line for line in patch(example).splitlines() if re.match(r"[+-](?![+-])", line)]


def apply(example: str, project: Path) -> None:
    """Raises where the project has moved on and the example has not."""
    command = ["git", "apply", "--verbose", str(EXAMPLES / f"{example}.diff")]
    # Outside any repository `git apply` is a patch tool; inside one it would pass over files that git ignores.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(project.parent)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def deliver_bars(vendor: Path, timeframe: str, *, n_bars: int) -> None:
    """Prices that go up and down, and signals that change sides."""
    length = {"1d": pd.Timedelta(days=1), "2h": pd.Timedelta(hours=2)}[timeframe]
    moments = [FIRST_DAY + n * length for n in range(n_bars)]
    prices = [
        (token, timeframe, at, 100.0, 103.0, 97.0, 99.0 + (n + token) % 4)
        for token in TOKENS
        for n, at in enumerate(moments)
    ]
    signals = [(token, timeframe, at, 1 - 2 * (n // 5 % 2)) for token in TOKENS for n, at in enumerate(moments[:-1])]
    pd.DataFrame(prices, columns=["token_id", "timeframe", "bar_start", "open", "high", "low", "close"]).to_csv(
        vendor / "prices.csv", index=False
    )
    pd.DataFrame(signals, columns=["token_id", "timeframe", "signal_at", "direction"]).to_csv(
        vendor / "signals.csv", index=False
    )


def nightly(project: Path, vendor: Path, as_of: str, *, timeframes: str = "1d,1h") -> None:
    """`trackrecord nightly --plain` of the copy."""
    source = ("--source", "files", "--input", str(vendor), "--as-of", as_of)
    trackrecord(project, "nightly", "--plain", *source, timeframes=timeframes)


def trackrecord(project: Path, *arguments: str, timeframes: str = "1d,1h") -> None:
    """One command of the copy."""
    settings = {"TRACKRECORD_HOME": str(project / "home"), "TRACKRECORD_TIMEFRAMES": timeframes}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
