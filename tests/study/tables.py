"""The study's tables, in Markdown, as `docs/methodology.md` shows them between markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pandas as pd

from flows.config import ROOT
from tests.study.measures import Share, covers, finds, fires, naive_covers, naive_fires, with_truth
from tests.study.panels import HORIZONS, NO_SKILL, PLANTED, SHIFTED, Setting

METHODOLOGY = ROOT / "docs" / "methodology.md"
TABLES = ("false alarms", "power", "coverage", "coverage by horizon")

# A table stands between two comments, which no reader of the page sees.
MARKED = r"(<!-- study: {name} -->\n\n)(.*?)(\n<!-- end of study -->)"


def tables(cells: pd.DataFrame) -> dict[str, str]:
    """All of TABLES. Shares in percent, with standard errors between panels."""
    by_setting = {setting: with_truth(part) for setting, part in cells.groupby("setting", sort=False)}
    lines = (_tests(by_setting), _power(by_setting), _coverage(by_setting), _coverage_by_horizon(by_setting))
    return {name: "\n".join(of_table) + "\n" for name, of_table in zip(TABLES, lines, strict=True)}


def shown(document: str) -> dict[str, list[list[str]]]:
    """The cells of the tables that stand in a document, row by row, headings and rules left out."""
    found = {name: re.search(MARKED.format(name=name), document, re.DOTALL) for name in TABLES}
    return {
        name: [[cell.strip() for cell in line.strip("|").split("|")] for line in match[2].splitlines()[2:]]
        for name, match in found.items()
        if match
    }


def replaced(document: str, new: dict[str, str]) -> str:
    """A document with other tables between its markers."""
    for name, table in new.items():
        # By a function, since a backslash in a replacement text would be read as a group.
        document, n_found = re.subn(
            MARKED.format(name=name),
            lambda match, table=table: match[1] + table + match[3],  # type: ignore[misc]
            document,
            flags=re.DOTALL,
        )
        if n_found != 1:
            raise ValueError(f"The document has {n_found} places for the table `{name}`, not one.")
    return document


def _pooled(by_setting: dict[Setting, pd.DataFrame], settings: Iterable[Setting]) -> pd.DataFrame:
    return pd.concat([by_setting[setting] for setting in settings if setting in by_setting], ignore_index=True)


def _name(setting: Setting) -> tuple[str, str]:
    return str(setting.n_tokens), setting.market


def _seeds(cells: pd.DataFrame) -> str:
    return str(cells["seed"].nunique())


def _tests(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    """False alarms: without skill, and with signals shifted in time."""
    yield _line(
        "tokens", "market", "signals", "panels", "cells", "selection p < 5 %", "edge p < 5 %", "naive edge test"
    )
    yield _rule(8)
    for settings, signals in ((NO_SKILL, "no skill"), (SHIFTED, "+5, shifted")):
        for setting in settings:
            cells = by_setting[setting]
            yield _line(*_name(setting), signals, _seeds(cells), *_alarms(cells))
        yield _line("both", "all of these", signals, "", *_alarms(_pooled(by_setting, settings)))


def _alarms(cells: pd.DataFrame) -> tuple[str | Share, ...]:
    selection = fires(cells, "selection_p")
    return str(selection.n), selection, fires(cells, "edge_p"), naive_fires(cells)


def _power(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    """How often +5 points are found, and how large they come out."""
    yield _line("tokens", "market", "panels", "found at 7 days", "found at 30 days", "mean selection edge, 7 / 30")
    yield _rule(6)
    for setting in PLANTED:
        cells = by_setting[setting]
        whole = cells[(cells["sector"] == "all") & (cells["direction"] == "both")]
        edges = whole.groupby("horizon")["selection_edge"].mean() * 100
        yield _line(
            *_name(setting), _seeds(cells), finds(cells, 7), finds(cells, 30), f"{edges[7]:.1f} / {edges[30]:.1f}"
        )


def _coverage(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    """Coverage of the reportable cells of every setting, beside the naive interval's."""
    yield _line("tokens", "market", "edge", "panels", "reportable cells", "our interval", "naive interval")
    yield _rule(7)
    for setting in (*NO_SKILL, *PLANTED):
        cells = by_setting[setting]
        reportable = cells[cells["is_reportable"]]
        yield _line(
            *_name(setting),
            f"+{setting.edge_points:.0f}" if setting.edge_points else "none",
            _seeds(cells),
            str(len(reportable)),
            covers(reportable),
            naive_covers(reportable),
        )


def _coverage_by_horizon(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    """Coverage by horizon, reportable or not; then of the cells in which calls overlap and move together the most."""
    yield _line("days", "cells", "of them reportable", "our interval", "naive interval", *_HARDEST)
    yield _rule(8)
    cells = _pooled(by_setting, (*NO_SKILL, *PLANTED))
    cells = cells[cells["hit_rate_low"].notna()]
    is_large = cells["setting"].map({setting: setting.n_tokens == 60 for setting in by_setting}).astype(bool)
    is_hardest = is_large & (cells["sector"] == "all") & (cells["direction"] != "both")
    for horizon in HORIZONS:
        is_taken = cells["horizon"] == horizon
        taken, hardest = cells[is_taken], cells[is_taken & is_hardest]
        measured = (covers(taken), naive_covers(taken), len(hardest), covers(hardest), naive_covers(hardest))
        yield _line(horizon, len(taken), int(taken["is_reportable"].sum()), *measured)


_HARDEST = ("cells of 60 tokens, all sectors, one direction", "our interval", "naive interval")


def _line(*texts: object) -> str:
    return "| " + " | ".join(str(text) for text in texts) + " |"


def _rule(n: int) -> str:
    return "|" + "---|" * n
