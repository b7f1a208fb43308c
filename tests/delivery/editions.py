"""Editions and settings for the tests of delivery."""

import json
import zlib
from datetime import datetime, timedelta
from typing import Any

from flows.delivery.delivery import due_at
from flows.delivery.edition import Edition, Picture
from flows.delivery.settings import DeliverySettings

WEEK = "2026-W10"
NOW = datetime(2026, 3, 9, 6, 0, 20)

MARKDOWN = "# What the signals said\n\n" + "\n\n".join(
    f"Sector {number}: 61.{number} % of 412 calls were right (95 % interval 55.1 to 66.9), the base rate is 54.0 %."
    for number in range(60)
)

# A PNG of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154"
) + zlib.compress(b"")


def edition(week: str = WEEK, **changes: Any) -> Edition:
    """A digest with everything that transports may spoil: lines of dots, long lines, umlauts, emoji."""
    values: dict[str, Any] = {
        "week": week,
        "subject": f"Signals of {week}: Überblick ✅",
        "is_simulated": False,
        "html": f"<p>.A line that begins with a dot</p>\n.\n<img src='cid:rates'>{'x' * 2000}",
        "text": ".A line that begins with a dot\n.\n..\nGrüße\n" + "y" * 2000 + "\n",
        "markdown": MARKDOWN,
        "json": json.dumps({"week": week, "cells": [0.61, 0.54]}).encode(),
        "pictures": (Picture("rates", PNG, "Hit rates by sector, Layer 1 first: ✅"),),
    }
    return Edition(**{**values, **changes})


def settings(**values: Any) -> DeliverySettings:
    """Settings of a test, without the environment's, and with short timeouts."""
    quick = {"delivery_wait_seconds": 0, "delivery_timeout_seconds": 5, "delivery_attempts": 2}
    return DeliverySettings(_env_file=None, **{**quick, **values})  # type: ignore[call-arg]


def mail_to(port: int, *readers: str, **values: Any) -> dict[str, Any]:
    """Settings for mail through a server on this machine."""
    return {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "mail_from": "Track record <digest@example.org>",
        "mail_to": {name: f"{name}@example.org" for name in readers or ("desk",)},
        **values,
    }


def shortly_after(week: str) -> datetime:
    """A moment between the end of the week and its deadline."""
    return due_at(week) + timedelta(minutes=1)
