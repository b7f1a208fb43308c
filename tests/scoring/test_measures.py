"""A measure that cannot be made as it is declared stops in words, before any SQL follows from it."""

from pathlib import Path

import pytest

from flows.config import SQL_DIR
from flows.errors import WarehouseError
from flows.scorecards.measures import read_measures

DECLARED = """
[scorecard]
tables = ["marts.a_scorecard"]

[measure.n_calls]
statistic = "count"
of = "hit"
text = "Scored calls."

[measure.n_open]
statistic = "count"
where = "status = 'open'"
text = "Open calls."

[measure.mean_mae]
statistic = "mean"
of = "mae"
per = "n_calls"
text = "Mean of mae."
"""


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ('statistic = "mode"', "x is of no known statistic; there are count"),
        ('statistic = "mean"\nof = "mfe"', "x, a mean, needs `per`"),
        ('statistic = "median"', "x, a median, needs `of`"),
        ('statistic = "median"\nof = "mfe"\nwhere = "hit"', "x, a median, takes no `where`; it has of"),
        ('statistic = "quantile"\nof = "mfe"', "x, a quantile, needs `at`"),
        ('statistic = "count"\nof = "hit"\nwhere = "hit"', "x, a count, takes either `of` or `where`"),
        ('statistic = "count"', "x, a count, takes either `of` or `where`"),
        ('statistic = "mean"\nof = "mfe"\nper = "n_cals"', "`per` of x is n_cals, which is no measure"),
        ('statistic = "mean"\nof = "mfe"\nper = "mean_mae"', "`per` of x is mean_mae, which is no measure"),
        ('statistic = "low"\nof = "n_calls"', "`of` of x is n_calls, which is no"),
        ('statistic = "e"\nof = "n_calls"', "`of` of x is n_calls, which is no measure of the statistic contrast"),
        ('statistic = "q"\nof = "mean_mae"', "`of` of x is mean_mae, which is no measure of the statistic p"),
        ('statistic = "cell"\n[measure.mae_sum]\nstatistic = "total"\nof = "mfe"', "mae_sum needs another sum"),
        ('statistic = "contrast"\nof = "hit"\nagainst = "base_hit"\nper = "n_open"', "n_open, which is not the"),
    ],
)  # fmt: skip
def test_a_measure_that_cannot_be_made_is_refused(tmp_path: Path, measure: str, words: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f"{DECLARED}\n[measure.x]\n{measure}\n", encoding="utf-8")
    with pytest.raises(WarehouseError, match=words):
        read_measures(path)


def test_a_contrast_is_known_where_what_it_is_counted_by_has_a_value() -> None:
    """By one condition in its sums, its blocks and its size, so that an edge and its variance are of the same calls."""
    signal = read_measures(SQL_DIR / "measures" / "signal.toml")
    assert {one.name: (one.per, one.where) for one in signal.contrasts} == {
        "selection_edge": ("n_matched", "base_hit is not null"),
        "excess_return": ("n_matched", "base_hit is not null"),
    }
    assert [(one.name, one.over_outcomes) for one in signal.sizes] == [("n_matched", "count(base_hit)")]
