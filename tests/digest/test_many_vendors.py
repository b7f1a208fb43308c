"""Many vendors in one digest: all of them in one ranking, the first in detail, and every form within its limits."""

import re

import pytest
from pydantic import SecretStr

from flows.delivery.channels import Channel
from flows.delivery.chat import Chat
from flows.delivery.edition import Edition
from flows.delivery.mail import Mail
from flows.delivery.settings import DeliverySettings, Webhook
from flows.delivery.split import size
from flows.delivery.webhook import WebhookChannel
from flows.report.digest.archive import make_edition
from flows.report.digest.document import plain
from flows.report.digest.layout import lay_out
from flows.report.digest.mail import MAX_BYTES, mail_form
from flows.report.digest.model import Digest, Warned
from flows.report.digest.page import page_form
from flows.report.digest.plain_forms import MAX_CHAT, markdown_form, text_form

from .made import a_digest
from .reading import read_html

# What readers and receivers still take: plain text beside a mail, a webhook's body, messages in a room.
MOST_TEXT, MOST_JSON, MOST_MESSAGES = 500_000, 4_000_000, 12

CHATS = {
    "discord": ("discord://123456789012345678/a-token-of-a-webhook", 2_000),
    "slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", 3_000),
    "telegram": ("tgram://123456789:abcdefg_hijklmnop/12315544", 4_096),
}

LONG = "a vendor with a name as long as the gate lets one be, of two hundred characters " * 3


def names(n: int, name: str = "desk") -> tuple[str, ...]:
    return tuple(f"{name} {number}" for number in range(n))


def a_crowd(name: str = "desk", **how: object) -> Digest:
    """400 vendors, of which the first 3 are shown with two timeframes and 5 horizons each."""
    how = {"n_sectors": 6, "timeframes": ("1d", "1h"), "few": 0.1, "n_vendors": 400} | how
    return a_digest(vendors=names(3 if how["n_vendors"] else 8, name[:190]), **how)  # type: ignore[arg-type]


CROWDS = {
    "400 vendors": {"n_sectors": 20},
    "400 vendors of long names": {"name": LONG},
    "400 vendors of few calls": {"few": 1.0},
    "8 vendors of 5 timeframes": {"n_vendors": 0, "timeframes": ("1d", "1h", "15m", "4h", "1w"), "n_sectors": 6},
    "8 vendors of long names": {"n_vendors": 0, "name": LONG, "note": "A note. " * 240},
}


@pytest.fixture(scope="module", params=CROWDS)
def digest(request: pytest.FixtureRequest) -> Digest:
    return a_crowd(**CROWDS[request.param])  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def edition(digest: Digest) -> Edition:
    return make_edition(digest)


def test_every_payload_of_every_channel_is_within_its_limits(digest: Digest, edition: Edition) -> None:
    settings = DeliverySettings(
        smtp_host="localhost", smtp_security="none", mail_from="a@example.org", mail_to={"desk": "desk@example.org"}
    )
    (mail,) = Mail("desk", "desk@example.org", settings).payloads(edition)
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert len(html.encode()) <= MAX_BYTES == 80_000
    # 10 MB is what the strictest of the usual mail servers takes.
    assert len(mail.as_bytes()) <= 10_000_000

    hook = WebhookChannel("desk", Webhook(url=SecretStr("https://example.org"), secret=SecretStr("s" * 16)), 1)
    (body,) = hook.payloads(edition)
    assert body == edition.json
    if digest.ranking:
        assert len(body) <= MOST_JSON
        assert len(edition.text.encode()) <= MOST_TEXT

    for address, limit in CHATS.values():
        chat: Channel = Chat("team", SecretStr(address), 1)
        messages = chat.payloads(edition)
        assert max(map(size, messages)) <= limit
        assert len(messages) <= MOST_MESSAGES


def test_the_pictures_of_a_mail_are_those_that_it_refers_to(edition: Edition) -> None:
    referred = {one["src"].removeprefix("cid:") for one in read_html(edition.html).pictures}
    assert {one.cid for one in edition.pictures} == referred


def test_what_a_form_has_no_room_for_is_on_the_page_with_a_remark() -> None:
    digest = a_crowd()
    document, edition = lay_out(digest), make_edition(digest)
    page = "\n".join(read_html(page_form(document)).lines)
    assert all(f"{one.rank} {one.vendor} " in page for one in digest.ranking)
    for text in ("\n".join(read_html(edition.html).lines), edition.text, markdown_form(document), edition.markdown):
        assert "the first 10 of 400; all of them are on the page" in text
        assert digest.ranking[9].vendor in text and digest.ranking[10].vendor not in text
    # Tables that a mail drops are on the page as well.
    assert "see the page" in edition.html
    assert len(edition.markdown) <= MAX_CHAT


def test_a_chat_that_is_too_long_ends_with_how_much_is_on_the_page() -> None:
    """8 vendors of 5 timeframes, each with a line a sector: 240 lines."""
    edition = make_edition(a_crowd(**CROWDS["8 vendors of 5 timeframes"]))  # type: ignore[arg-type]
    assert re.search(r"- \d+ more lines are on the page\.\n\n\*\*Notes", edition.markdown)
    assert "A note." in edition.markdown


def test_the_first_sentence_of_many_is_about_all_and_names_the_first() -> None:
    first, _, third = (plain(one) for one in lay_out(a_crowd()).sentences)
    assert first == (
        "Of 400 vendors 400 have enough calls that could be traded; once all of them and every weekly look are allowed "
        "for, 1 chose tokens better than chance and 0 worse. First is desk 0, daily calls held for 7 days: a selection "
        "edge of +8.0 (+2.9 to +13.2) points (n = 1,234), which stands out among so many."
    )
    assert third.startswith("The week brought 2,400 new calls of all 400 vendors while the market")


@pytest.mark.parametrize("n", [2, 3, 8])
def test_sentences_name_whom_they_are_about(n: int) -> None:
    """Of several vendors, each sentence names the one that it is about, and so does every table."""
    digest = a_digest(vendors=names(n), n_sectors=3, few=0.0, timeframes=("1d", "1h"))
    first, second, third = (plain(one) for one in lay_out(digest).sentences)
    assert re.findall(r"(?:Daily|Hourly) calls of desk 0, held", first) == [
        "Daily calls of desk 0, held",
        "Hourly calls of desk 0, held",
    ]
    assert "Sector of tokens 1 of desk 0" in second or "all other" in second
    assert re.search(r"of all \d vendors, of desk 0 400 new daily calls .* that desk 0 covers", third)
    page = "\n".join(read_html(page_form(lay_out(digest))).lines)
    assert "the vendor covers" not in page
    for number in range(n):
        assert f"desk {number}, daily calls: Of the calls" in page


def test_one_vendor_is_not_named_at_every_turn() -> None:
    digest = a_digest(vendors=("desk",), n_sectors=3, few=0.0)
    _, second, third = (plain(one) for one in lay_out(digest).sentences)
    assert "of desk" not in second + third
    assert digest.ranking == () and "All vendors" not in text_form(lay_out(digest))


def test_more_sectors_than_a_sentence_can_name_are_in_the_tables() -> None:
    second = plain(lay_out(a_crowd(few=0.0)).sentences[1])
    assert second.count(" of desk ") <= 8
    assert "and others stand out as better" in second
    assert second.endswith("daily or hourly (the tables have all of them).")


def test_a_mail_too_long_without_any_table_refers_to_the_page_for_its_text() -> None:
    """300 warnings of 400 letters each: as many as there is room for, and how many more there are."""
    digest = a_digest(n_sectors=3, few=0.0)
    warned = tuple(
        Warned(dataset="signals", rule=f"rule_{number}", reason="A reason. " * 40, n_failed=1) for number in range(300)
    )
    digest = digest.model_copy(update={"quality": digest.quality.model_copy(update={"warned": warned})})
    html = mail_form(lay_out(digest))
    assert len(html.encode()) <= MAX_BYTES
    lines = read_html(html).lines
    shown = [line for line in lines if line.startswith("Warning rule_")]
    (rest,) = (line for line in lines if line.endswith("more paragraphs are too long for a mail, see the page."))
    assert len(shown) + int(rest.split()[0]) == 300 + len(("No row was quarantined.", "No day of the week is missing."))
    assert "A note." in "\n".join(lines)
