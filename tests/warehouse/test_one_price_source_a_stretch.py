"""Contract, section 3: the source in use stays in use while it has bars, and what was used stays used."""

from datetime import datetime

from tests.warehouse.scene import Scene, day, flat

SPANS = "timeframe, token_id, price_source, first_bar_at, last_bar_at, last_close"
STRETCHES = "timeframe, token_id, price_source, used_from, used_to"
SEGMENTS = "select segment, price_source, started_at, ended_at from core.segment where timeframe = '1d' order by all"

Span = tuple[str, str, int]


def deliver(scene: Scene, source: str | None, *spans: Span, as_of: str, price: float = 10) -> bool:
    """Bars of token 1 in each span: its timeframe, its first bar and how many; whether the build was a full one."""
    scene.is_daily_only = True
    scene.bar_rows.clear()
    for timeframe, first, n_bars in spans:
        scene.bars(1, first, *[flat(price)] * n_bars, timeframe=timeframe)
    return scene.run(as_of, price_source=source).is_full


def days(first: str, last: str) -> Span:
    """Every day of January from one to another."""
    return "1d", f"2026-01-{first}", int(last) - int(first) + 1


def used(scene: Scene) -> list[tuple[object, ...]]:
    return scene.rows("select price_source, used_from, used_to from work.price_stretch order by used_from")


def test_a_price_source_spans_its_own_bars(scene: Scene) -> None:
    """Days of `spot` begin first, hours of `perp` come alone; a later night brings what lies before."""
    deliver(scene, "spot", days("03", "05"), as_of="2026-01-06T00:20")
    deliver(scene, "perp", days("04", "06"), ("1h", "2026-01-05T02:00", 6), as_of="2026-01-07T00:20", price=20)
    scene.expect(
        "work.price_source_span",
        SPANS,
        ("1d", 1, "perp", day("04"), day("06"), 20.0),
        ("1d", 1, "spot", day("03"), day("05"), 10.0),
        ("1h", 1, "perp", day("05T02:00"), day("05T07:00"), 20.0),
    )
    assert not deliver(scene, "spot", days("01", "07"), as_of="2026-01-08T00:20", price=11)
    scene.expect(
        "work.price_source_span",
        SPANS,
        ("1d", 1, "perp", day("04"), day("06"), 20.0),
        ("1d", 1, "spot", day("01"), day("07"), 11.0),
        ("1h", 1, "perp", day("05T02:00"), day("05T07:00"), 20.0),
    )
    scene.expect(
        "work.price_stretch",
        "timeframe, token_id, price_source",
        ("1d", 1, "spot"),
        ("1h", 1, "perp"),
    )


def test_another_source_takes_over_after_more_than_three_days(scene: Scene) -> None:
    """Spot has none on the 11th to 13th, which may be a hole; on the 14th it is gone, and perp has been there since."""
    scene.signals(1, "2026-01-07", 0, 1, 1, 1, -1, -1)
    deliver(scene, "spot", days("01", "10"), as_of="2026-01-11T00:20")
    deliver(scene, "perp", days("05", "13"), as_of="2026-01-14T00:20", price=20)
    scene.expect("plan.stretch_scope", "timeframe, token_id, price_source, is_contested")
    assert scene.rows(SEGMENTS) == [(1, "spot", day("01"), day("11"))]
    assert not deliver(scene, "perp", ("1d", "2026-01-14", 1), as_of="2026-01-15T00:20", price=20)
    scene.expect("plan.stretch_scope", "timeframe, token_id, price_source, is_contested", ("1d", 1, "perp", True))
    scene.expect(
        "work.price_stretch",
        STRETCHES,
        ("1d", 1, "perp", day("11"), datetime.max),
        where="used_from > '2026-01-01'",
    )
    assert scene.rows(SEGMENTS) == [(1, "spot", day("01"), day("11")), (2, "perp", day("11"), day("15"))]
    scene.expect(
        "core.segment",
        "timeframe, token_id, segment, price_source",
        ("1d", 1, 1, "spot"),
        ("1d", 1, 2, "perp"),
    )
    assert scene.rows(
        "select signal_at, price_source, entry_price from marts.signal_outcome "
        "where entry_rule = 'next_open' and horizon = 1 order by signal_at"
    ) == [(day("08"), "spot", 10), (day("11"), "perp", 20)]


def test_a_source_that_is_a_night_late_is_not_given_up(scene: Scene) -> None:
    deliver(scene, None, days("01", "10"), as_of="2026-01-11T00:20")
    deliver(scene, "spot", days("01", "12"), as_of="2026-01-13T00:20")
    deliver(scene, None, days("11", "13"), as_of="2026-01-14T00:20")
    assert [name for name, *_ in used(scene)] == [""]


def test_history_delivered_again_under_another_name_goes_on(scene: Scene) -> None:
    """The column was empty and is filled from one night on: the old bars stay, the new ones are of the new name."""
    deliver(scene, None, days("01", "10"), as_of="2026-01-11T00:20")
    deliver(scene, "spot", days("01", "15"), as_of="2026-01-16T00:20")
    assert scene.rows(SEGMENTS) == [(1, None, day("01"), day("11")), (2, "spot", day("11"), day("16"))]


def test_what_was_used_stays_used(scene: Scene) -> None:
    """A source whose bars begin earlier, one that fills a halt, and the one in use, back where it had been missed."""
    scene.signals(1, "2026-01-09", 0, 1)
    deliver(scene, "b", days("05", "10"), ("1d", "2026-01-16", 5), as_of="2026-01-21T00:20")
    before = scene.rows(SEGMENTS)
    for source, first, last in (("a", "01", "20"), ("c", "05", "20")):
        assert not deliver(scene, source, days(first, last), as_of="2026-01-21T00:20", price=30)
        assert scene.rows(SEGMENTS) == before
    # It falls silent, `a` goes on and is used; then what was missed of `b` comes after all.
    deliver(scene, "a", days("21", "25"), as_of="2026-01-26T00:20", price=30)
    taken_over = scene.rows(SEGMENTS)
    assert taken_over[-1] == (3, "a", day("21"), day("26"))
    deliver(scene, "b", days("21", "26"), as_of="2026-01-27T00:20")
    assert scene.rows(SEGMENTS) == taken_over


def test_of_two_that_could_take_over_the_busier_does(scene: Scene) -> None:
    deliver(scene, "main", days("01", "10"), as_of="2026-01-11T00:20")
    deliver(scene, "few", days("09", "10"), as_of="2026-01-11T00:21")
    deliver(scene, "many", days("08", "10"), as_of="2026-01-11T00:22")
    deliver(scene, "few", days("11", "13"), as_of="2026-01-15T00:20")
    deliver(scene, "many", days("12", "14"), as_of="2026-01-15T00:21")
    assert [name for name, *_ in used(scene)] == ["main", "many"]
