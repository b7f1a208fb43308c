"""Parses a rendered digest: every figure with the path in digest.json that its markup names."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr"}


@dataclass
class Element:
    """An open element, and its text so far."""

    tag: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)


@dataclass
class Read:
    """The content of a page: its figures by path, its lines of text, and the digits outside figures."""

    figures: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    pictures: list[dict[str, str]] = field(default_factory=list)


LINES = {"tr", "p", "li", "h1", "h2", "caption", "figcaption"}
UNSEEN = {"style", "script", "title", "option", "svg"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.read.pictures.append(attributes)
        if tag not in VOID:
            self.open.append(Element(tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            element = self.open.pop()
            text = " ".join("".join(element.text).split())
            path = self._path(element)
            if path:
                self.read.figures.append((path, text))
            if element.tag in LINES and text:
                self.read.lines.append(text)
            if element.tag == tag:
                return

    def handle_data(self, data: str) -> None:
        if any(element.tag in UNSEEN for element in self.open):
            return
        for element in self.open:
            element.text.append(data)
        is_heading = any(element.attributes.get("scope") == "col" for element in self.open)
        if not any(self._path(element) for element in self.open) and not is_heading:
            self.read.loose.append(data)

    def _path(self, element: Element) -> str | None:
        if "data-fact" in element.attributes:
            return element.attributes["data-fact"]
        if "data-f" in element.attributes:
            place = next(one.attributes["data-at"] for one in reversed(self.open) if "data-at" in one.attributes)
            return place + element.attributes["data-f"]
        return None


def read_html(html: str) -> Read:
    """Read a page or a mail as a browser would show it."""
    # The cells of a row are joined to one line, with spaces between them.
    reader = _Reader()
    reader.feed(html.replace("</td>", " </td>").replace("</th>", " </th>"))
    reader.close()
    return reader.read
