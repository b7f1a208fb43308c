"""An edition serialized to bytes for the outbox, and the hash by which two editions are distinguished."""

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict
from hashlib import sha256

from flows.delivery.edition import Edition, Picture


def serialize(edition: Edition) -> bytes:
    """An edition as bytes; the same edition gives the same bytes."""
    return zlib.compress(_plain(edition), 9)


def deserialize(serialized: bytes) -> Edition:
    """The edition that these bytes were made from."""
    values = json.loads(zlib.decompress(serialized))
    pictures = tuple(Picture(one["cid"], b64decode(one["png"]), one["alt"]) for one in values.pop("pictures"))
    return Edition(**{**values, "json": b64decode(values["json"])}, pictures=pictures)


def body_hash(edition: Edition) -> str:
    """SHA-256 over every form of the edition, in hexadecimal."""
    return sha256(_plain(edition)).hexdigest()


def _plain(edition: Edition) -> bytes:
    return json.dumps(asdict(edition), default=lambda raw: b64encode(raw).decode(), sort_keys=True).encode()
