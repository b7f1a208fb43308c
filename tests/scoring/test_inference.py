"""Intervals, p and q values, shrinkage and V of section 7: known values, the definitions by a loop, and invariants."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from flows.scoring.blocks import Blocks, EdgeCells, count_wide_blocks, edge_variance, mean_variance
from flows.scoring.inference import (
    benjamini_hochberg,
    e_value,
    effective_size,
    shrink,
    t_interval,
    t_quantile,
    wilson_interval,
)
from flows.scoring.series import Floats, Ints, Series


def floats(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


# --- t, Wilson ---------------------------------------------------------------------------------------------


def test_t_quantiles_are_those_of_the_tables() -> None:
    found = t_quantile(ints(0, 1, 2, 10, 31, 1_000_000))
    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx([12.7062, 2.26216, 2.04227, 1.95997], rel=1e-5)


def test_wilson_of_eight_in_ten() -> None:
    """Agresti and Coull (1998): (0.490, 0.943) at z = 1.96; and scipy's own at any size."""
    low, high = wilson_interval(floats(0.8), floats(10), floats(1.959964))
    assert (low[0], high[0]) == pytest.approx((0.4902, 0.9433), abs=5e-5)
    for hits, n in ((0, 5), (5, 5), (3, 7), (450, 1000)):
        expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
        found = wilson_interval(floats(hits / n), floats(n), floats(stats.norm.ppf(0.975)))
        assert (found[0][0], found[1][0]) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.floats(0, 1), st.floats(1, 1e5), st.floats(1.9, 13))
def test_wilsons_ends_are_where_the_rate_is_just_too_far(rate: float, n: float, t: float) -> None:
    """The interval's definition: an end x solves (rate - x)^2 = t^2 x (1 - x) / n. With few clusters t is large."""
    low, high = (end[0] for end in wilson_interval(floats(rate), floats(n), floats(t)))
    assert -1e-12 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1 + 1e-12
    for end in (low, high):
        assert (rate - end) ** 2 == pytest.approx(t**2 * end * (1 - end) / n, abs=1e-9)


# --- effective size, t interval ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hit_rate", "variance", "n", "n_clusters", "expected"),
    [
        (0.5, 0.005, 100, 40, 50),  # 0.25 / 0.005
        (0.5, 0.001, 100, 40, 100),  # never more than there are
        (0.5, 0.5, 100, 40, 1),  # never less than one
        (1.0, 0.0, 100, 40, 40),  # no spread: as many as there are clusters
        (0.0, 0.0, 30, 40, 30),
        (0.5, 0.0, 100, 40, 40),  # a variance that cancelled
        (0.5, -0.001, 100, 40, 40),
        (0.5, 0.005, 100, 1, 1),  # one cluster is one call
    ],
)
def test_effective_size(hit_rate: float, variance: float, n: int, n_clusters: int, expected: float) -> None:
    found = effective_size(floats(hit_rate), floats(variance), ints(n), ints(n_clusters))
    assert found == pytest.approx([expected])


def test_no_calls_have_no_effective_size() -> None:
    assert np.isnan(effective_size(floats(np.nan), floats(np.nan), ints(0), ints(0))).all()


def test_t_interval_of_two_standard_errors() -> None:
    """Mean 0.1, error 0.05, 10 clusters: half width 2.26216 x 0.05; p of t = 2 at 9 degrees of freedom is 0.0766."""
    low, high, p = t_interval(floats(0.1, -0.1), floats(0.0025, 0.0025), ints(10, 10))
    assert low == pytest.approx([0.1 - 0.113108, -0.1 - 0.113108], abs=1e-6)
    assert high == pytest.approx([0.1 + 0.113108, -0.1 + 0.113108], abs=1e-6)
    assert p == pytest.approx([0.0765528, 0.0765528], abs=1e-6)


def test_no_variance_no_interval() -> None:
    """Zero, the rounding that is left of zero, a negative one, none, or too few clusters: NULL, not a p of 0."""
    variance, clusters = floats(0, 1e-20, -0.1, np.nan, 0.01), ints(10, 10, 10, 10, 1)
    for column in t_interval(floats(0.1, 0.1, 0.1, 0.1, 0.1), variance, clusters):
        assert np.isnan(column).all()


# --- e values ----------------------------------------------------------------------------------------------


def test_e_values_by_hand() -> None:
    """a = 5.99146, rho = (a + ln a + 1) / 52 = 0.168881; at B2 = 100 q = 16.8881, and p = 0.001 is z = 3.29053:
    exp(10.82757 x 0.944097 / 2) / sqrt(17.8881) = 165.861 x 0.236438. No effect at all is 1 / sqrt(q + 1)."""
    assert e_value(floats(0.001, 1), ints(100, 100)) == pytest.approx([39.2154, 0.236438], rel=1e-5)


@pytest.mark.parametrize("p", [0.8, 0.05, 1e-4, 1e-30, 1e-200])
@pytest.mark.parametrize("n_clusters", [2, 10, 300])
def test_an_e_value_is_the_likelihood_of_a_mixture(p: float, n_clusters: int) -> None:
    """By its own meaning: what normal effects of variance rho, over B2 stretches, make of z more likely than none."""
    a = -2 * np.log(0.05)
    variance = 1 + n_clusters * (a + np.log(a) + 1) / 52
    z = stats.norm.isf(p / 2)
    expected = stats.norm.logpdf(z, scale=np.sqrt(variance)) - stats.norm.logpdf(z)
    assert np.log(e_value(floats(p), ints(n_clusters))[0]) == pytest.approx(expected, rel=1e-9)


def test_an_e_value_has_no_end_it_cannot_write() -> None:
    """p of 0 (a t beyond what doubles hold) counts as 37 standard errors; NULL where p is."""
    least = e_value(floats(0, 5e-324, 2 * stats.norm.sf(37)), ints(1_000_000, 1_000_000, 1_000_000))
    assert np.isfinite(least).all()
    assert least == pytest.approx([least[0]] * 3, rel=1e-9)
    assert np.isnan(e_value(floats(np.nan, np.nan), ints(0, 10))).all()


@given(st.floats(0, 1), st.floats(0, 1), st.integers(2, 5000))
def test_a_smaller_p_is_more_evidence(p: float, other: float, n_clusters: int) -> None:
    less, more = e_value(floats(max(p, other), min(p, other)), ints(n_clusters, n_clusters))
    assert 0 < less <= more < np.inf


@given(st.integers(2, 400))
def test_an_e_value_promises_no_more_than_one(n_clusters: int) -> None:
    """Its mean where there is no effect, over all p, is 1 at every look: that is what makes e of 20 rarer than 5 %."""
    z = np.linspace(-40, 40, 400_001)
    weight = stats.norm.pdf(z) * (z[1] - z[0])
    e = e_value(2 * stats.norm.sf(np.abs(z)), np.full(len(z), n_clusters))
    # Scores beyond 37 are taken for 37, which only takes from the mean.
    assert 0.99 < float((weight * e).sum()) <= 1 + 1e-9


def test_looking_every_week_seldom_finds_what_is_not_there() -> None:
    """2,000 histories without an effect, looked at each week for three years: e >= 20 at some look in at most 5 %."""
    rng = np.random.default_rng(17)
    weeks = np.arange(12, 157)
    sums = np.cumsum(rng.standard_normal((2_000, 156)), axis=1)[:, weeks - 1]
    p = 2 * stats.norm.sf(np.abs(sums) / np.sqrt(weeks))
    e = e_value(p, np.broadcast_to(weeks, p.shape))
    assert np.mean((e >= 20).any(axis=1)) < 0.05
    # A p of 0.05 at some of the looks is seen in every third of them.
    assert np.mean((p <= 0.05).any(axis=1)) > 0.3


# --- Benjamini-Hochberg, shrinkage -------------------------------------------------------------------------


def test_q_values_by_hand() -> None:
    """0.005 x 4/1 = 0.02, 0.01 x 4/2 = 0.02, 0.03 x 4/3 = 0.04, 0.04 x 4/4 = 0.04; other families do not count."""
    p = floats(0.01, 0.04, np.nan, 0.03, 0.005, 0.9)
    q = benjamini_hochberg(p, ints(1, 1, 1, 1, 1, 2))
    assert q == pytest.approx([0.02, 0.04, np.nan, 0.04, 0.02, 0.9], nan_ok=True)


def test_a_q_value_is_never_above_that_of_a_greater_p() -> None:
    """0.02 x 3/1 = 0.06, but 0.021 x 3/2 = 0.0315 and 0.022 x 3/3 = 0.022."""
    assert benjamini_hochberg(floats(0.02, 0.021, 0.022), ints(0, 0, 0)) == pytest.approx([0.022] * 3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.permutations(range(20)))
def test_q_values_do_not_depend_on_the_order(values: list[float], order: list[int]) -> None:
    p, family = floats(*values), np.zeros(len(values), dtype=np.int64)
    some = np.array([place for place in order if place < len(values)])
    q = benjamini_hochberg(p, family)
    np.testing.assert_allclose(benjamini_hochberg(p[some], family), q[some])
    assert (q >= p - 1e-15).all()
    assert (q <= 1).all()


def test_shrinkage_by_hand() -> None:
    """Rates 0.4, 0.5, 0.6 worth 100 calls each: m = 0.5, s2 = 0.25 / 100, and tau2 = (0.01 + 0 + 0.01) / 3
    - (0.24 + 0.25 + 0.24) / 300 = 0.0042333: 0.4 goes to (tau2 0.4 + s2 0.5) / (tau2 + s2) = 0.4371287."""
    found = shrink(floats(0.4, 0.5, 0.6), floats(100, 100, 100), ints(1, 1, 1), np.ones(3, dtype=bool))
    assert found == pytest.approx([0.4371287, 0.5, 0.5628713], abs=1e-7)


def test_shrinkage_at_its_ends() -> None:
    everyone = np.ones(3, dtype=bool)
    # Rates that differ less than noise would: all are the mean.
    assert shrink(floats(0.49, 0.5, 0.51), floats(9, 9, 9), ints(1, 1, 1), everyone) == pytest.approx([0.5] * 3)
    # No spread and no noise: the mean, not 0 / 0.
    assert shrink(floats(1, 1, 1), floats(9, 9, 9), ints(1, 1, 1), everyone).tolist() == [1, 1, 1]
    # Two are too few; what is not taken counts for nothing.
    assert np.isnan(shrink(floats(0.4, 0.6), floats(9, 9), ints(1, 1), everyone[:2])).all()
    found = shrink(floats(0.4, 0.5, 0.6), floats(9, 9, 9), ints(1, 1, 1), np.array([True, True, False]))
    assert np.isnan(found).all()


# --- V -----------------------------------------------------------------------------------------------------

Call = tuple[int, float]  # block, x


Part = tuple[int, int, int, float]  # cell, block, number, x


def gathered(parts: list[Part]) -> Blocks:
    """Parts of one call each, as the SQL hands them over."""
    cell, block, part = (np.array([one[place] for one in parts], dtype=np.int64) for place in range(3))
    one, x = np.ones(len(parts), dtype=np.int64), floats(*(x for *_, x in parts))
    return Blocks.gathered(cell, block, part, n=one, x=x)


def parts_of(cells: list[list[Call]]) -> list[Part]:
    """The calls of each cell, each a part of its own."""
    return [(cell, block, part, x) for cell, calls in enumerate(cells) for part, (block, x) in enumerate(calls)]


def variances(*cells: list[Call]) -> Floats:
    return mean_variance(gathered(parts_of(list(cells))), "x", "n", len(cells))[0]


def by_the_book(calls: list[Call]) -> float:
    """V(x) of the contract."""
    n, mean = len(calls), sum(x for _, x in calls) / len(calls)

    def blocks(width: int) -> dict[int, float]:
        u: dict[int, float] = defaultdict(float)
        for block, x in calls:
            u[block // width] += x - mean
        return u

    u1, u2 = blocks(1), blocks(2)
    if len(u2) < 2:
        return float("nan")
    squares = sum(u**2 for u in u1.values())
    neighbours = sum(u1[b] * u1[b + 1] for b in sorted(u1) if b + 1 in u1)
    v1 = (squares + 2 * neighbours) * len(u1) / (len(u1) - 1) / n**2
    return max(v1, sum(u**2 for u in u2.values()) * len(u2) / (len(u2) - 1) / n**2)


calls = st.lists(st.tuples(st.integers(-15, 25), st.floats(-2, 2)), min_size=1, max_size=30)


@given(st.lists(calls, min_size=1, max_size=4))
def test_v_is_by_the_book_in_every_cell(cells: list[list[Call]]) -> None:
    expected = [by_the_book(cell) for cell in cells]
    np.testing.assert_allclose(variances(*cells), expected, rtol=1e-9, atol=1e-14)


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=30))
def test_v_of_calls_far_apart_is_the_plain_variance_of_a_mean(values: list[float]) -> None:
    """One call in every fourth block: no neighbours, so s^2 / n."""
    found = variances([(4 * place, x) for place, x in enumerate(values)])
    assert found[0] == pytest.approx(np.var(values, ddof=1) / len(values), rel=1e-9, abs=1e-15)


def test_v_of_independent_blocks_is_about_the_plain_variance() -> None:
    """A thousand independent calls in a row, one a block: the larger of two estimates of s^2 / n."""
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(200):
        x = rng.integers(0, 2, 1000).astype(float)
        ratios.append(variances(list(enumerate(x)))[0] / (0.25 / 1000))
    assert 0.97 < np.mean(ratios) < 1.07


def test_twins_are_worth_one_call() -> None:
    """The same call twice in one block teaches nothing: V is that of the calls given once, not half of it."""
    once = [(4 * place, x) for place, x in enumerate((0.0, 1.0, 1.0, 0.0, 1.0))]
    assert variances([*once, *once])[0] == pytest.approx(variances(once)[0])


@given(calls, st.floats(-3, 3), st.floats(-3, 3), st.integers(-10, 10))
def test_v_scales_with_the_square_and_stays_under_shifts(
    some: list[Call], factor: float, shift: float, pairs_of_blocks: int
) -> None:
    moved = [(block + 2 * pairs_of_blocks, factor * x + shift) for block, x in some]
    np.testing.assert_allclose(variances(moved), factor**2 * variances(some), rtol=1e-6, atol=1e-12)


@given(calls, st.randoms(use_true_random=False))
def test_the_order_of_calls_is_nothing_to_v(some: list[Call], random: object) -> None:
    mixed = random.sample(some, len(some))  # type: ignore[attr-defined]
    np.testing.assert_allclose(variances(mixed), variances(some), rtol=1e-9, atol=1e-14)


crowded = st.lists(st.tuples(st.integers(-1, 1), st.integers(-99, 99).map(lambda x: x / 7)), min_size=1, max_size=30)


@given(st.lists(crowded, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_in_which_parts_come_does_not_show(cells: list[list[Call]], random: object) -> None:
    """Not in the last digit either: the database hands them over in any order."""
    parts = parts_of(cells)
    found, mixed = gathered(parts), gathered(random.sample(parts, len(parts)))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(mixed.cell, found.cell, strict=True)
    np.testing.assert_array_equal(mixed.block, found.block, strict=True)
    for name, values in found.sums.items():
        np.testing.assert_array_equal(mixed.sums[name], values, strict=True)


def test_what_cancels_leaves_no_interval() -> None:
    """-2/3, 2/3, 0 in three blocks in a row: squares and neighbours cancel, and so do the blocks twice as wide. What
    rounding leaves of a V of 0 must not become an interval of width 1e-8."""
    found = variances([(0, -2 / 3), (1, 2 / 3), (2, 0.0)])
    assert found == pytest.approx([0], abs=1e-16)
    for column in t_interval(floats(0.0), found, ints(2)):
        assert np.isnan(column).all()


# --- V of the linearised edge ------------------------------------------------------------------------------


@st.composite
def market(draw: st.DrawFn) -> tuple[int, int, list[tuple[int, int, int]], list[tuple[int, bool, bool]]]:
    """A width, a first step, base windows a step (all, long hits, short hits), calls (step, is bullish, hit)."""
    first, n_steps = draw(st.integers(0, 40)), draw(st.integers(4, 40))
    base = []
    for _ in range(n_steps):
        n = draw(st.integers(0, 6))
        n_long = draw(st.integers(0, n))
        base.append((n, n_long, draw(st.integers(0, n - n_long))))
    step = st.integers(first, first + n_steps - 1)
    some = draw(st.lists(st.tuples(step, st.booleans(), st.booleans()), min_size=1, max_size=25))
    return draw(st.integers(1, 6)), first, base, some


@given(market())
def test_v_of_the_edge_is_by_the_book(
    drawn: tuple[int, int, list[tuple[int, int, int]], list[tuple[int, bool, bool]]],
) -> None:
    width, first, base, some = drawn
    low, high = min(step for step, *_ in some), max(step for step, *_ in some)
    span = {step: base[step - first] for step in range(low, high + 1)}
    n, n_long = len(some), sum(is_bullish for _, is_bullish, _ in some)
    n_windows = sum(counts[0] for counts in span.values())
    if n_windows == 0:
        return
    share = {True: n_long / n, False: 1 - n_long / n}
    rate = {d: sum(counts[1 if d else 2] for counts in span.values()) / n_windows if share[d] else 0 for d in share}
    edge = sum(hit for *_, hit in some) / n - sum(share[d] * rate[d] for d in share)

    def u(block_width: int) -> dict[int, float]:
        found: dict[int, float] = defaultdict(float)
        for step, is_bullish, hit in some:
            found[step // block_width] += (hit - rate[is_bullish] - edge) / n
        for step, (windows, *hits) in span.items():
            of_base = sum(share[d] * (hits[not d] - windows * rate[d]) / n_windows for d in share)
            found[step // block_width] -= of_base
        return found

    u1, u2 = u(width), u(2 * width)
    b1, b2 = (len({step // w for step, *_ in some}) for w in (width, 2 * width))
    if b2 < 2:
        expected = float("nan")
    else:
        neighbours = sum(u1[b] * u1[b + 1] for b in sorted(u1) if b + 1 in u1)
        v1 = (sum(x**2 for x in u1.values()) + 2 * neighbours) * b1 / (b1 - 1)
        expected = max(v1, sum(x**2 for x in u2.values()) * b2 / (b2 - 1))

    blocks: dict[int, list[tuple[bool, bool]]] = defaultdict(list)
    for step, is_bullish, hit in some:
        blocks[step // width].append((is_bullish, hit))
    rows = sorted((block, len(of), sum(a for a, _ in of), sum(b for _, b in of)) for block, of in blocks.items())
    block, size, bullish, hits = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    sums = {"n_calls": size, "n_bullish": bullish, "n_hits": hits}
    narrow = Blocks(np.zeros(len(block), dtype=np.int64), block, sums)
    counts = np.array([(b[1], b[2], b[0]) for b in base], dtype=np.int64).T
    weight_long, weight_short = share[True] / n_windows, share[False] / n_windows
    cell = EdgeCells(
        group=ints(0), first=ints(low), last=ints(high), n=ints(n), edge=floats(edge),
        base_long=floats(rate[True]), base_short=floats(rate[False]),
        weights=np.array([[weight_long], [weight_short], [-(weight_long * rate[True] + weight_short * rate[False])]]),
    )  # fmt: skip
    series = Series(counts, ints(first), ints(len(base)))
    variance, n_clusters = edge_variance(narrow, series, width, cell, 1)
    assert n_clusters.tolist() == [b2] == count_wide_blocks(narrow, 1).tolist()
    np.testing.assert_allclose(variance, [expected], rtol=1e-8, atol=1e-13)
