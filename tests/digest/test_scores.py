"""The smallest edge a cell can detect, and when a small cell will be reportable."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from flows.report.digest.document import Figure, Table
from flows.report.digest.layout import lay_out
from flows.report.digest.marks import marks_in_words, signs
from flows.report.digest.moment import week_of
from flows.report.digest.scores import MARK_LEVEL, smallest_edge

from .made import a_digest


@pytest.mark.parametrize(("base", "n", "n_clusters"), [(0.5, 400, 60), (0.35, 250, 25), (0.5, 60, 12)])
def test_the_smallest_edge_is_found_four_times_in_five(base: float, n: int, n_clusters: int) -> None:
    edge = smallest_edge(base, n, n_clusters)
    assert edge is not None
    draw = np.random.default_rng(1)
    # Simulated means of n calls, with the variance estimated from n_clusters clusters.
    rate = draw.normal(base + edge, np.sqrt(base * (1 - base) / n), 20_000)
    error = np.sqrt(base * (1 - base) / n * draw.chisquare(n_clusters - 1, 20_000) / (n_clusters - 1))

    found = (rate - base) / error > stats.t.ppf(0.975, n_clusters - 1)

    assert found.mean() == pytest.approx(0.80, abs=0.03)


def test_no_edge_is_promised_that_no_rate_can_reach() -> None:
    assert smallest_edge(0.5, 3, 3) is None
    assert smallest_edge(0.5, 500, 1) is None
    assert smallest_edge(None, 400, 60) == smallest_edge(0.5, 400, 60)


def test_a_year_of_digests_marks_noise_one_time_in_ten_at_most() -> None:
    assert pytest.approx(0.10) == 52 * MARK_LEVEL


@pytest.mark.parametrize(
    ("as_of", "week"),
    [
        ("2026-03-09T00:20", "2026-W10"),
        ("2026-03-15T23:59", "2026-W10"),
        ("2026-03-16T00:00", "2026-W11"),
        ("2027-01-04T06:00", "2026-W53"),
        ("2026-01-01T00:20", "2025-W52"),
    ],
)
def test_a_moment_belongs_to_the_week_that_has_just_ended(as_of: str, week: str) -> None:
    assert week_of(datetime.fromisoformat(as_of)) == week
    assert week_of(datetime.fromisoformat(as_of) - timedelta(days=7)) != week


def test_a_mark_names_its_side_and_stands_once_with_the_figures_of_that_side() -> None:
    digest = a_digest(n_sectors=6, few=0.0, seed=5)
    track = digest.tracks[0]
    for cell in track.cells:
        leaves = {
            leaf.direction: leaf.edge_mark
            for leaf in track.cells
            if (leaf.sector, leaf.horizon) == (cell.sector, cell.horizon) and leaf.direction != "both"
        }
        marks = marks_in_words(track, cell)
        if cell.direction == "both":
            for direction, mark in leaves.items():
                assert (direction in marks) == (mark is not None)
            assert ("▲" in signs(track, cell)) == ("above" in leaves.values())
        else:
            sign = {None: "", "above": "▲\u00a0edge, selection", "below": "▼\u00a0edge, selection"}
            assert marks == sign[leaves[cell.direction]]
    (marked,) = [
        part
        for section in lay_out(digest).sections
        for part in section.parts
        if isinstance(part, Table) and part.name == "marked-0"
    ]
    places = [
        row.cells[0][0].path.removesuffix(".sector") for row in marked.rows if isinstance(row.cells[0][0], Figure)
    ]
    assert sorted(places) == sorted(
        f"tracks.0.cells.{place}" for place, cell in enumerate(track.cells) if cell.edge_mark
    )
    for row, place in zip(marked.rows, places, strict=True):
        assert {part.path.rsplit(".", 1)[0] for cell in row.cells for part in cell if isinstance(part, Figure)} == {
            place
        }
