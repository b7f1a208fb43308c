"""The digest's wording: comparable figures side by side, names as vendors spell them, and what each figure is of."""

import re

import pytest

from flows.report.digest.archive import make_edition
from flows.report.digest.document import plain
from flows.report.digest.layout import lay_out
from flows.report.digest.mail import mail_form
from flows.report.digest.model import Digest
from flows.report.digest.page import page_form
from flows.report.digest.plain_forms import chat_form, markdown_form, text_form
from flows.report.digest.sentences import three_sentences

from .made import a_digest
from .reading import read_html

ODD_NAMES = ("$memes", "{a|b}", "{tracks.0.vendor|text}")


def first_sentence(digest: Digest) -> str:
    return plain(lay_out(digest).sentences[0])


def changed(digest: Digest, **changes: object) -> Digest:
    """The digest with some facts of its first track changed, and its sentences made anew."""
    track = digest.tracks[0].model_copy(update=changes)
    digest = digest.model_copy(update={"tracks": (track, *digest.tracks[1:])})
    return digest.model_copy(update={"sentences": three_sentences(digest)})


def forms(digest: Digest) -> dict[str, str]:
    """Every form as plain text."""
    document = lay_out(digest)
    found = {
        "mail": "\n".join(read_html(mail_form(document)).lines),
        "page": "\n".join(read_html(page_form(document)).lines),
        "text": text_form(document),
        "markdown": re.sub(r"\\(.)", r"\1", markdown_form(document)),
        "chat": re.sub(r"\\(.)", r"\1", chat_form(document)),
    }
    return {form: text.replace("\u00a0", " ") for form, text in found.items()}


def test_what_could_be_traded_stands_at_the_top_and_like_is_set_beside_like_where_it_is_explained() -> None:
    digest = a_digest(n_sectors=3, few=0.0, timeframes=("1d", "1h"))

    daily, hourly = re.split(r"(?=Hourly calls)", first_sentence(digest))
    assert "entered once the signal was known, as one could trade, +2.9 (−2.2 to +8.1) points (n = 8,400)" in daily
    assert "entered once the signal was known, as one could trade, +1.1 (−4.0 to +6.3) points (n = 8,400)" in hourly
    page = forms(digest)["page"]
    best = "the edge was +2.7 (−2.4 to +7.9) points (n = 8,500) entered at the next open"
    assert page.count(best) == 2
    assert "and +2.9 (−2.2 to +8.1) points (n = 8,400) entered once the signal was known" in page
    assert "The other 500 (backfill) nobody could trade." in page


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_vendor_or_a_sector_may_be_called_anything(name: str) -> None:
    digest = a_digest(
        n_sectors=3, few=0.3, seed=2, vendors=(f"{name} one", f"{name} two"), sector=name, symbol=name, note=name
    )
    texts = forms(digest)

    for form, text in texts.items():
        for wanted in (f"{name} one", f"{name} 1"):
            assert wanted in text, (form, wanted)
    for form in ("text", "markdown", "page"):
        # Sentences, captions, the stance and the open calls of each vendor.
        for wanted in (
            f"{name} two, daily calls: 400 new calls",
            f"Stance of {name} two, daily calls: long 80",
            f"{name} two, daily calls, calls not scored yet",
            f"{name} two, daily calls, held for 7 days, both directions",
        ):
            if form != "page" or "both directions" not in wanted:
                assert wanted in texts[form], (form, wanted)
    page = page_form(lay_out(digest))
    assert page.count("var(--ink)") and "$ground" not in page
    edition = make_edition(digest)
    assert all(name in picture.alt for picture in edition.pictures if picture.cid.startswith("rates"))


def test_a_symbol_of_several_tokens_is_shown_with_the_tokens_id() -> None:
    digest = a_digest(n_sectors=3, few=0.0, symbol="SOL", shared_symbols=("SOL9",))

    for form, text in forms(digest).items():
        if form != "chat":
            assert "SOL9 (token 9)" in text, form
            assert "SOL8 (token" not in text
    assert "SOL9 (token 9) ▼ short" in forms(digest)["text"]  # The worst drawdown's token is named in the same way.


def test_calls_that_are_never_scored_are_shown_among_the_new_ones() -> None:
    digest = a_digest(n_sectors=3)
    calls = digest.tracks[0].new_calls
    digest = changed(
        digest, n_new_unscored=12, new_calls=(calls[0].model_copy(update={"is_scored": False}), *calls[1:])
    )

    for form, text in forms(digest).items():
        assert "12 on tokens that are never scored (stablecoins, wrapped or leveraged ones)" in text, form
    assert forms(digest)["text"].count("witnessed, never scored") == 1


def test_a_cell_with_calls_enough_in_too_short_a_time_lacks_time() -> None:
    digest = a_digest(n_sectors=3, few=0.0)
    cells = tuple(
        cell.model_copy(
            update={
                "n_calls": 479,
                "n_effective": 120.0,
                "n_clusters": 6,
                "is_reportable": False,
                "hit_rate": None,
                "base_rate": None,
                "edge": None,
                "selection": None,
                "edge_mark": None,
                "selection_mark": None,
            }
        )
        if (cell.sector, cell.horizon) == ("Sector of tokens 1", 90)
        else cell
        for cell in digest.tracks[0].cells
    )
    texts = forms(changed(digest, cells=cells))

    assert "held 90 d; calls 479; worth 120; stretches 6; lacks time" in texts["text"]
    for form in ("text", "mail"):
        assert "too few (n = 479, 6 stretches)" in texts[form], form
    assert "too few (n = 479, enough calls, but in 6 of the 10 separate stretches of time needed" in texts["page"]


def test_the_two_averages_of_the_week_are_distinguished() -> None:
    texts = forms(a_digest(n_sectors=3))

    for form, text in texts.items():
        assert "all 200 scored tokens in equal parts" in text, form
        assert "(the 20 that the vendor covers: +1.0 %)" in text, form


@pytest.mark.parametrize("form", ["text", "markdown", "mail"])
def test_the_forms_that_show_less_point_to_the_page(form: str) -> None:
    assert "reports/2026-W46/index.html" in forms(a_digest(n_sectors=3))[form]
