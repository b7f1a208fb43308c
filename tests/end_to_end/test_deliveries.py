"""The states of deliveries: in the published file, in `status`, and as an operator decides them."""

import json

import pytest

from flows.clock import utc_now
from flows.delivery.deliver import deliver
from flows.delivery.delivery import last_late_week
from tests.delivery.editions import edition, mail_to, settings, shortly_after
from tests.delivery.servers import mail_server

from .desk import Desk

# The newest week whose deadline has passed.
WEEK = last_late_week(utc_now(), 24)


def configure(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    for name, value in mail_to(port, "boss", "desk").items():
        monkeypatch.setenv(f"TRACKRECORD_{name.upper()}", json.dumps(value) if isinstance(value, dict) else str(value))


def test_an_operator_sees_unknown_outcomes_and_decides_them_and_analysts_see_the_states(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server(at_dot=["take", "lose and break", "take"]) as server:
        configure(monkeypatch, server.port)
        deliver(edition(WEEK), settings(**mail_to(server.port, "boss", "desk")), desk.home, shortly_after(WEEK))
        red = desk.run("status", "--check")
        listed = desk.run("deliveries")
        desk.nightly()
        published = desk.ask("select channel, state, n_attempts, told from ops.delivery order by channel")
        sent = desk.run("deliveries", "--resend", f"{WEEK}/mail.desk")
        green = desk.run("status", "--check")

    assert red.exit_code == 1
    assert "Deliveries: 1 delivered, 1 unknown." in red.out
    assert f"Late: {WEEK}/mail.desk was to be delivered by" in red.out
    assert f"{WEEK}/mail.boss  delivered  1 attempts" in listed.out
    assert f"{WEEK}/mail.desk  unknown  1 attempts" in listed.out
    assert [row[:3] for row in published] == [("mail.boss", "delivered", 1), ("mail.desk", "unknown", 1)]
    assert "250 2.0.0 OK queued as 4711" in published[0][3]
    assert sent.exit_code == 0, sent.err
    assert (green.exit_code, "Deliveries: 2 delivered." in green.out) == (0, True), green.out
    assert [mail["To"] for mail in server.mails] == ["boss@example.org", "desk@example.org"]


def test_settings_that_make_no_sense_are_2_and_not_quoted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKRECORD_WEBHOOKS", '{"desk": {"url": "http://example.org/a-token", "secret": "too short"}}')

    answer = desk.run("status")

    assert answer.exit_code == 2
    assert "a webhook is https://host/" in answer.err
    assert "a-token" not in answer.err
    assert "too short" not in answer.err


def test_a_known_outcome_is_not_an_operators_to_decide(desk: Desk) -> None:
    answer = desk.run("deliveries", "--arrived", "2026-W10/mail.desk")

    assert answer.exit_code == 2
    assert "There is no delivery 2026-W10/mail.desk" in answer.err
    assert desk.run("deliveries").out == "Deliveries: none.\n"
