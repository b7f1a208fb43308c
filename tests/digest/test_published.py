"""The digest of a published file: every figure matches a query, and a past week shows nothing that came later."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.config import Settings
from flows.report.digest.job import weekly_job
from tests.end_to_end.desk import Desk, clean_folder

from .checking import Judge, read_digest, shown
from .reading import read_html

FIRST, SECOND = "2025-W37", "2025-W38"
MOMENTS = {FIRST: "2025-09-15T00:20:00", SECOND: "2025-09-22T00:20:00"}

# Digits on a page that need no query: definitions, names of horizons, and fixed promises.
DEFINITIONS = re.compile(
    r"95\s%|\bn = |30 independent|10 separate|10 points|50-day|90 days|98 unbroken|volatility of 30 days"
    r"|held for \d+ (day|hour)s?|, \d+ (day|hour)s?$|week \d{4}-W\d\d|q at most"
)


def grades() -> pd.DataFrame:
    """Grades that move by more than 10 points in the second week, and a token that is relabelled."""
    days = pd.date_range("2025-08-01", "2025-10-31")
    rows = [
        {"token_id": token, "kind": "tm", "graded_at": day, "grade": 40.0 + token % 7, "label": "Hold"}
        for token in (101, 102, 103)
        for day in days
    ]
    frame = pd.DataFrame(rows)
    late = frame["graded_at"] >= "2025-09-18"
    frame.loc[late & (frame["token_id"] == 101), ["grade", "label"]] = [77.0, "Buy"]
    frame.loc[late & (frame["token_id"] == 102), "grade"] -= 15
    return frame


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk that published on two Mondays, made each week's digest, and received restatements in between."""
    place = tmp_path_factory.mktemp("digest")
    desk = Desk(place / "acme", place / "home")
    desk.folder.mkdir()
    for name, frame in clean_folder().items():
        desk.deliver(name, frame)
    desk.deliver("grades", grades())
    publish_and_digest(desk, FIRST)
    (desk.home / "reports" / FIRST).rename(place / "as_first_made")
    assert desk.run("note", "Token 5 was <b>renamed</b>.").exit_code == 0
    signals = clean_folder()["signals"]
    changed = (signals["token_id"] == 104) & (signals["signal_at"] == "2025-09-01")
    signals.loc[changed, "direction"] *= -1
    desk.deliver("signals", signals)
    prices = clean_folder()["prices"]
    prices.loc[(prices["token_id"] == 105) & (prices["bar_start"] == "2025-09-02"), "volume_usd"] = 2e6
    desk.deliver("prices", prices)
    tokens = clean_folder()["tokens"]
    tokens.loc[tokens["token_id"] == 106, "symbol"] = "RENAMED"
    desk.deliver("tokens", tokens)
    publish_and_digest(desk, SECOND)
    return desk


def publish_and_digest(desk: Desk, week: str) -> None:
    answer = desk.nightly("--as-of", MOMENTS[week])
    assert answer.exit_code == 0, answer.err
    answer = desk.run("digest", "--plain")
    assert answer.exit_code == 0, answer.err
    assert (desk.home / "reports" / week / "digest.html").exists(), answer.out


@pytest.mark.parametrize("form", ["index.html", "digest.html"])
def test_every_figure_equals_a_query_on_the_published_file(desk: Desk, form: str) -> None:
    assert_every_figure_holds(desk.home, SECOND, form)


def assert_every_figure_holds(home: Path, week: str, form: str) -> None:
    folder = home / "reports" / week
    judge = Judge(home / "published" / "trackrecord.duckdb", read_digest(folder))
    read = read_html((folder / form).read_text(encoding="utf-8"))

    answers = {path: judge.expected(path) for path, _ in read.figures}
    wrong = [(path, text, answers[path]) for path, text in read.figures if not shown(answers[path], text)]

    assert len(answers) > 100
    assert wrong == []
    # A number without a path must be a definition, because no query can check it.
    words = {DEFINITIONS.sub("", text) for text in read.loose}
    names = {*strings(judge.digest), "Layer 1"}
    for name in sorted(names, key=len, reverse=True):
        words = {text.replace(name, "") for text in words}
    assert sorted(text.strip() for text in words if re.search(r"\d", text)) == []


def strings(value: Any) -> Iterator[str]:
    """Every text in digest.json, because names of tokens, sectors and vendors may contain digits."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def test_a_past_week_is_shown_as_it_was_then(desk: Desk) -> None:
    """Later bars, calls, grades and a restatement have come; the first week's digest does not change by a byte."""
    as_first_made = desk.home.parent / "as_first_made"

    assert desk.run("digest", "--plain", "--week", FIRST).exit_code == 0

    names = sorted(path.name for path in as_first_made.iterdir())
    assert {"digest.html", "index.html", "digest.md", "digest.txt", "digest.json"} <= set(names)
    again = desk.home / "reports" / FIRST
    assert [name for name in names if (as_first_made / name).read_bytes() != (again / name).read_bytes()] == []
    assert desk.ask_one("select count(*) from marts.restatement") == 2


def test_two_renders_are_byte_identical(desk: Desk) -> None:
    settings = Settings(home=desk.home)

    assert weekly_job(settings, SECOND) == weekly_job(settings, SECOND)


def test_last_weeks_rates_stand_beside_this_weeks(desk: Desk) -> None:
    digest = read_digest(desk.home / "reports" / SECOND)

    cells = [cell for track in digest["tracks"] for cell in track["cells"] if cell["last_week"]]
    found = [cell for cell in cells if cell["last_week"]["hit_rate"] and cell["direction"] == "both"]

    assert found
    for cell in found:
        rate, n = desk.ask(
            "select hit_rate, n_calls from marts.scorecard_history where published_as_of = $$2025-09-15 00:20$$ "
            f"and sector = '{cell['sector']}' and horizon = {cell['horizon']} and direction = 'both' "
            "and provenance = 'all' and entry_rule = 'next_open'"
        )[0]
        assert cell["last_week"]["hit_rate"]["value"] == pytest.approx(rate, abs=1e-9)
        assert cell["last_week"]["n_calls"] == n
    assert any(cell["last_week"]["n_calls"] < cell["n_calls"] for cell in found)


def test_what_changed_is_shown(desk: Desk) -> None:
    changes = read_digest(desk.home / "reports" / SECOND)["changes"]

    moved = {one["token_id"]: one["after"] - one["before"] for one in changes["grade_changes"]}
    assert moved == {101: 77.0 - (40 + 101 % 7), 102: -15.0}
    assert (changes["n_upgrades"], changes["n_downgrades"]) == (1, 1)
    restated = [(one["dataset"], one["field"], one["n_changes"]) for one in changes["restated"]]
    assert restated == [("prices", "volume_usd", 1), ("signals", "direction", 1)]


def test_a_note_is_shown_once_and_as_text(desk: Desk) -> None:
    folder = desk.home / "reports"
    note = "Token 5 was <b>renamed</b>."

    assert [one["text"] for one in read_digest(folder / SECOND)["notes"]] == [note]
    assert read_digest(desk.home.parent / "as_first_made")["notes"] == []
    page = (folder / SECOND / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;renamed&lt;/b&gt;" in page and "<b>renamed" not in page
    assert "\\<b\\>renamed" in (folder / SECOND / "digest.md").read_text(encoding="utf-8")
    # The newest digest has been made, so the next note waits for the one after it.
    assert "2025-W39" in desk.run("note", "Later.").out


def test_a_week_without_a_digest_is_refused_with_those_there_are(desk: Desk) -> None:
    answer = desk.run("digest", "--plain", "--week", "2025-W30")

    assert answer.exit_code == 2
    assert "2025-W37, 2025-W38" in re.sub(r"\s+", " ", answer.err)


@pytest.mark.parametrize("command", [["digest", "--plain"], ["note", "A word."]])
def test_without_a_published_file_the_next_step_is_named(tmp_path: Path, command: list[str]) -> None:
    answer = Desk(tmp_path / "acme", tmp_path / "home").run(*command)

    assert answer.exit_code == 2
    assert "Run `trackrecord nightly` first" in answer.err


def test_the_site_lists_every_week_and_explains_every_column(desk: Desk) -> None:
    reports = desk.home / "reports"
    index = (reports / "index.html").read_text(encoding="utf-8")
    dictionary = (reports / "dictionary.html").read_text(encoding="utf-8")

    assert f'href="{SECOND}/index.html"' in index
    for as_of in MOMENTS.values():
        assert as_of.replace("T", " ")[:16] in index
    columns = desk.ask("select distinct column_name from duckdb_columns() where schema_name = 'marts' and not internal")
    assert [name for (name,) in columns if f">{name}</th>" not in dictionary] == []
    schema = json.loads((reports / "digest.schema.json").read_bytes())
    assert set(schema["required"]) == set(read_digest(reports / SECOND))
    assert "http://" not in index.replace("http://www.w3.org", "") and "https://" not in index


@pytest.mark.slow
def test_perps_2024_of_a_monday_in_march(real_data: Path, tmp_path: Path) -> None:
    """On real data: the digest of 2026-W10 is right, and two more months of data do not change it."""
    desk = Desk(real_data / "perps_2024", tmp_path / "home")
    assert desk.nightly("--as-of", "2026-03-09T00:20:00").exit_code == 0
    assert desk.run("digest", "--plain").exit_code == 0
    first = desk.home / "reports" / "2026-W10"
    assert_every_figure_holds(desk.home, "2026-W10", "index.html")
    assert_every_figure_holds(desk.home, "2026-W10", "digest.html")
    made = {path.name: path.read_bytes() for path in first.iterdir()}

    assert desk.nightly("--as-of", "2026-05-11T00:20:00").exit_code == 0
    assert desk.run("digest", "--plain", "--week", "2026-W10").exit_code == 0

    assert {path.name: path.read_bytes() for path in first.iterdir()} == made
    newest = desk.ask_one("select max(entry_at) from marts.signal_outcome where hit is not null")
    assert newest > datetime(2026, 3, 9)  # Some calls made after the first digest have been scored by now.


def test_marks_follow_one_correction_over_every_test_of_the_page(desk: Desk) -> None:
    """Benjamini-Hochberg over edges and selections of all one-sided cells at once, at a 52nd of the yearly level."""
    p = desk.ask(
        "select sector, horizon, direction, kind, p from marts.scorecard_history "
        "cross join lateral (values ('edge', edge_p), ('selection', selection_p)) as tests(kind, p) "
        "where published_as_of = $$2025-09-22 00:20$$ and provenance = 'all' and entry_rule = 'next_open' "
        "and sector <> 'all' and direction <> 'both' and n_calls >= 30 and n_clusters >= 10 "
        "and p is not null order by p"
    )
    q, least = {}, 1.0
    for rank, (*key, value) in reversed(list(enumerate(p, 1))):
        least = min(least, value * len(p) / rank)
        q[tuple(key)] = least

    digest = read_digest(desk.home / "reports" / SECOND)

    assert digest["n_tested"] == len(p) > 20
    for cell in digest["tracks"][0]["cells"]:
        for kind in ("edge", "selection"):
            expected = q.get((cell["sector"], cell["horizon"], cell["direction"], kind))
            assert cell[f"{kind}_q"] == (None if expected is None else pytest.approx(expected, rel=1e-6))
            # This vendor's calls are drawn at random, so no cell may be marked.
            assert cell[f"{kind}_mark"] is None
