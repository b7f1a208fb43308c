"""The hourly job: the digest that is due is made once, sent once, and retried where it failed."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from flows.config import Settings
from flows.report.digest import job
from tests.delivery.editions import mail_to
from tests.delivery.servers import free_port, mail_server
from tests.end_to_end.desk import Desk, clean_folder

WEEK = "2025-W37"
Clock = Callable[[str], None]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk on which nothing was published between the end of 2025-W37 and Wednesday."""
    place = tmp_path_factory.mktemp("due")
    desk = Desk(place / "acme", place / "home")
    desk.folder.mkdir()
    for name, frame in clean_folder().items():
        desk.deliver(name, frame)
    assert desk.nightly("--as-of", "2025-09-11T00:20:00").exit_code == 0
    shutil.copytree(desk.home, place / "on_monday")
    assert desk.nightly("--as-of", "2025-09-17T00:20:00").exit_code == 0
    return desk


@pytest.fixture
def desk(published: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(published.home, tmp_path / "home")
    return Desk(published.folder, tmp_path / "home")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets the clock of the digest's job."""

    def set_to(moment: str) -> None:
        monkeypatch.setattr(job, "utc_now", lambda: datetime.fromisoformat(moment))

    set_to("2025-09-17T06:30")
    return set_to


def configure(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    more = {"delivery_attempts": 1, "delivery_deadline_hours": 120}
    for name, value in (mail_to(port) | more).items():
        monkeypatch.setenv(f"TRACKRECORD_{name.upper()}", json.dumps(value) if isinstance(value, dict) else str(value))


def page(desk: Desk, week: str = WEEK) -> Path:
    return desk.home / "reports" / week / "index.html"


def test_a_monday_without_a_publish_is_made_up_for_by_the_first_run_after_one(
    published: Desk, desk: Desk, clock: Clock
) -> None:
    on_monday = Desk(published.folder, published.home.parent / "on_monday")
    clock("2025-09-15T06:00")
    assert on_monday.run("digest", "--due", "--plain").exit_code == 0
    # Only the earlier week had a publish after it, so only its digest can be made.
    assert page(on_monday, "2025-W36").exists() and not page(on_monday).exists()

    clock("2025-09-17T00:30")
    made = desk.run("digest", "--due", "--plain")
    assert (made.exit_code, page(desk).exists()) == (0, True), made.err
    written = page(desk).stat().st_mtime_ns
    again = desk.run("digest", "--due", "--plain")
    assert (again.exit_code, page(desk).stat().st_mtime_ns) == (0, written)
    assert "No digest is to be made" in again.out
    # A lost page is made again.
    shutil.rmtree(page(desk).parent)
    assert desk.run("digest", "--due", "--plain").exit_code == 0 and page(desk).exists()


def test_a_digest_is_not_due_before_monday_six_o_clock(desk: Desk, clock: Clock) -> None:
    clock("2025-09-15T05:59")
    assert job.week_to_make(Settings(home=desk.home)) is None
    clock("2025-09-15T06:00")
    assert job.week_to_make(Settings(home=desk.home)) == WEEK


def test_a_channel_that_is_down_fails_the_run_and_is_tried_again_by_the_next_until_it_has_arrived(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, free_port())
    down = desk.run("digest", "--due", "--plain")
    still_down = desk.run("digest", "--due", "--plain")
    for answer in (down, still_down):
        assert answer.exit_code == 1
        assert f"{WEEK}/mail.desk is failed" in answer.err and "tries again until the deadline" in answer.err
    with mail_server() as server:
        configure(monkeypatch, server.port)
        clock("2025-09-17T07:30")
        for _ in range(3):
            answer = desk.run("digest", "--due", "--plain")
            assert answer.exit_code == 0, answer.err
    assert len(server.mails) == 1


def test_a_run_that_died_between_making_and_sending_is_made_up_for(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=desk.home)
    job.archive_digest(settings, job.read_digest(settings))
    with mail_server() as server:
        configure(monkeypatch, server.port)
        assert desk.run("digest", "--due", "--plain").exit_code == 0
    assert len(server.mails) == 1


def test_a_terminal_does_not_wait_for_a_server_that_is_down_and_names_what_is_left(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, free_port())
    answer = desk.run("digest", "--plain")

    assert answer.exit_code == 1
    assert page(desk).exists() and str(page(desk)) in answer.out
    assert "`trackrecord deliveries --retry`, tries again until the deadline" in answer.err
    assert desk.run("deliveries", "--retry").exit_code == 1


def test_due_and_a_week_do_not_go_together(desk: Desk) -> None:
    assert desk.run("digest", "--due", "--week", WEEK).exit_code == 2
