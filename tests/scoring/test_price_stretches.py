"""Which source is in use when, delivery by delivery: days are numbers from 0 on."""

import numpy as np
import pytest

from flows.scoring.price_stretches import DAY, EVER, Bar, Grid, Stretch, price_stretches

DAILY = Grid(DAY, 3 * DAY)

Delivery = list[Bar]


def bars(source: str, *days: int, still_from: int | None = None) -> Delivery:
    """Bars that move and trade on some days; from a day on they stand still without volume."""
    return [
        Bar(
            source,
            day * DAY,
            10.0 + (day if still_from is None or day < still_from else still_from - 1),
            is_still,
            True,
        )
        for day in days
        for is_still in [still_from is not None and day >= still_from]
    ]


def found(*deliveries: Delivery) -> list[tuple[str, int | None]]:
    ordered = [sorted(one, key=lambda bar: (bar.source, bar.start)) for one in deliveries]
    stretches = price_stretches(ordered, DAILY)
    assert stretches[0].used_from == EVER
    return [(one.source, None if one.used_from == EVER else one.used_from // DAY) for one in stretches]


def test_the_first_in_use_is_the_one_whose_bars_begin_first() -> None:
    assert found(bars("b", *range(5)) + bars("a", *range(1, 5))) == [("b", None)]
    assert found(bars("b", *range(5)) + bars("a", *range(5))) == [("a", None)]
    assert price_stretches([bars("b", 3)], DAILY) == [Stretch("b", EVER)]


@pytest.mark.parametrize(("back", "taken_over"), [(4, False), (5, True), (40, True)])
def test_three_missing_days_are_a_hole_and_a_fourth_is_a_gap(back: int, taken_over: bool) -> None:
    """The last bar before is of day 0."""
    both = bars("a", 0, *range(back, 50)) + bars("b", *range(1, 50))
    assert found(both) == ([("a", None), ("b", 1)] if taken_over else [("a", None)])


def test_candles_without_trade_are_no_bars() -> None:
    dead = bars("a", *range(30), still_from=10)
    assert found(dead + bars("b", *range(5, 30))) == [("a", None), ("b", 10)]
    assert found(dead + bars("b", *range(10, 30), still_from=11)) == [("a", None)]


def test_a_source_that_has_taken_over_stays_until_it_ends_too() -> None:
    both = bars("a", *range(5), *range(10, 40)) + bars("b", *range(2, 20))
    assert found(both) == [("a", None), ("b", 5), ("a", 20)]


def test_of_several_the_one_with_most_bars_before_the_gap_takes_over() -> None:
    main = bars("main", *range(50))
    few, many = bars("few", *range(45, 60)), bars("many", *range(40, 60))
    assert found(main + few + many)[1] == ("many", 50)
    # What lies more than 30 days before the gap does not count; ties go by name.
    assert found(main + few + bars("many", *range(20), *range(45, 60)))[1] == ("few", 50)


def test_what_was_used_stays_used() -> None:
    first = bars("a", *range(10)) + bars("b", *range(5, 20))
    assert found(first) == [("a", None), ("b", 10)]
    for later in (bars("a", *range(10, 20)), bars("0", *range(-5, 20)), bars("c", *range(-20, 20))):
        assert found(first, later) == [("a", None), ("b", 10)]
    # Delivered together, the first of them is another.
    assert found(first + bars("a", *range(10, 20))) == [("a", None)]


@pytest.mark.parametrize("seed", range(20))
def test_day_by_day_gives_what_one_delivery_gives(seed: int) -> None:
    """A choice looks at no bar that comes after it."""
    random = np.random.default_rng(seed)
    everything: Delivery = []
    for source in "abcd"[: random.integers(2, 5)]:
        is_there = np.repeat(random.random(40) < 0.6, random.integers(1, 9, 40))[:120]
        still_from = None if random.random() < 0.5 else int(random.integers(1, 120))
        everything += bars(source, *np.flatnonzero(is_there).tolist(), still_from=still_from)
    days = sorted({bar.start for bar in everything})
    assert found(everything) == found(*[[bar for bar in everything if bar.start == day] for day in days])
