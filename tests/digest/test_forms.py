"""The forms: small enough, no rate without n and interval, and safe whatever a token is called."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.config import ROOT
from flows.report.digest.archive import digest_schema, make_edition, write_archive
from flows.report.digest.layout import lay_out
from flows.report.digest.mail import MAX_BYTES, mail_form
from flows.report.digest.model import Digest
from flows.report.digest.page import page_form
from flows.report.digest.parts import TOP_ONLY
from flows.report.digest.plain_forms import chat_form, markdown_form, text_form

from .made import a_digest
from .reading import read_html

# A share is written without a sign. An interval is `(a to b)`. A signed figure before an interval is an edge.
RATE = re.compile(r"(?<![+−\d.,(])\d+\.\d %")
WITH_INTERVAL = re.compile(r"\d+\.\d % \(\d+\.\d to \d+\.\d\)")
INTERVAL = re.compile(r"\([+−]?\d+\.\d to [+−]?\d+\.\d\)")
N = re.compile(r"\bn = [\d,]+|\bcalls [\d,]+|; n [\d,]+")


def faults(line: str, *, has_n: bool = False) -> list[str]:
    """The faults of a line with a rate. A base rate may stand beside the rate that it is the base of."""
    line = line.replace("\u00a0", " ")
    found = []
    rates = RATE.findall(line)
    if not rates:
        return found
    n_with = len(WITH_INTERVAL.findall(line))
    if not n_with:
        found.append("no interval")
    # Each rate with an interval may have one base rate beside it.
    if len(rates) > 2 * n_with:
        found.append("a rate of its own")
    if not (has_n or N.search(line)):
        found.append("no n")
    return found


def lines_of(digest: Digest) -> Iterator[tuple[str, str, bool]]:
    """Every line of every form, and whether its table has a column of n."""
    document = lay_out(digest)
    for name, html in (("mail", mail_form(document)), ("page", page_form(document))):
        read = read_html(html)
        for line in read.lines:
            # In a row of a table n is in the second or fourth cell, under a heading that names it.
            yield name, line, bool(re.match(r".+? (\d+ [dh] (both|bullish|bearish) )?[\d,]+ [\d,]+ \d", line))
        for picture in read.pictures:
            yield name, picture["alt"], False
        for tip in re.findall(r'(?:data-tip|aria-label)="([^"]*)"', html):
            yield name, tip, False
    for name, text in (("text", text_form(document)), ("chat", chat_form(document))):
        yield from ((name, line, False) for line in text.splitlines())
    heading = ""
    for line in markdown_form(document).splitlines():
        heading = line if line.startswith("| ") and " calls " in line else heading
        yield "markdown", line, line.startswith("| ") and " calls " in heading


def json_faults(value: Any, path: str = "") -> Iterator[str]:
    """Rates of digest.json without an interval or an n in the same object."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from json_faults(one, f"{path}.{number}")
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in ("hit_rate", "edge", "selection") and one is not None:
                if not {"value", "low", "high"} <= set(one):
                    yield f"{path}.{name} has no interval"
                if not value.get("n_calls"):
                    yield f"{path}.{name} has no n"
            elif name.endswith("_rate") and one is not None and not value.get("hit_rate"):
                yield f"{path}.{name} stands alone"
            yield from json_faults(one, f"{path}.{name}")


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), few=st.sampled_from([0.0, 0.3, 1.0]), n_sectors=st.integers(1, 6))
def test_no_rate_without_n_and_interval_in_any_form(seed: int, few: float, n_sectors: int) -> None:
    digest = a_digest(n_sectors=n_sectors, seed=seed, few=few)

    wrong = [(form, line, faults(line, has_n=has_n)) for form, line, has_n in lines_of(digest)]

    assert [one for one in wrong if one[2]] == []
    assert list(json_faults(json.loads(digest.model_dump_json()))) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("AI hit 64.0 % of the time", ["no interval", "a rate of its own", "no n"]),
        ("AI hit 64.0 % (58.6 to 69.1)", ["no n"]),
        ("AI hit 64.0 %, n = 339", ["no interval", "a rate of its own"]),
        ("AI 64.0 % (58.6 to 69.1), DeFi 57.9 %, base 49.5 %, n = 339", ["a rate of its own"]),
        ("AI 64.0 % (58.6 to 69.1), base 49.5 %, n = 339; drawdown −15.8 %", []),
    ],
)
def test_the_linter_finds_a_bare_rate(line: str, expected: list[str]) -> None:
    assert faults(line) == expected


def test_a_cell_that_is_too_few_shows_no_rate_in_any_form() -> None:
    digest = a_digest(n_sectors=5, few=1.0)

    for form, line, _ in lines_of(digest):
        assert not RATE.search(line.replace("\u00a0", " ")), (form, line)
    few = [line for form, line, _ in lines_of(digest) if form == "text" and "too few (n = " in line]
    lines = [line for line in few if re.match(r"  [^:]+: calls ", line)]
    assert lines and all("2027-03" in line and "8 points" in line and "stretches" in line for line in lines)


@pytest.mark.parametrize("timeframes", [("1d",), ("1d", "1h")])
def test_a_mail_of_20_sectors_and_5_horizons_stays_under_80_kb(timeframes: tuple[str, ...]) -> None:
    digest = a_digest(n_sectors=20, timeframes=timeframes, few=0.0)

    html = mail_form(lay_out(digest))

    assert len(html.encode()) <= MAX_BYTES == 80_000
    # Tables that were dropped are named, and the hit rates are never dropped.
    captions = [
        part.caption.removesuffix(TOP_ONLY)
        for section in lay_out(digest).sections
        for part in section.parts
        if hasattr(part, "columns") and "mail" in part.forms
    ]
    lines = read_html(html).lines
    assert [caption for caption in captions if not any(caption in line for line in lines)] == []
    for sector in {cell.sector for cell in digest.tracks[0].cells}:
        assert any(line.startswith(sector) and WITH_INTERVAL.search(line.replace("\u00a0", " ")) for line in lines)


def test_a_mail_of_60_sectors_is_still_under_80_kb() -> None:
    assert len(mail_form(lay_out(a_digest(n_sectors=60, few=0.0))).encode()) <= MAX_BYTES


def test_simulated_is_stamped_on_every_form_and_only_on_those() -> None:
    for is_simulated in (True, False):
        digest = a_digest(n_sectors=3, is_simulated=is_simulated)
        document, edition = lay_out(digest), make_edition(digest)
        forms = [
            edition.html,
            page_form(document),
            edition.text,
            edition.markdown,
            markdown_form(document),
            edition.subject,
        ]
        assert [("simulated" in form.lower()) for form in forms] == [is_simulated] * len(forms)
        assert json.loads(edition.json)["is_simulated"] is is_simulated


def test_somebodys_words_are_never_markup() -> None:
    evil = "<script>alert(1)</script>|*_`"
    digest = a_digest(n_sectors=3, symbol=evil, note=f"{evil} [x](http://y)")
    document = lay_out(digest)

    for html in (mail_form(document), page_form(document)):
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html
    for text in (markdown_form(document), chat_form(document)):
        assert "<script" not in text.replace("\\<", "")
        assert "[x](" not in text
    rows = [line for line in markdown_form(document).splitlines() if line.startswith("| ") and "alert" in line]
    assert rows and len({len(re.findall(r"(?<!\\)\|", row)) for row in rows if "Sell" in row}) == 1


def test_every_form_shows_when_from_what_run_at_what_cost_and_that_it_is_no_advice() -> None:
    digest = a_digest(n_sectors=2)
    document = lay_out(digest)

    for form in (mail_form(document), page_form(document), text_form(document), markdown_form(document)):
        text = re.sub(r"<[^>]+>", "", form).replace("\u00a0", " ").replace("\\", "")
        for promise in (
            "2026-11-16 00:20",
            digest.run_id,
            "Data complete: no",
            "20 basis points",
            "ethodology",
            "Not financial advice",
            digest.version,
        ):
            assert promise in text, promise


def test_the_mail_names_every_picture_it_carries_and_each_has_words() -> None:
    edition = make_edition(a_digest(n_sectors=4, few=0.0))

    pictures = read_html(edition.html).pictures
    assert {one["src"] for one in pictures} == {f"cid:{picture.cid}" for picture in edition.pictures}
    assert all(len(one["alt"]) > 40 for one in pictures)
    assert all(picture.png.startswith(b"\x89PNG") for picture in edition.pictures)


def test_a_week_without_any_scored_call_is_named_so_in_every_form() -> None:
    digest = a_digest(timeframes=())
    document = lay_out(digest)

    for form in (mail_form(document), page_form(document), text_form(document), markdown_form(document)):
        assert "No call has been scored yet" in form
        assert not RATE.search(re.sub(r"<(style|script).*?</\1>", "", form, flags=re.DOTALL).replace("\u00a0", " "))


def test_the_page_asks_nobody_for_anything() -> None:
    html = page_form(lay_out(a_digest(n_sectors=3)))

    assert re.findall(r'(?:src|href)="(?!#|\.\./|digest\.json)[^"]*"', html) == []
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", html)


def test_the_schema_in_the_docs_is_the_digests_own() -> None:
    """When the digest has changed: copy `reports/digest.schema.json` of any run to docs/."""
    assert (ROOT / "docs" / "digest.schema.json").read_bytes() == digest_schema()


def test_an_edition_that_comes_out_different_leaves_the_published_one_to_be_read(tmp_path: Path) -> None:
    digest = a_digest(n_sectors=3)
    write_archive(digest, tmp_path)
    folder = tmp_path / digest.week
    published = {path.name: path.read_bytes() for path in folder.iterdir()}

    write_archive(digest, tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == published
    # A later note or a corrected price makes another edition of the same week.
    write_archive(digest.model_copy(update={"run_id": "another run"}), tmp_path)
    kept = folder / "earlier" / "1"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == published
    assert "another run" in (folder / "digest.json").read_text(encoding="utf-8")
