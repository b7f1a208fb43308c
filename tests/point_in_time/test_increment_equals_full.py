"""A nightly increment gives what a full rebuild gives, exactly, whatever a vendor does between two nights."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.point_in_time.homes import assert_same_tables, new_home
from tests.point_in_time.markets import EVENTS, Event, Step, random_market

# `work` as well: what an increment leaves there is what the next one starts from.
SCHEMAS = ("core", "marts", "work")

# What is to be counted anew, not what was counted.
PASSING = frozenset({"work.base_need"})

HORIZONS = (
    {"horizons_1d": (1,), "horizons_1h": (1,)},
    {"horizons_1d": (1, 3), "horizons_1h": (1, 4)},
    {"horizons_1d": (1, 7, 14), "horizons_1h": (1, 4, 24)},
    {"horizons_1d": (2, 30), "horizons_1h": (30,)},
)

PLACE = st.floats(0, 1, exclude_max=True, width=16)


@st.composite
def journeys(draw: st.DrawFn, max_steps: int) -> dict[str, object]:
    """A market, and the deliveries of it."""
    event = st.builds(Event, st.sampled_from(EVENTS), PLACE, PLACE)
    steps = st.lists(
        st.builds(
            Step,
            days=st.sampled_from([0, 1, 1, 1, 2, 5, 20, 45]),
            hour=st.sampled_from([0, 12]),
            events=st.lists(event, max_size=4).map(tuple),
        ),
        min_size=1,
        max_size=max_steps - 1,
    )
    n_days = draw(st.integers(120, 200))
    first = Step(days=draw(st.integers(40, n_days - 20)), hour=draw(st.sampled_from([0, 12])))
    return {
        "seed": draw(st.integers(0, 10_000)),
        "n_tokens": draw(st.integers(5, 8)),
        "n_days": n_days,
        "has_known_at": draw(st.booleans()),
        "is_archive": draw(st.booleans()),
        "horizons": draw(st.sampled_from(HORIZONS)),
        "steps": (first, *draw(steps)),
    }


def travel(journey: dict[str, object]) -> list[str]:
    """Deliver a market step by step to two homes, one of which always builds in full; return why each build was full."""
    market = random_market(
        journey["seed"],
        n_tokens=journey["n_tokens"],
        n_days=journey["n_days"],
        has_known_at=journey["has_known_at"],
    )
    reasons = []
    with (
        TemporaryDirectory() as folder,
        new_home(Path(folder) / "nightly", **journey["horizons"]) as nightly,
        new_home(Path(folder) / "full", **journey["horizons"]) as full,
    ):
        for step in journey["steps"]:
            now = market.advance(step)
            vendor = Path(folder) / "vendor"
            market.deliver(vendor, is_archive=journey["is_archive"])
            for home in (nightly, full):
                run = home.replay if journey["is_archive"] else home.receive
                report = run(vendor, now, is_full=home is full)
                if home is nightly:
                    reasons.append(report.reason)
            assert_same_tables(nightly, full, *SCHEMAS, without=PASSING, told=f"after {step}")
    return reasons


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(journeys(max_steps=3))
def test_an_increment_equals_a_full_rebuild(journey: dict[str, object]) -> None:
    travel(journey)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(journeys(max_steps=5))
def test_many_increments_equal_full_rebuilds(journey: dict[str, object]) -> None:
    travel(journey)
