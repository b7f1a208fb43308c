"""An edition: one digest in every form it is delivered in, complete before anybody is sent anything."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A PNG that the mail shows inline: the page refers to it as `cid:<cid>`, and reads `alt` out where it cannot."""

    cid: str
    png: bytes
    alt: str


@dataclass(frozen=True)
class Edition:
    """One week's digest (`week` as ISO 8601 writes it, 2026-W47), rendered.

    `html` is the mail's page with inline CSS and `cid:` pictures, `text` its plain-text part, `markdown` what chats are
    told, `json` the digest's data (UTF-8). Two renderings of one digest are byte-identical.
    """

    week: str
    subject: str
    is_simulated: bool
    html: str
    text: str
    markdown: str
    json: bytes
    pictures: tuple[Picture, ...] = ()
