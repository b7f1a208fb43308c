"""Contract, section 3: a value is restated beyond a relative difference of 1e-6 only, components by their numbers."""

import json
from typing import Any

import pytest

from tests.warehouse.scene import Scene, flat


def night(scene: Scene, as_of: str, *, score: float, components: object, close: float) -> None:
    """One closed bar, signal and grade of the first of January, as delivered on a night."""
    scene.is_daily_only = True
    scene.bar_rows, scene.signal_rows = [], []
    scene.bars(1, "2026-01-01", (10, 12, 9, close), flat(10))
    scene.signal(1, "2026-01-01", 1, score=score)
    text = components if components is None or isinstance(components, str) else json.dumps(components)
    grade = {"vendor": "v", "token_id": 1, "kind": "tm", "graded_at": "2026-01-01", "grade": 70.0, "components": text}
    scene.other_rows = {"grades": [grade]}
    scene.run(as_of)


def restated(scene: Scene, **changed: Any) -> set[tuple[str, str]]:
    first = {"score": 0.7, "components": {"a": 1.5, "b": 2}, "close": 11.0}
    night(scene, "2026-01-03T00:20", **first)
    night(scene, "2026-01-04T00:20", **{**first, **changed})
    return set(scene.rows("select dataset, field from marts.restatement"))


@pytest.mark.parametrize("close", [11.0 + 2e-15, 11.000001, 10.999995])
def test_a_price_exported_again_is_no_other(scene: Scene, close: float) -> None:
    assert restated(scene, close=close, score=0.7 * (1 + 5e-7)) == set()
    scene.expect("core.price_bar", "close, revision", (11.0, 0), where="bar_start = '2026-01-01'")


@pytest.mark.parametrize("close", [11.0001, 10.9999, 11.5])
def test_a_price_that_differs_by_more_is(scene: Scene, close: float) -> None:
    assert restated(scene, close=close, score=0.7 * (1 + 2e-6)) == {("prices", "close"), ("signals", "score")}


def test_beside_a_restated_value_a_rounded_one_is_none(scene: Scene) -> None:
    night(scene, "2026-01-03T00:20", score=0.7, components=None, close=11.0)
    scene.bar_rows = []
    scene.bars(1, "2026-01-01", (10.000001, 12, 9.5, 11.0), flat(10))
    scene.run("2026-01-04T00:20")
    assert scene.rows("select dataset, field from marts.restatement") == [("prices", "low")]


@pytest.mark.parametrize(
    "components",
    [
        {"b": 2, "a": 1.5},
        {"a": 1.5, "b": 2, "c": None},
        {"a": 1.50000001, "b": 2.0},
        '{ "b" : 2.0e0, "a":1.5 }',
    ],
)
def test_components_with_the_same_numbers_are_the_same(scene: Scene, components: object) -> None:
    assert restated(scene, components=components) == set()


@pytest.mark.parametrize("components", [None, {}, {"a": None, "b": None}])
def test_no_components_are_like_empty_ones(scene: Scene, components: object) -> None:
    night(scene, "2026-01-03T00:20", score=0.7, components={"a": None}, close=11.0)
    night(scene, "2026-01-04T00:20", score=0.7, components=components, close=11.0)
    assert scene.rows("from marts.restatement") == []


@pytest.mark.parametrize(
    "components",
    [{"a": 1.6, "b": 2}, {"a": 1.5}, {"a": 1.5, "b": 2, "c": 0}, {"a": 2, "b": 1.5}, {"a": "x", "b": 2}, None],
)
def test_components_with_other_numbers_are_restated(scene: Scene, components: object) -> None:
    assert restated(scene, components=components) == {("grades", "components")}
