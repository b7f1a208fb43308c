"""The archive: each week's digest in every form under `reports/`, plain files that any web server can serve."""

import json
import os
from pathlib import Path

from flows.delivery.edition import Edition
from flows.report.digest.document import Document
from flows.report.digest.layout import lay_out
from flows.report.digest.mail import mail_form, pictures_of
from flows.report.digest.model import Digest
from flows.report.digest.page import page_form
from flows.report.digest.plain_forms import chat_form, markdown_form, text_form


def make_edition(digest: Digest) -> Edition:
    """The digest in every form that is delivered."""
    return _edition(digest, lay_out(digest))


def write_archive(digest: Digest, reports: Path) -> Edition:
    """Write a week's digest under `reports/<week>/` and return the edition to deliver."""
    document = lay_out(digest)
    edition = _edition(digest, document)
    folder = reports / digest.week
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {
        "digest.html": edition.html.encode(),
        "index.html": page_form(document).encode(),
        "digest.md": markdown_form(document).encode(),
        "digest.txt": edition.text.encode(),
        "digest.json": edition.json,
        **{f"{picture.cid.split('@')[0]}.png": picture.png for picture in edition.pictures},
    }
    _keep_earlier(folder, files["digest.json"])
    for name, content in files.items():
        write_whole(folder / name, content)
    return edition


def _keep_earlier(folder: Path, made: bytes) -> None:
    """Copy the week's archived edition to `earlier/` where the new one differs, so that it can still be read."""
    published = folder / "digest.json"
    if not published.exists() or published.read_bytes() == made:
        return
    earlier = folder / "earlier"
    kept = earlier / str(1 + sum(1 for _ in earlier.glob("*")))
    kept.mkdir(parents=True)
    for path in folder.iterdir():
        if path.is_file():
            write_whole(kept / path.name, path.read_bytes())


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file atomically, so that a web server serves the old one or the new one, never a part."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)


def digest_schema() -> bytes:
    """The JSON schema of digest.json."""
    return (json.dumps(Digest.model_json_schema(mode="serialization"), indent=1) + "\n").encode()


def _edition(digest: Digest, document: Document) -> Edition:
    html = mail_form(document)
    stamp = "[SIMULATED] " if digest.is_simulated else ""
    return Edition(
        week=digest.week,
        subject=f"{stamp}{document.title}",
        is_simulated=digest.is_simulated,
        html=html,
        text=text_form(document),
        markdown=chat_form(document),
        json=(digest.model_dump_json(indent=1) + "\n").encode(),
        pictures=pictures_of(document, html),
    )
