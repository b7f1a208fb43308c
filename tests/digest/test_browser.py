"""The page and the mail in a real browser: axe finds nothing serious, tables sort, switches filter, charts react."""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.report.digest.archive import make_edition
from flows.report.digest.layout import lay_out
from flows.report.digest.page import page_form

from .made import a_digest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# The system's Chromium, else Playwright's.
SYSTEM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A digest's page, and its mail with its pictures where a mail program would put them."""
    folder = tmp_path_factory.mktemp("pages")
    digest = a_digest(n_sectors=8, timeframes=("1d", "1h"), seed=3)
    (folder / "page.html").write_text(page_form(lay_out(digest)), encoding="utf-8")
    edition = make_edition(digest)
    html = edition.html
    # Many mail programs show no pictures before the reader allows it.
    (folder / "mail-without-pictures.html").write_text(html, encoding="utf-8")
    for picture in edition.pictures:
        data = base64.b64encode(picture.png).decode()
        html = html.replace(f"cid:{picture.cid}", f"data:image/png;base64,{data}")
    (folder / "mail.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, as in a container, Chromium needs its sandbox off, which is safe for our own pages.
        browser = playwright.chromium.launch(executable_path=SYSTEM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


def open_page(browser: "Browser", path: Path, *, width: int = 1200, dark: bool = False) -> "Page":
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", offline=True
    )
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page's script failed: {error}"))
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("name", ["page.html", "mail.html"])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(browser: "Browser", folder: Path, name: str, dark: bool) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(browser, folder / name, dark=dark)

    found = Axe().run(page).response["violations"]

    serious = [(one["id"], one["impact"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SERIOUS]
    assert serious == []


def test_a_heading_sorts_its_table_and_announces_it(browser: "Browser", folder: Path) -> None:
    page = open_page(browser, folder / "page.html")
    page.select_option("#switch-direction", "both")
    table = page.locator("#cells-0")
    heading = table.locator("thead th", has_text="edge")

    def edges() -> list[float]:
        place = heading.evaluate("one => one.cellIndex")
        cells = [
            row.locator("> *").nth(place)
            for row in table.locator("tbody tr:visible").all()
            if row.locator("td[colspan]").count() == 0
        ]
        return [float(cell.inner_text().split()[0].replace("−", "-")) for cell in cells]

    before = edges()
    heading.get_by_role("button").press("Enter")
    ascending = edges()
    heading.get_by_role("button").click()

    assert len(before) > 10 and before != sorted(before)
    assert ascending == sorted(before)
    assert edges() == sorted(before, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"


def test_the_sector_switch_shows_one_sector_and_counts_its_cells(browser: "Browser", folder: Path) -> None:
    page = open_page(browser, folder / "page.html")

    page.locator("#switch-sector").select_option("Sector of tokens 3")
    page.locator("#switch-horizon").select_option("7")

    rows = page.locator("#cells-0 tbody tr:visible")
    assert rows.count() == 1
    assert rows.first.inner_text().startswith("Sector of tokens 3")
    shown = re.match(r"(\d+) cells shown", page.locator("#shown").inner_text())
    assert shown and int(shown[1]) == page.locator("tbody tr[data-horizon]:visible").count()
    page.locator("#switch-sector").select_option("every sector")
    assert rows.count() > 1


def test_a_picture_answers_the_pointer_and_the_arrow_keys(browser: "Browser", folder: Path) -> None:
    page = open_page(browser, folder / "page.html")
    figure = page.locator("#rates-0")
    tip = figure.locator(".tip-text")

    figure.locator(".tip").nth(2).hover()
    by_pointer = tip.inner_text()
    figure.locator(".chart").press("ArrowLeft")
    by_key = tip.inner_text()

    for text in (by_pointer, by_key):
        assert re.search(r"\d+\.\d % \(\d+\.\d to \d+\.\d\), n = [\d,]+; base \d+\.\d %; edge [+−]?\d", text), text
    assert by_pointer != by_key
    assert by_key == figure.locator(".tip").nth(1).get_attribute("data-tip")


@pytest.mark.parametrize("name", ["page.html", "mail.html", "mail-without-pictures.html"])
def test_a_telephone_need_not_scroll_sideways(browser: "Browser", folder: Path, name: str) -> None:
    page = open_page(browser, folder / name, width=360)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_paper_shows_every_cell_without_switches(browser: "Browser", folder: Path) -> None:
    page = open_page(browser, folder / "page.html", dark=True)
    page.emulate_media(media="print")

    assert not page.locator("#switches").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
