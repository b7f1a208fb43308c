"""Our inference keeps its promises on panels whose truth is known (README, "Done means"; docs/methodology.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flows.sources.sample.market import draw_market
from flows.sources.sample.measure import cells as true_cells
from tests.study.measures import covers, finds, fires, naive_covers, share
from tests.study.panels import ALL, HORIZONS, NO_SKILL, SHIFTED, Panel, Setting, score
from tests.study.promises import broken
from tests.study.tables import METHODOLOGY, TABLES, shown

# Few tokens are quick; that they move together more than elsewhere makes up for their number.
HARD = Setting(15, bunched=True, fat_tails=True, drift=True, market_vol=1.2)
HARD_PLANTED = Setting(60, bunched=True, fat_tails=True, drift=True, edge_points=5.0)
N_QUICK, N_QUICK_PLANTED, N_TRUTH = 12, 2, 40
LONG_HORIZONS = (14, 30)


@pytest.fixture(scope="module")
def quick() -> pd.DataFrame:
    """A few hard panels without skill, fewer with; in one build."""
    planted = [Panel(HARD_PLANTED, seed) for seed in range(1, N_QUICK_PLANTED + 1)]
    return score([*(Panel(HARD, seed) for seed in range(1, N_QUICK + 1)), *planted], threads=2)


@pytest.fixture(scope="module")
def quick_truth() -> pd.Series:
    """Expected hit rates of the hard panels by direction and horizon, from other seeds, by the generator's oracle."""
    found = [
        (cell.direction, cell.horizon, cell.hits, cell.n_calls)
        for seed in range(1_001, 1_001 + N_TRUTH)
        for cell in true_cells(draw_market(HARD.spec(seed)), "1d", LONG_HORIZONS)
        if cell.sector == "all" and cell.entry_rule == "next_open"
    ]
    frame = pd.DataFrame(found, columns=["direction", "horizon", "hits", "n_calls"])
    sums = frame.groupby(["direction", "horizon"]).sum()
    return (sums["hits"] / sums["n_calls"]).rename("truth")


def test_without_skill_few_cells_look_skilled_and_some_do(quick: pd.DataFrame) -> None:
    cells = quick[quick["setting"] == HARD]
    for p in ("selection_p", "edge_p"):
        found = fires(cells, p)
        assert found.n == N_QUICK * 2 * 2 * 4, "a cell of the quick panels has no test"
        assert 0.01 <= found.value <= 0.12, (p, str(found))


def test_planted_skill_is_found(quick: pd.DataFrame) -> None:
    cells = quick[quick["setting"] == HARD_PLANTED]
    assert finds(cells, 7).value == 1
    assert finds(cells, 30).value == 1


def test_intervals_hold_the_truth_where_the_naive_ones_do_not(quick: pd.DataFrame, quick_truth: pd.Series) -> None:
    """Cells of all sectors and one direction: there, calls overlap and move together the most."""
    cells = quick[(quick["setting"] == HARD) & quick["is_reportable"] & (quick["direction"] != "both")]
    cells = cells[cells["horizon"].isin(LONG_HORIZONS)].join(quick_truth, on=["direction", "horizon"])
    assert covers(cells).value >= 0.85
    whole = cells[(cells["sector"] == "all") & (cells["horizon"] == 30)]
    assert len(whole) == N_QUICK * 2
    assert covers(whole).value >= 0.8
    assert naive_covers(whole).value <= 0.7, "the panels are too easy to tell a good interval from a naive one"


def test_a_panel_is_scored_alike_alone_and_in_company(quick: pd.DataFrame) -> None:
    company = quick[(quick["setting"] == HARD) & (quick["seed"] == 3)].drop(columns="setting").reset_index(drop=True)
    alone = score([Panel(HARD, 3)]).drop(columns="setting")
    pd.testing.assert_frame_equal(company, alone, check_exact=False, rtol=1e-12)


def test_the_methodology_shows_the_tables_of_the_whole_study() -> None:
    """Every setting there is, as many panels as the text has, and the promises in bold kept by the shares shown."""
    document = METHODOLOGY.read_text(encoding="utf-8")
    found = shown(document)
    alarms, power, coverage, by_horizon = (found[name] for name in TABLES)
    kinds = [[str(setting.n_tokens), setting.market] for setting in NO_SKILL]
    assert [row[:3] for row in alarms if row[0] != "both"] == [
        *([*kind, "no skill"] for kind in kinds),
        *([str(setting.n_tokens), setting.market, "+5, shifted"] for setting in SHIFTED),
    ]
    assert [row[:2] for row in power] == kinds
    assert [row[:3] for row in coverage] == [[*kind, edge] for edge in ("none", "+5") for kind in kinds]
    assert [row[0] for row in by_horizon] == [str(horizon) for horizon in HORIZONS]
    panels = {row[place] for rows, place in ((alarms, 3), (power, 2), (coverage, 3)) for row in rows} - {""}
    assert len(panels) == 1
    assert f"{panels.pop()} panels of each kind" in document

    assert all(2 <= _percent(share) <= 7 for row in alarms if row[0] == "both" for share in row[5:7])
    assert all(_percent(share) >= 90 for row in power if row[0] == "60" for share in row[3:5])
    n_reportable = [int(row[4]) for row in coverage]
    shares = [_percent(row[5]) for row in coverage]
    assert 91 <= np.average(shares, weights=n_reportable) <= 97


def test_a_study_without_skill_where_some_is_promised_breaks_its_promises(quick: pd.DataFrame) -> None:
    """The tests of a whole study are asked of panels that cannot pass: the hard ones under every setting's name."""
    hard = quick[quick["setting"] == HARD]
    cells = pd.concat([hard.assign(setting=setting) for setting in ALL], ignore_index=True)
    assert any(one.startswith("5 points on 60 tokens are found in") for one in broken(cells))
    alarmed = cells.assign(edge_p=cells["edge_p"] / 10)
    assert any(one.startswith("no skill: edge_p is below 5 % in") for one in broken(alarmed))
    certain = cells.assign(hit_rate_low=cells["hit_rate"], hit_rate_high=cells["hit_rate"])
    assert any(one.startswith("intervals of reportable cells hold the truth in") for one in broken(certain))


def _percent(share: str) -> float:
    return float(share.partition(" ± ")[0])


def test_the_standard_error_of_a_share_counts_panels_not_cells() -> None:
    alike = share(pd.Series([True] * 50 + [False] * 50), pd.Series(np.repeat([1, 2], 50)))
    assert alike.value == 0.5
    assert alike.error == pytest.approx(0.5)
