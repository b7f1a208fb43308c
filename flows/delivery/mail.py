"""Mail: one message a reader; the outcome can be unknown only once the final dot has gone to the mail server."""

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import parseaddr

from flows.delivery.channels import NotDelivered, OutcomeUnknown
from flows.delivery.edition import Edition
from flows.delivery.settings import DeliverySettings
from flows.delivery.tls import trusted


class Mail:
    """A reader's mailbox."""

    is_idempotent = False

    def __init__(self, label: str, address: str, settings: DeliverySettings) -> None:
        self.name = f"mail.{label}"
        self._address = address
        self._settings = settings

    def payloads(self, edition: Edition) -> list[EmailMessage]:
        """One message: the page with its pictures, and the plain text beside it."""
        assert self._settings.mail_from is not None
        message = EmailMessage(policy=SMTP_POLICY)
        message["Subject"] = edition.subject
        message["From"] = _header(self._settings.mail_from)
        message["To"] = _header(self._address)
        message["Date"] = datetime.now(UTC)
        # The same ID for every attempt, so that mailboxes which drop duplicates recognise one.
        domain = parseaddr(self._settings.mail_from)[1].partition("@")[2]
        message["Message-ID"] = f"<trackrecord.{edition.week}.{self.name}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # Keeps out-of-office replies away.
        message.set_content(edition.text, cte="quoted-printable")
        message.add_alternative(edition.html, subtype="html", cte="quoted-printable")
        page = list(message.iter_parts())[1]
        assert isinstance(page, EmailMessage)
        for picture in edition.pictures:
            page.add_related(
                picture.png,
                "image",
                "png",
                cid=f"<{picture.cid}>",
                filename=f"{picture.cid}.png",
                disposition="inline",
                headers=[f"Content-Description: {_one_line(picture.alt)}"],
            )
        return [message]

    def send(self, payload: EmailMessage, key: str, point_of_no_return: Callable[[], None]) -> str:
        """Send the message. A server that has not seen the final dot must not deliver it (RFC 5321, 4.1.1.4)."""
        sender, receiver = (parseaddr(address)[1] for address in (self._settings.mail_from or "", self._address))
        stuffed = re.sub(rb"(?m)^\.", b"..", payload.as_bytes())
        server = self._connect()
        try:
            try:
                _expect(server.mail(sender), 250)
                _expect(server.rcpt(receiver), 250, 251)
                _expect(server.docmd("DATA"), 354)
                server.send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
            except (smtplib.SMTPException, OSError) as error:
                raise NotDelivered(_error_text(error)) from None
            point_of_no_return()
            try:
                server.send(b".\r\n")
                code, answer = server.getreply()
            except (smtplib.SMTPException, OSError) as error:
                raise OutcomeUnknown(f"no answer after the whole mail was handed over: {_error_text(error)}") from None
            if code == 421:
                # The server is shutting down; no standard promises whether it stored the message first.
                raise OutcomeUnknown(f"the server closed in place of an answer: {_text(code, answer)}")
            _expect((code, answer), 250)
            with suppress(smtplib.SMTPException, OSError):  # The mail is accepted; a failed QUIT changes nothing.
                server.quit()
            return _text(code, answer)
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        assert settings.smtp_host is not None
        host, port, timeout = settings.smtp_host, settings.smtp_port, settings.delivery_timeout_seconds
        try:
            server = (
                smtplib.SMTP_SSL(host, port, timeout=timeout, context=trusted())
                if settings.smtp_security == "tls"
                else smtplib.SMTP(host, port, timeout=timeout)
            )
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(_error_text(error)) from None
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=trusted())
            if settings.smtp_user and settings.smtp_password:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            server.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as error:
            server.close()
            raise NotDelivered(
                _error_text(error), is_hopeless=isinstance(error, smtplib.SMTPAuthenticationError)
            ) from None
        return server


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    """Raise NotDelivered for a refusal; codes from 500 on are permanent."""
    if answer[0] not in codes:
        raise NotDelivered(f"the mail server refused: {_text(*answer)}", is_hopeless=answer[0] >= 500)


def _text(code: int, answer: bytes) -> str:
    return f"{code} {answer.decode('utf-8', 'replace')}"


def _error_text(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        return f"{type(error).__name__}: {_text(error.smtp_code, raw if isinstance(raw, bytes) else raw.encode())}"
    return f"{type(error).__name__}: {error}"


def _header(address: str) -> Address:
    name, spec = parseaddr(address)
    return Address(display_name=name, addr_spec=spec)


def _one_line(text: str) -> str:
    return " ".join(text.split())
