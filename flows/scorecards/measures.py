"""The measures of scorecards as `sql/measures/` declares them, and the SQL that follows from each declaration."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from flows.errors import WarehouseError

# The statistics that are not computed from sums: those of the outcomes in order, of cells and base windows together
# (inferred), and of all cells of a family (compared).
OF_VALUES = ("median", "quantile")
INFERRED = ("inferred", "low", "high", "p", "e")
COMPARED = ("q", "shrunk")

# Per statistic the keys that its measure must have, and those that it may have.
KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    statistic: (frozenset(required.split()), frozenset(optional.split()))
    for statistic, required, optional in (
        ("count", "", "of where"),
        ("total", "of", "where"),
        ("least", "of", "where"),
        ("greatest", "of", "where"),
        ("mean", "of per", ""),
        ("rate", "of per", ""),
        ("formula", "formula given", ""),
        ("contrast", "of against per", "is_rate"),
        ("median", "of", ""),
        ("quantile", "of at", ""),
        ("inferred", "", "missing"),
        ("low", "of", ""),
        ("high", "of", ""),
        ("p", "of", ""),
        ("e", "of", ""),
        ("q", "of", ""),
        ("shrunk", "of", ""),
        ("cell", "", ""),
    )
}

# Per statistic that is of another measure, or counted by one (`per`): which statistics that one may have.
OF_MEASURES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("mean", "per"): ("count",),
    ("rate", "per"): ("count",),
    ("rate", "of"): ("count",),
    ("contrast", "per"): ("count",),
    ("low", "of"): ("rate", "contrast", "inferred"),
    ("high", "of"): ("rate", "contrast", "inferred"),
    ("p", "of"): ("contrast", "inferred"),
    ("e", "of"): ("contrast", "inferred"),
    ("q", "of"): ("p",),
    ("shrunk", "of"): ("rate",),
}


@dataclass(frozen=True)
class Sum:
    """A column of outcomes added up: its name, the aggregate over outcomes, and the aggregate over such sums."""

    name: str
    over_outcomes: str
    over_sums: str


@dataclass(frozen=True)
class Measure:
    """One measure as declared; sql/measures/signal.toml explains the keys. One without a text gets no column."""

    name: str
    statistic: str
    of: str = ""
    where: str = ""
    against: str = ""
    per: str = ""
    formula: str = ""
    given: str = ""
    at: float = 0.5
    is_rate: bool = False
    missing: str = ""
    text: str = ""

    @property
    def difference(self) -> str:
        """SQL for what a contrast is the mean of, over one outcome."""
        return f"{self.of}::integer - {self.against}" if self.is_rate else f"{self.of} - {self.against}"

    @property
    def stands_in(self) -> str:
        """Which step of a scorecard makes the measure's column: the cells, the inference or the comparison."""
        return "inference" if self.statistic in INFERRED else "comparison" if self.statistic in COMPARED else "cell"

    @property
    def sums(self) -> list[Sum]:
        """The sums that the measure needs."""
        condition = f" filter (where {self.where})" if self.where else ""
        match self.statistic:
            case "count":
                counted = f"count({self.of})" if self.of else f"count(*){condition}"
                return [Sum(self.name, counted, f"sum({self.name})::bigint")]
            case "least" | "greatest":
                extreme = "min" if self.statistic == "least" else "max"
                return [Sum(self.name, f"{extreme}({self.of}){condition}", f"{extreme}({self.name})")]
            case "total":
                return [_total(self.name, self.of, condition)]
            case "mean":
                return [_total(f"{self.of}_sum", self.of)]
            case "contrast" if self.is_rate:
                counted = f"count(*) filter (where {self.of} and {self.where})"
                name = f"{self.name}_count"
                return [Sum(name, counted, f"sum({name})::bigint"), _total(f"{self.against}_sum", self.against)]
            case "contrast":
                matched = _total(f"{self.name}_sum", self.of, f" filter (where {self.where})")
                return [matched, _total(f"{self.against}_sum", self.against)]
        return []

    @property
    def over_sums(self) -> str | None:
        """SQL for the measure over its sums; None where it takes more than sums."""
        match self.statistic:
            case "count" | "total" | "least" | "greatest":
                return self.name
            case "mean":
                return f"from_fixed({self.of}_sum) / {self.per}"
            case "rate":
                return f"case when {self.per} > 0 then {self.of} / {self.per} end"
            case "formula":
                return f"case when {self.given} then {self.formula} end"
            case "contrast":
                count_or_total = (
                    f"({self.name}_count - from_fixed({self.against}_sum))"
                    if self.is_rate
                    else f"from_fixed({self.name}_sum - {self.against}_sum)"
                )
                return f"case when {self.per} > 0 then {count_or_total} / {self.per} end"
        return None


@dataclass(frozen=True)
class Measures:
    """All measures of one kind of scored thing, in the order of a scorecard's columns, and the tables they stand in."""

    tables: tuple[str, ...]
    every: tuple[Measure, ...]

    @cached_property
    def columns(self) -> tuple[Measure, ...]:
        """The measures that are columns of a scorecard."""
        return tuple(measure for measure in self.every if measure.text)

    @cached_property
    def sums(self) -> tuple[Sum, ...]:
        """The sums of all measures, each once."""
        return tuple({one.name: one for measure in self.every for one in measure.sums}.values())

    @cached_property
    def of_sums(self) -> tuple[Measure, ...]:
        """The measures that follow from sums, without the counts and totals that only others use."""
        return tuple(
            measure
            for measure in self.every
            if measure.over_sums is not None and (measure.text or measure.statistic not in ("count", "total"))
        )

    @cached_property
    def of_values(self) -> tuple[Measure, ...]:
        """The medians and quantiles."""
        return tuple(measure for measure in self.every if measure.statistic in OF_VALUES)

    @cached_property
    def contrasts(self) -> tuple[Measure, ...]:
        """The differences of means that get a variance."""
        return tuple(measure for measure in self.every if measure.statistic == "contrast")

    @cached_property
    def sizes(self) -> tuple[Sum, ...]:
        """The counts of outcomes that went into the contrasts."""
        counted_by = {contrast.per for contrast in self.contrasts}
        return tuple(one for one in self.sums if one.name in counted_by)

    @cached_property
    def inferred(self) -> tuple[Measure, ...]:
        """The measures that take inference."""
        return tuple(measure for measure in self.every if measure.statistic in INFERRED)

    @cached_property
    def compared(self) -> tuple[Measure, ...]:
        """The measures that take a comparison with the other cells of a family."""
        return tuple(measure for measure in self.every if measure.statistic in COMPARED)


@cache
def read_measures(path: Path) -> Measures:
    """The measures that a file declares. Raises WarehouseError, naming the measure, for one that cannot be made."""
    declared = tomllib.loads(path.read_text(encoding="utf-8"))
    measures = {name: _measure(path, name, words) for name, words in declared["measure"].items()}
    for measure in measures.values():
        _require_references(path, measure, measures)
    every = tuple(_matched(path, measure, measures) for measure in measures.values())
    _require_one_sum_a_name(path, every)
    return Measures(tuple(declared["scorecard"]["tables"]), every)


def _measure(path: Path, name: str, words: dict[str, Any]) -> Measure:
    """A measure as declared, with the keys that its statistic needs and no others."""
    statistic = str(words.get("statistic"))
    if statistic not in KEYS:
        raise WarehouseError(f"{path}: {name} is of no known statistic; there are {', '.join(KEYS)}.")
    required, optional = KEYS[statistic]
    given = words.keys() - {"statistic", "text"}
    wrong = sorted(required - given) or sorted(given - required - optional)
    if wrong:
        raise WarehouseError(
            f"{path}: {name}, a {statistic}, {'needs' if required - given else 'takes no'} `{wrong[0]}`; it has "
            f"{', '.join(sorted(required | optional)) or 'no keys'}."
        )
    if statistic == "count" and len(given) != 1:
        raise WarehouseError(f"{path}: {name}, a count, takes either `of` or `where`.")
    return Measure(name=name, **words)


def _require_references(path: Path, measure: Measure, measures: Mapping[str, Measure]) -> None:
    """Raise WarehouseError where another measure that this one names is not declared, or not of a fitting statistic."""
    for key in ("of", "per"):
        fitting = OF_MEASURES.get((measure.statistic, key))
        other = measures.get(getattr(measure, key))
        if fitting and (other is None or other.statistic not in fitting):
            raise WarehouseError(
                f"{path}: `{key}` of {measure.name} is {getattr(measure, key)}, which is no measure of the statistic "
                f"{' or '.join(fitting)}."
            )


def _matched(path: Path, measure: Measure, measures: Mapping[str, Measure]) -> Measure:
    """A contrast with the condition under which both of its sides are known: what it is counted by has a value."""
    if measure.statistic != "contrast":
        return measure
    counted = measures[measure.per].of
    if not counted:
        raise WarehouseError(f"{path}: {measure.name} is counted by {measure.per}, which is not the count of a value.")
    return replace(measure, where=f"{counted} is not null")


def _require_one_sum_a_name(path: Path, measures: tuple[Measure, ...]) -> None:
    """Raise WarehouseError where two measures would need different sums of one name."""
    sums: dict[str, Sum] = {}
    for measure in measures:
        for one in measure.sums:
            if sums.setdefault(one.name, one) != one:
                raise WarehouseError(f"{path}: {measure.name} needs another sum by the name {one.name}.")


def _total(name: str, of: str, condition: str = "") -> Sum:
    return Sum(name, f"sum(fixed({of})){condition}", f"sum({name})")
