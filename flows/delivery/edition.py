"""An edition: one digest in every form it is delivered in, rendered completely before the first is sent."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A PNG that the mail shows inline: the page refers to it as `cid:<cid>`, with `alt` as its alternative text."""

    cid: str
    png: bytes
    alt: str


@dataclass(frozen=True)
class Edition:
    """One week's digest (`week` as ISO 8601 writes it, 2026-W47), rendered.

    `html` is the mail's page with inline CSS and `cid:` pictures, `text` its plain-text part, `markdown` the text for
    chats, `json` the digest's data (UTF-8). Two renderings of one digest are byte-identical.
    """

    week: str
    subject: str
    is_simulated: bool
    html: str
    text: str
    markdown: str
    json: bytes
    pictures: tuple[Picture, ...] = ()
