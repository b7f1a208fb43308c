"""What `docs/methodology.md` promises in bold, as bounds on the study's shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from tests.study.measures import Share, covers, finds, fires, naive_covers, with_truth
from tests.study.panels import NO_SKILL, PLANTED, SHIFTED, Setting

FALSE_ALARMS = (0.02, 0.07)
COVERAGE = (0.91, 0.97)
LEAST_FOUND = 0.9
# Of 20 panels, 14 or fewer are found once in a hundred times where nine in ten are to be.
LEAST_FOUND_OF_A_SETTING = 0.75


def broken(cells: pd.DataFrame) -> list[str]:
    """One sentence for each promise that the cells of a whole study break."""
    by_setting = {setting: with_truth(part) for setting, part in cells.groupby("setting", sort=False)}
    return [*_false_alarms(by_setting), *_power(by_setting), *_coverage(by_setting)]


def _false_alarms(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    for name, settings in (("no skill", NO_SKILL), ("signals shifted in time", SHIFTED)):
        for p in ("selection_p", "edge_p"):
            together = fires(_pooled(by_setting, settings), p)
            if not FALSE_ALARMS[0] <= together.value <= FALSE_ALARMS[1]:
                yield f"{name}: {p} is below 5 % in {together} % of cells, not in 2 to 7 %"
            yield from _outside({setting: fires(by_setting[setting], p) for setting in settings}, FALSE_ALARMS, p)


def _power(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    settings = [setting for setting in PLANTED if setting.n_tokens == 60]
    for horizon in (7, 30):
        together = finds(_pooled(by_setting, settings), horizon)
        if together.value < LEAST_FOUND:
            yield f"5 points on 60 tokens are found in {together} % of panels at {horizon} days, not in 90 %"
        for setting in settings:
            found = finds(by_setting[setting], horizon)
            if found.value < LEAST_FOUND_OF_A_SETTING:
                yield f"5 points of {setting} are found in {found} % of panels at {horizon} days"


def _coverage(by_setting: dict[Setting, pd.DataFrame]) -> Iterator[str]:
    cells = _pooled(by_setting, (*NO_SKILL, *PLANTED))
    cells = cells[cells["is_reportable"]]
    together = covers(cells)
    if not COVERAGE[0] <= together.value <= COVERAGE[1]:
        yield f"intervals of reportable cells hold the truth in {together} %, not in 91 to 97 %"
    for kind in ("setting", "horizon"):
        yield from _outside({name: covers(part) for name, part in cells.groupby(kind)}, COVERAGE, "coverage")
    # Where calls overlap and move together the most.
    is_large = cells["setting"].map(lambda setting: setting.n_tokens == 60).astype(bool)
    at_30 = cells[is_large & (cells["horizon"] == 30) & (cells["sector"] == "all") & (cells["direction"] != "both")]
    yield from _outside({"60 tokens, all sectors, one direction, 30 days": covers(at_30)}, COVERAGE, "coverage")
    if naive_covers(at_30).value >= 0.75:
        yield f"the naive interval holds the truth in {naive_covers(at_30)} %: the panels are too easy"


def _outside(shares: dict[object, Share], band: tuple[float, float], what: str) -> Iterator[str]:
    """The shares that cannot lie in a band, whatever luck the seeds had."""
    for name, one in shares.items():
        if not one.is_within(*band):
            yield f"{name}: {what} is {one} %, outside {100 * band[0]:.0f} to {100 * band[1]:.0f} %"


def _pooled(by_setting: dict[Setting, pd.DataFrame], settings: Iterable[Setting]) -> pd.DataFrame:
    return pd.concat([by_setting[setting] for setting in settings], ignore_index=True)
