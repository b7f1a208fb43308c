"""The mail that arrives is the whole digest, readable by any client, over a verified connection."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from flows.delivery import delivery as record
from flows.delivery.deliver import deliver, resend
from flows.delivery.tls import trusted

from .editions import NOW, edition, mail_to, settings
from .servers import mail_server


def delivered(tmp_path: Path, **behaviour: Any) -> list[EmailMessage]:
    with mail_server(**behaviour) as server:
        deliver(edition(), settings(**mail_to(server.port)), tmp_path, NOW)
    return server.mails


def test_every_part_arrives_as_it_was_made(tmp_path: Path) -> None:
    (mail,) = delivered(tmp_path)
    one = edition()

    assert mail["Subject"] == one.subject
    assert mail["From"] == "Track record <digest@example.org>"
    assert mail["To"] == "desk@example.org"
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and rich is not None
    # Including lines that begin with a dot, and lines too long for SMTP.
    assert plain.get_content().splitlines() == one.text.splitlines()
    assert rich.get_content().splitlines() == one.html.splitlines()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content() == one.pictures[0].png
    # What the page calls `cid:rates`.
    assert picture["Content-ID"] == "<rates>"
    assert picture.get_content_disposition() == "inline"
    assert picture["Content-Description"] == one.pictures[0].alt


def test_a_client_without_pictures_reads_the_text_and_one_with_them_finds_them_beside_the_page(tmp_path: Path) -> None:
    (mail,) = delivered(tmp_path)

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "multipart/related"]
    assert [part.get_content_type() for part in list(mail.iter_parts())[1].iter_parts()] == ["text/html", "image/png"]


def test_a_mail_sent_again_has_the_message_id_of_the_first_so_that_mailboxes_can_drop_it(tmp_path: Path) -> None:
    with mail_server(at_dot=["take and break", "take"]) as server:
        where = settings(**mail_to(server.port, "desk", "boss"))
        receipts = {receipt.key: receipt.state for receipt in deliver(edition(), where, tmp_path, NOW)}
        (unknown,) = [key for key, state in receipts.items() if state == "unknown"]
        resend(unknown, where, tmp_path, NOW)

    ids = [mail["Message-ID"] for mail in server.mails]
    assert len(ids) == 3
    assert ids[0] == ids[2] != ids[1]


def test_one_wrong_address_keeps_nobody_else_from_the_digest(tmp_path: Path) -> None:
    with mail_server(at_rcpt=["550 5.1.1 <boss@example.org> is nobody", "take"]) as server:
        where = settings(**mail_to(server.port, "boss", "desk"))
        states = {receipt.key: receipt.state for receipt in deliver(edition(), where, tmp_path, NOW)}

    assert states == {"2026-W10/mail.boss": "failed", "2026-W10/mail.desk": "delivered"}
    assert [mail["To"] for mail in server.mails] == ["desk@example.org"]
    # The note is published, so the readers' addresses are redacted in it.
    assert record.read(tmp_path)["2026-W10/mail.boss"].note == "the mail server refused: 550 5.1.1 <***> is nobody"


# --- encryption ----------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of this machine, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def logins() -> list[tuple[bytes, bytes]]:
    return []


@pytest.fixture
def careful(certificate: Path, logins: list[tuple[bytes, bytes]]) -> Iterator[dict[str, Any]]:
    """A server that accepts mail only encrypted and after a login."""

    def knows(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"open sesame")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield {"tls_context": context, "require_starttls": True, "authenticator": knows, "auth_required": True}
    trusted.cache_clear()


LOGIN = {"smtp_security": "starttls", "smtp_user": "digest", "smtp_password": "open sesame"}


def test_it_logs_in_over_an_encrypted_connection(
    tmp_path: Path,
    careful: dict[str, Any],
    certificate: Path,
    logins: list[tuple[bytes, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusted.cache_clear()
    with mail_server(smtp=careful) as server:
        (receipt,) = deliver(edition(), settings(**{**mail_to(server.port), **LOGIN}), tmp_path, NOW)

    assert receipt.state == "delivered"
    assert len(server.mails) == 1
    assert logins == [(b"digest", b"open sesame")]


def test_a_server_nobody_vouches_for_learns_neither_the_password_nor_the_digest(
    tmp_path: Path, careful: dict[str, Any], logins: list[tuple[bytes, bytes]]
) -> None:
    trusted.cache_clear()
    with mail_server(smtp=careful) as server:
        (receipt,) = deliver(edition(), settings(**{**mail_to(server.port), **LOGIN}), tmp_path, NOW)

    assert receipt.state == "failed"
    assert "certificate verify failed" in receipt.note
    assert logins == [] and server.mails == []


def test_a_server_that_offers_no_encryption_gets_nothing(tmp_path: Path) -> None:
    with mail_server() as server:
        (receipt,) = deliver(edition(), settings(**{**mail_to(server.port), **LOGIN}), tmp_path, NOW)

    assert receipt.state == "failed"
    assert "STARTTLS" in receipt.note
    assert server.mails == []


def test_mail_in_clear_is_only_for_a_server_on_this_machine() -> None:
    with pytest.raises(ValidationError, match="only for a mail server on this machine"):
        settings(**{**mail_to(25), "smtp_host": "mail.example.org"})
