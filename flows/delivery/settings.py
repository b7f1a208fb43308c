"""Delivery settings, frozen, from the environment or a `.env` file. Secrets print as stars."""

import ipaddress
import json
import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# A channel's label is part of the delivery's key and appears in logs, so it must not be derived from the address.
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")

MAILBOX = re.compile(r"[!-?A-~]+@[!-?A-~]+")

# A shorter secret could be found by trying all against one signed request.
MIN_SECRET_LENGTH = 16


class Webhook(BaseModel):
    """One endpoint that takes the digest's JSON, signed.

    `is_idempotent` is the receiver's promise to act once on an `Idempotency-Key`, however often it comes: only then is
    a request of unknown outcome sent again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: SecretStr
    secret: SecretStr
    is_idempotent: bool = False

    @field_validator("url")
    @classmethod
    def _only_encrypted(cls, url: SecretStr) -> SecretStr:
        try:
            parts = urlsplit(url.get_secret_value())
            host = parts.hostname
        except ValueError:
            host = None
        if host is None or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
            raise ValueError("a webhook is https://host/…; http only where the host is this machine")
        return url

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < MIN_SECRET_LENGTH:
            raise ValueError(f"a webhook's secret has at least {MIN_SECRET_LENGTH} characters")
        return secret


class DeliverySettings(BaseSettings):
    """What an operator may change. Every field is the environment variable `TRACKRECORD_<FIELD>`.

    Targets are JSON objects from a name of your choice to the target: the name is the channel's label and part of the
    key, so a token can be renewed or a mailbox moved without anything being sent again.
    """

    model_config = SettingsConfigDict(
        env_prefix="TRACKRECORD_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    smtp_host: str | None = Field(default=None, description="The mail server. None: no mail.")
    smtp_port: int = Field(default=587, ge=1, le=65_535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted; `none` only on this machine."
    )
    smtp_user: str | None = Field(default=None, description="Who logs in. None: nobody does.")
    smtp_password: SecretStr | None = Field(default=None, description="Their password.")
    mail_from: str | None = Field(default=None, description="Sender: `Track record <digest@example.org>`.")
    mail_to: Annotated[dict[str, str], NoDecode] = Field(
        default={}, description='Readers: {"desk": "desk@example.org"}.'
    )
    webhooks: Annotated[dict[str, Webhook], NoDecode] = Field(
        default={}, description='Endpoints: {"desk": {"url": "https://…", "secret": "…", "is_idempotent": false}}.'
    )
    chats: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default={}, description='Apprise URLs: {"team": "discord://…"}.'
    )
    delivery_deadline_hours: float = Field(
        default=24, gt=0, le=168, description="Hours after Monday 06:00 UTC by which a digest has to be delivered."
    )
    delivery_attempts: int = Field(default=3, ge=1, le=20, description="Attempts per channel in one go.")
    delivery_wait_seconds: float = Field(
        default=10, ge=0, le=600, description="Wait before the second attempt; each further one waits twice as long."
    )
    delivery_timeout_seconds: float = Field(
        default=60, gt=0, le=600, description="How long a server may keep silent before it is given up."
    )

    @field_validator("mail_to", "webhooks", "chats", mode="before")
    @classmethod
    def _decode(cls, value: object) -> object:
        """Parse JSON here, because pydantic's own error would quote the text, and with it the secrets."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value or "{}")
        except json.JSONDecodeError:
            raise ValueError('not a JSON object such as {"name": "target"}') from None

    @field_validator("mail_to", "webhooks", "chats")
    @classmethod
    def _named(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not all(NAME.fullmatch(name) for name in value):
            raise ValueError("names are up to 40 of a-z, 0-9, _, . and -, beginning with a letter or digit")
        return value

    @field_validator("mail_from", "mail_to", "smtp_host", "smtp_user")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        texts = value.values() if isinstance(value, dict) else [value or ""]
        if any(not text.isprintable() for text in texts):
            raise ValueError("an address is one line of printable characters")
        return value

    @field_validator("mail_from", "mail_to")
    @classmethod
    def _mailboxes(cls, value: Any) -> Any:
        texts = value.values() if isinstance(value, dict) else [value] if value else []
        if not all(MAILBOX.fullmatch(parseaddr(text)[1]) for text in texts):
            raise ValueError("a mailbox is written like desk@example.org or Desk <desk@example.org>, in ASCII")
        return value

    @model_validator(mode="after")
    def _mail_is_whole(self) -> "DeliverySettings":
        if self.smtp_host and not (self.mail_from and self.mail_to):
            raise ValueError("TRACKRECORD_SMTP_HOST wants TRACKRECORD_MAIL_FROM and TRACKRECORD_MAIL_TO beside it")
        if self.mail_to and not self.smtp_host:
            raise ValueError("TRACKRECORD_MAIL_TO wants TRACKRECORD_SMTP_HOST beside it")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("TRACKRECORD_SMTP_USER and TRACKRECORD_SMTP_PASSWORD go together")
        if self.smtp_host and self.smtp_security == "none" and not is_loopback(self.smtp_host):
            raise ValueError("TRACKRECORD_SMTP_SECURITY=none is only for a mail server on this machine")
        return self

    @property
    def secret_values(self) -> Iterator[str]:
        """Every secret in clear, and every address: what `redact` removes from servers' answers."""
        yield from (parseaddr(address)[1] for address in self.mail_to.values())
        if self.mail_from:
            yield parseaddr(self.mail_from)[1]
        if self.smtp_user and "@" in self.smtp_user:
            yield self.smtp_user
        if self.smtp_password:
            yield self.smtp_password.get_secret_value()
        for hook in self.webhooks.values():
            yield hook.url.get_secret_value()
            yield hook.secret.get_secret_value()
        for url in self.chats.values():
            yield url.get_secret_value()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
