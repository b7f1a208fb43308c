"""The measures of scorecards as `sql/measures/` declares them, and the SQL that follows from each declaration."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from flows.errors import WarehouseError

# The statistics by what they are computed from: sums over outcomes, the outcomes in order, cells and base windows
# (inferred), or all cells of a family (compared).
OF_SUMS = ("count", "total", "least", "greatest", "mean", "rate", "formula", "contrast")
OF_VALUES = ("median", "quantile")
INFERRED = ("inferred", "low", "high", "p")
COMPARED = ("q", "shrunk")
STATISTICS = (*OF_SUMS, *OF_VALUES, *INFERRED, *COMPARED, "cell")


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
                return [_total(f"{self.of}_sum", self.of, condition)]
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
    measures = tuple(_measure(path, name, words) for name, words in declared["measure"].items())
    _require_consistent(path, measures)
    return Measures(tuple(declared["scorecard"]["tables"]), measures)


def _measure(path: Path, name: str, words: dict[str, str]) -> Measure:
    unknown = words.keys() - Measure.__dataclass_fields__.keys()
    if unknown or words.get("statistic") not in STATISTICS:
        wrong = f"has no key {min(unknown)}" if unknown else f"is of one of the statistics {', '.join(STATISTICS)}"
        raise WarehouseError(f"{path}: a measure {wrong}; look at {name}.")
    return Measure(name=name, **words)  # type: ignore[arg-type]


def _require_consistent(path: Path, measures: tuple[Measure, ...]) -> None:
    """Raise WarehouseError for a reference to a measure that is not declared, and for two sums of one name."""
    names = {measure.name for measure in measures}
    sums: dict[str, Sum] = {}
    for measure in measures:
        for other in _references(measure):
            if other not in names:
                raise WarehouseError(f"{path}: {measure.name} refers to {other}, which is no measure.")
        for one in measure.sums:
            if sums.setdefault(one.name, one) != one:
                raise WarehouseError(f"{path}: {measure.name} needs another sum by the name {one.name}.")


def _references(measure: Measure) -> Iterator[str]:
    if measure.per:
        yield measure.per
    if measure.statistic in ("rate", "low", "high", "p", "q", "shrunk"):
        yield measure.of


def _total(name: str, of: str, condition: str = "") -> Sum:
    return Sum(name, f"sum(fixed({of})){condition}", f"sum({name})")
