"""Many vendors in one home: the night, its output, its ranking and its digest."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from flows.report.digest.facts import build_digest
from flows.report.digest.layout import lay_out
from flows.report.digest.mail import MAX_BYTES
from flows.report.digest.moment import open_at
from flows.report.digest.plain_forms import chat_form, text_form
from tests.crowd import NIGHT, WEEK, Crowd, write_crowd
from tests.digest.checking import Judge, read_digest, shown
from tests.digest.reading import read_html
from tests.end_to_end.desk import Answer, Desk
from tests.point_in_time.homes import new_home
from tests.scale import repeats

N_VENDORS = 13

# What fits onto a screen or two: a table of the best, one of what became of the rows, and what to do.
MOST_LINES = 60


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Crowd, Answer]:
    place = tmp_path_factory.mktemp("crowd")
    crowd = write_crowd(place / "in", n_vendors=N_VENDORS, n_tokens=13, n_days=200, every=2)
    desk = Desk(place / "in", place / "home")
    answer = desk.nightly("--as-of", NIGHT.isoformat())
    assert answer.exit_code == 0, answer.err
    made = desk.run("digest", "--plain")
    assert made.exit_code == 0, made.err
    return desk, crowd, answer


def test_the_run_ends_with_a_ranking_and_one_account_of_all(night: tuple[Desk, Crowd, Answer]) -> None:
    _, crowd, answer = night
    assert len(answer.out.splitlines()) < MOST_LINES
    assert f"{N_VENDORS} vendors, by how well they chose the token of a sector" in answer.out
    first = next(line for line in answer.out.splitlines() if re.match(r" +1 +vendor-", line))
    assert first.split()[1] in crowd.skilled and " better " in first
    assert "sector   " not in answer.out  # No scorecard of any one vendor.
    assert f"{N_VENDORS} vendors: what became of their rows" in answer.out
    # Who is wrong, and what to do about it, in one line a thing.
    assert f"{crowd.without_prices}: most of the 1h calls cannot be scored" in answer.out
    assert f"{crowd.never_scored}: most of the 1d calls cannot be scored" in answer.out
    assert f"{crowd.without_calls}: nothing to score, none of the 1d rows is a call" in answer.out
    assert f"No call that could be traded: {len(crowd.undated) + 3} vendors (" in answer.out


def test_the_skilled_are_first_and_who_could_not_be_traded_is_last(night: tuple[Desk, Crowd, Answer]) -> None:
    desk, crowd, _ = night
    with duckdb.connect(str(desk.published), read_only=True) as file:
        rows = file.execute("select vendor, rank, mark, n_calls, next_open_mark from marts.vendor_ranking").fetchall()
    assert {vendor for vendor, _, mark, *_ in rows if mark == "above"} >= set(crowd.skilled)
    assert [vendor for vendor, *_ in rows[: len(crowd.skilled)]] == list(crowd.skilled)
    without = {vendor for vendor, rank, _, n_calls, _ in rows if n_calls == 0 and rank is None}
    assert without == {*crowd.undated, crowd.without_prices, crowd.never_scored, crowd.without_calls}
    assert [rank for _, rank, *_ in rows] == sorted((rank for _, rank, *_ in rows), key=lambda rank: rank or 99)


@pytest.mark.parametrize("form", ["index.html", "digest.html"])
def test_every_figure_of_the_digest_equals_a_query(night: tuple[Desk, Crowd, Answer], form: str) -> None:
    desk, *_ = night
    folder = desk.home / "reports" / WEEK
    judge = Judge(desk.published, read_digest(folder))
    figures = read_html((folder / form).read_text(encoding="utf-8")).figures
    answers = {path: judge.expected(path) for path, _ in figures}
    assert [(path, text, answers[path]) for path, text in figures if not shown(answers[path], text)] == []
    assert any(path.startswith("ranking.") for path in answers)
    if form == "index.html":
        for name in ("ranking", "accounts"):
            places = {path.split(".")[1] for path in answers if path.startswith(f"{name}.")}
            assert places == set(map(str, range(N_VENDORS)))


def test_the_digest_has_the_first_in_detail_and_what_is_wrong_first(night: tuple[Desk, Crowd, Answer]) -> None:
    desk, crowd, _ = night
    digest = read_digest(desk.home / "reports" / WEEK)
    assert len({track["vendor"] for track in digest["tracks"]}) == 3
    assert digest["tracks"][0]["vendor"] in crowd.skilled
    wrong = [one["vendor"] for one in digest["accounts"] if one["problem"]]
    assert wrong == [one["vendor"] for one in digest["accounts"][: len(wrong)]]
    assert set(wrong) == {crowd.without_prices, crowd.never_scored, crowd.without_calls}
    # Signals of every second day: one line a day, not one a vendor.
    assert len(digest["quality"]["missing"]) <= 7
    assert all(len(reason) < 200 for reason in digest["incomplete_because"])


def test_the_site_shows_the_past_of_the_first(night: tuple[Desk, Crowd, Answer]) -> None:
    desk, crowd, _ = night
    site = (desk.home / "reports" / "index.html").read_text(encoding="utf-8")
    assert f"Of {N_VENDORS} vendors these are the first 8 of the newest ranking" in site
    shown = re.findall(r"<caption>(vendor-\d+),", site)
    assert set(crowd.skilled) <= set(shown) and len(set(shown)) <= 8


def test_a_week_whose_ranking_was_not_kept_has_no_ranking(night: tuple[Desk, Crowd, Answer], tmp_path: Path) -> None:
    """A file of before: the first vendors by name are shown, and the digest names what is left out."""
    desk, *_ = night
    shutil.copy(desk.published, tmp_path / "before.duckdb")
    with duckdb.connect(str(tmp_path / "before.duckdb")) as file:
        file.execute("delete from marts.ranking_history")
    with open_at(tmp_path / "before.duckdb", WEEK) as as_known:
        digest = build_digest(as_known, ())
    assert digest.ranking == ()
    assert [track.vendor for track in digest.tracks] == ["vendor-000", "vendor-001", "vendor-002"]
    assert "Left out: the ranking of all vendors." in text_form(lay_out(digest))
    assert "Hit rates by sector" in chat_form(lay_out(digest))


@pytest.mark.parametrize("n_nights", [3, pytest.param(repeats(12, whole=40), marks=pytest.mark.slow)])
def test_nights_rank_as_one_build_does(tmp_path: Path, n_nights: int) -> None:
    """New bars, calls and outcomes move every vendor's figures, and with them the order of all."""
    write_crowd(tmp_path / "in", n_vendors=10, n_tokens=13, n_days=90, every=2)
    moments = [NIGHT - timedelta(days=back) for back in reversed(range(n_nights))]
    with new_home(tmp_path / "nights") as nights:
        reports = [nights.replay(tmp_path / "in", moment) for moment in moments]
        assert [report.is_full for report in reports] == [True] + [False] * (len(moments) - 1)
        assert nights.count("marts.vendor_ranking where selection_e is not null") > 0
        by_night = nights.fingerprints()
        assert nights.rebuild(moments[-1], is_full=True).is_full
        assert by_night == nights.fingerprints()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_400_vendors_of_50_tokens(tmp_path: Path) -> None:
    write_crowd(tmp_path / "in", n_vendors=400, n_tokens=50, n_days=200, every=7)
    started = time.perf_counter()
    asked = ("nightly", "--source", "files", "--input", str(tmp_path / "in"), "--plain", "--as-of", NIGHT.isoformat())
    assert len(_command(tmp_path / "home", *asked).splitlines()) < MOST_LINES
    seconds = time.perf_counter() - started
    _command(tmp_path / "home", "digest", "--plain")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    folder = tmp_path / "home" / "reports" / WEEK
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.suffix != ".png"}
    print(f"night {seconds:.0f} s, both {time.perf_counter() - started:.0f} s, peak {peak} MB, {json.dumps(sizes)}")
    assert sizes["digest.html"] <= MAX_BYTES
    assert len(json.loads((folder / "digest.json").read_bytes())["ranking"]) == 400


def _command(home: Path, *arguments: str) -> str:
    """The output of a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env={**os.environ, "TRACKRECORD_HOME": str(home)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
