"""The scorecard's pages show vendors' names unchanged, whatever characters they contain."""

from datetime import datetime
from io import StringIO

from rich.console import Console

from flows.report.scorecard import HEADINGS, Scorecard, Section, print_scorecard, scorecard_markdown


def card(name: str) -> Scorecard:
    row = (name, *("1" for _ in HEADINGS[1:]))
    return Scorecard(datetime(2026, 1, 31), "a run", False, (Section(f"{name}, 1d calls", (row,)),))


def test_a_name_that_looks_like_markup_is_printed_as_it_is() -> None:
    page = StringIO()
    print_scorecard(Console(file=page, width=160), card("[/red] DeFi"))
    assert page.getvalue().count("[/red] DeFi") == 2


def test_a_name_with_a_bar_stays_in_its_cell() -> None:
    row = scorecard_markdown(card("AI | RWA")).splitlines()[-1]
    assert row.startswith("| AI \\| RWA | 1 |")
