"""A digest is sent on a channel at most once; a certain failure is retried, an unknown outcome is not."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from flows.delivery import delivery as record
from flows.delivery.deliver import Receipt, deliver, resend, retry, settle
from flows.delivery.delivery import State
from flows.delivery.serialized import deserialize, serialize
from flows.errors import DeliveryError, UsageError

from .editions import MARKDOWN, NOW, edition, mail_to, settings
from .servers import endpoint, free_port, mail_server

SECRET = "a secret of enough letters"


def only(receipts: list[Receipt]) -> Receipt:
    (receipt,) = receipts
    return receipt


def test_every_channel_gets_the_digest_once_however_often_it_is_delivered(tmp_path: Path) -> None:
    with mail_server() as mail, endpoint() as hook, endpoint() as chat:
        where = settings(
            **mail_to(mail.port, "desk", "boss"),
            webhooks={"desk": {"url": f"{hook.url}/in", "secret": SECRET}},
            chats={"team": f"json://127.0.0.1:{chat.port}/room"},
        )
        first, second = (deliver(edition(), where, tmp_path, NOW) for _ in range(2))

        assert {receipt.key: receipt.state for receipt in first} == {
            f"2026-W10/{name}": "delivered" for name in ("mail.desk", "mail.boss", "webhook.desk", "chat.team")
        }
        assert second == first
        assert sorted(mail["To"] for mail in mail.mails) == ["boss@example.org", "desk@example.org"]
        assert [request.body for request in hook.requests] == [edition().json]
        assert "".join(request.json["message"] for request in chat.requests) == MARKDOWN


def test_a_changed_digest_is_not_sent_again_and_the_receipt_notes_it(tmp_path: Path) -> None:
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        deliver(edition(), where, tmp_path, NOW)
        receipt = only(deliver(edition(text="Corrected."), where, tmp_path, NOW))

    assert receipt.state == "delivered"
    assert "has changed since and is not sent again" in receipt.note
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        {"at_rcpt": ["451 4.7.1 Greylisted", "take"]},
        {"at_dot": ["452 4.3.1 Disk full", "take"]},
    ],
)
def test_a_mail_that_was_refused_for_now_is_tried_again(tmp_path: Path, behaviour: dict[str, list[str]]) -> None:
    with mail_server(**behaviour) as server:
        receipt = only(deliver(edition(), settings(**mail_to(server.port)), tmp_path, NOW))

    assert receipt.state == "delivered"
    assert len(server.mails) == 1
    assert record.read(tmp_path)[receipt.key].n_attempts == 2


def test_a_server_that_was_down_gets_the_digest_on_retry_until_the_deadline_and_not_after(tmp_path: Path) -> None:
    port = free_port()
    where = settings(**mail_to(port, "desk"), webhooks={"desk": {"url": f"http://127.0.0.1:{port}/", "secret": SECRET}})

    down = deliver(edition(), where, tmp_path, NOW)
    assert {receipt.state for receipt in down} == {"failed"}
    assert all("onnection refused" in receipt.note for receipt in down)

    with mail_server() as mail:
        up = settings(**mail_to(mail.port))
        assert {one.key: one.state for one in retry(up, tmp_path, NOW + timedelta(hours=23))} == {
            "2026-W10/mail.desk": "delivered",
            "2026-W10/webhook.desk": "failed",
        }
        assert len(mail.mails) == 1
    late = only(retry(where, tmp_path, NOW + timedelta(hours=25)))
    assert (late.key, late.state) == ("2026-W10/webhook.desk", "expired")


def test_a_refusal_for_good_is_not_repeated_in_the_same_go(tmp_path: Path) -> None:
    with mail_server(at_rcpt=["550 5.1.1 No such user", "take"]) as mail, endpoint(answers=[401, 200]) as hook:
        where = settings(**mail_to(mail.port), webhooks={"desk": {"url": hook.url, "secret": SECRET}})
        receipts = deliver(edition(), where, tmp_path, NOW)

        assert [receipt.state for receipt in receipts] == ["failed", "failed"]
        assert "550 5.1.1 No such user" in receipts[0].note
        assert "HTTP 401" in receipts[1].note
        # Both channels have been repaired.
        assert [receipt.state for receipt in retry(where, tmp_path, NOW)] == ["delivered", "delivered"]
        assert len(mail.mails) == 1


@pytest.mark.parametrize(("answer", "n_arrived"), [("take and break", 1), ("lose and break", 0)])
def test_a_connection_that_breaks_after_the_final_dot_leaves_it_unknown_and_nothing_is_sent_again(
    tmp_path: Path, answer: str, n_arrived: int
) -> None:
    with mail_server(at_dot=[answer, "take"]) as server:
        where = settings(**mail_to(server.port))
        receipt = only(deliver(edition(), where, tmp_path, NOW))
        again = only(deliver(edition(), where, tmp_path, NOW))

        assert receipt.state == again.state == "unknown"
        assert retry(where, tmp_path, NOW) == []
        assert len(server.mails) == n_arrived

        # The operator asked the reader.
        if n_arrived:
            assert settle(receipt.key, tmp_path, NOW).state == "delivered"
        else:
            assert resend(receipt.key, where, tmp_path, NOW).state == "delivered"
        assert len(server.mails) == 1
        with pytest.raises(UsageError, match="is delivered"):
            resend(receipt.key, where, tmp_path, NOW)


@pytest.mark.parametrize("answer", ["break", 500, 502, 504])
def test_a_webhook_that_fails_after_the_whole_request_is_unknown_unless_the_receiver_promised_to_act_once(
    tmp_path: Path, answer: int | str
) -> None:
    with endpoint(answers=[answer, 200]) as unsure, endpoint(answers=[answer, 200]) as safe:
        where = settings(
            webhooks={
                "unsure": {"url": unsure.url, "secret": SECRET},
                "safe": {"url": safe.url, "secret": SECRET, "is_idempotent": True},
            }
        )
        receipts = {receipt.key: receipt.state for receipt in deliver(edition(), where, tmp_path, NOW)}

    assert receipts == {"2026-W10/webhook.unsure": "unknown", "2026-W10/webhook.safe": "delivered"}
    assert len(unsure.requests) == 1
    assert [request.headers["Idempotency-Key"] for request in safe.requests] == ["2026-W10/webhook.safe"] * 2


def test_a_chat_goes_on_where_it_was_refused_and_stops_at_an_unknown_outcome(tmp_path: Path) -> None:
    long = edition(markdown="\n\n".join(f"Paragraph {number}: {'z' * 1000}" for number in range(80)))
    with endpoint(answers=[200, 429, 200]) as patient, endpoint(answers=[200, "break", 200]) as broken:
        where = settings(
            chats={"patient": f"json://127.0.0.1:{patient.port}", "broken": f"json://127.0.0.1:{broken.port}"}
        )
        states = {receipt.key: receipt.state for receipt in deliver(long, where, tmp_path, NOW)}

    assert states == {"2026-W10/chat.patient": "delivered", "2026-W10/chat.broken": "unknown"}
    texts = [request.json["message"] for request in patient.requests]
    assert [text.partition("\n")[0] for text in texts] == ["(1/3)", "(2/3)", "(2/3)", "(3/3)"]
    assert len(broken.requests) == 2
    assert record.read(tmp_path)["2026-W10/chat.broken"].n_sent == 1


def test_a_restored_outbox_or_a_lost_one_sends_nothing_a_second_time(tmp_path: Path) -> None:
    with mail_server(at_dot=["take", "take and break", "take"]) as server:
        where = settings(**mail_to(server.port, "desk", "boss"))
        home = tmp_path / "home"
        home.mkdir()
        port = free_port()
        deliver(edition("2026-W09"), settings(**mail_to(port, "desk")), home, NOW - timedelta(weeks=1))
        shutil.copytree(home, tmp_path / "before")
        first = deliver(edition(), where, home, NOW)
        assert {receipt.key: receipt.state for receipt in first} == {
            "2026-W10/mail.boss": "delivered",
            "2026-W10/mail.desk": "unknown",
        }

        for restored in ("nothing", "an older outbox", "an older journal"):
            if restored == "nothing":
                (home / "outbox.sqlite").unlink()
            elif restored == "an older outbox":
                shutil.copy(tmp_path / "before" / "outbox.sqlite", home)
            else:
                shutil.copytree(tmp_path / "before" / "journal", home / "journal", dirs_exist_ok=True)
            again = deliver(edition(), where, home, NOW)
            assert [receipt.state for receipt in again] == [receipt.state for receipt in first], restored
            assert record.read(home)["2026-W10/mail.desk"].state == "unknown", restored

    assert len(server.mails) == 2


def test_a_restore_from_before_the_delivery_sends_nothing_after_the_deadline(tmp_path: Path) -> None:
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        receipt = only(deliver(edition(), where, tmp_path, NOW + timedelta(days=3)))
        assert receipt.state == "expired"
        assert "`trackrecord deliveries --resend`" in receipt.note
        assert server.mails == []

        assert resend(receipt.key, where, tmp_path, NOW + timedelta(days=3)).state == "delivered"
    assert len(server.mails) == 1


def test_a_lost_edition_can_be_made_again_and_then_be_resent(tmp_path: Path) -> None:
    with mail_server(at_dot=["lose and break", "take"]) as server:
        where = settings(**mail_to(server.port))
        deliver(edition(), where, tmp_path, NOW)
        (tmp_path / "outbox.sqlite").unlink()
        with pytest.raises(DeliveryError, match=r"trackrecord digest --week 2026-W10"):
            resend("2026-W10/mail.desk", where, tmp_path, NOW)

        assert only(deliver(edition(text="Made again."), where, tmp_path, NOW)).state == "unknown"
        assert resend("2026-W10/mail.desk", where, tmp_path, NOW).state == "delivered"
    assert [mail.get_body(("plain",)).get_content().strip() for mail in server.mails] == ["Made again."]


def test_a_damaged_outbox_names_what_to_do_and_is_rebuilt(tmp_path: Path) -> None:
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        deliver(edition(), where, tmp_path, NOW)
        (tmp_path / "outbox.sqlite").write_bytes(b"no database " * 100)
        with pytest.raises(DeliveryError, match=r"outbox\.sqlite cannot be used: .*set it aside"):
            deliver(edition(), where, tmp_path, NOW)
        (tmp_path / "outbox.sqlite").rename(tmp_path / "aside")
        assert only(deliver(edition(), where, tmp_path, NOW)).state == "delivered"
    assert len(server.mails) == 1


def test_a_week_that_is_not_over_is_not_sent(tmp_path: Path) -> None:
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        receipt = only(deliver(edition(), where, tmp_path, NOW - timedelta(days=2)))
        assert receipt.state == State.DUE
        assert "2026-W10 is not over before 2026-03-09 00:00 UTC" in receipt.note
        assert server.mails == []

        assert only(deliver(edition(), where, tmp_path, NOW)).state == "delivered"


def test_what_cannot_be_decided_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no delivery 2026-W10/mail\.desk"):
        resend("2026-W10/mail.desk", settings(), tmp_path, NOW)


def test_an_edition_comes_back_from_the_outbox_as_it_was() -> None:
    assert deserialize(serialize(edition())) == edition()


def test_a_channel_that_stops_for_an_unforeseen_reason_costs_no_other_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> object:
        raise UnicodeEncodeError("ascii", "ä", 0, 1, "hunter2 is no ASCII")

    # Mail comes first; smtplib raises this for a password that is not ASCII.
    monkeypatch.setattr("flows.delivery.mail.Mail.send", breaks)
    with endpoint() as server:
        where = settings(**mail_to(1), webhooks={"desk": {"url": server.url, "secret": "s" * 32}})
        receipts = {receipt.key: receipt for receipt in deliver(edition(), where, tmp_path, NOW)}

    (mail,) = [receipt for key, receipt in receipts.items() if "/mail." in key]
    assert (mail.state, mail.note) == ("failed", "stopped by an unforeseen UnicodeEncodeError")
    assert receipts[f"{edition().week}/webhook.desk"].state == "delivered"
