"""Great Expectations: suites built from the rules, run on pandas batches, rendered as Data Docs.

The only module that imports great_expectations, and only inside functions: the import takes 7-10 seconds.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.config import Settings
from flows.quality import pages
from flows.quality.results import GateResult
from flows.quality.rules import LARGEST, Expectation, Rule

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

# Failing values that a page of the Data Docs shows, whatever the number of failing rows.
N_SHOWN = 10

# Row numbers of all that failed, and no values: with values, 250,000 failing rows take 15 s instead of 0.2 s.
RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}

# Warnings that great_expectations 1.24 raises about its own code, and where.
LIBRARY_WARNINGS: tuple[tuple[type[Warning], str], ...] = (
    # datasource/fluent/.../file_path_data_connector.py imports them for two types.
    (DeprecationWarning, "module 'sre_(constants|parse)' is deprecated"),
)


@dataclass(frozen=True)
class Finding:
    """The rows of one batch that broke one rule, and what the rule saw in the first of them."""

    row_numbers: NDArray[np.int64]
    first_seen: str


@dataclass
class _Tally:
    """One expectation's outcome over all batches of a dataset."""

    outcome: "ExpectationValidationResult"
    n_checked: int = 0
    n_failed: int = 0
    shown: list[str] = field(default_factory=list)


class Suites:
    """One Great Expectations context for a run, and what it saw; under `with` it leaves its Data Docs."""

    def __init__(self, settings: Settings, *, title: str = "the newest run") -> None:
        self._settings = settings
        self._title = title
        self._gates: dict[str, GateResult] = {}
        self._suites: dict[tuple[str, ...], ExpectationSuite] = {}
        self._batches: dict[str, BatchDefinition[Any]] = {}
        self._tallies: dict[str, dict[str, _Tally]] = {}

    def __enter__(self) -> "Suites":
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the Data Docs of what was judged; where nothing was, those of the run before stay."""
        if self._gates:
            self.render(self._settings.home / "data_docs")

    def begin(self, dataset: str) -> None:
        """Forget the tallies of a dataset, because a newly fetched one is judged."""
        self._tallies[dataset] = {}
        self._gates.pop(dataset, None)

    def conclude(self, gate: GateResult) -> None:
        """Remember the gate's result of a dataset, for the Data Docs."""
        self._gates[gate.dataset] = gate

    def find(self, dataset: str, rules: Sequence[Rule], batch: "pd.DataFrame") -> dict[str, Finding]:
        """Apply the rules to one batch, indexed by row number; return the rules that some row broke.

        Raises RuntimeError where an expectation could not be evaluated, which must not count as passed.
        """
        with _quiet():
            validation = self._validate(dataset, rules, batch)
        failed: dict[str, list[int]] = {}
        for position, outcome in enumerate(validation.results):
            _require_evaluated(outcome)
            rows = list(outcome.result.get("unexpected_index_list") or [])
            self._count(dataset, position, outcome, rows, batch)
            if rows:
                failed.setdefault(_rule_name(outcome), []).extend(rows)
        by_name = {rule.name: rule for rule in rules}
        return {name: _finding(by_name[name], rows, batch) for name, rows in failed.items()}

    def render(self, folder: Path) -> Path:
        """Write the Data Docs of what was judged over those of the run before; return the page to open."""
        with _quiet():
            sections = {name: self._sections(name) for name in self._gates}
        return pages.write(folder, tuple(self._gates.values()), sections, title=self._title)

    def _validate(
        self, dataset: str, rules: Sequence[Rule], batch: "pd.DataFrame"
    ) -> "ExpectationSuiteValidationResult":
        suite = self._suite(dataset, rules)
        definition = self._batch_definition(dataset)
        return definition.get_batch({"dataframe": batch}).validate(suite, result_format=RESULT_FORMAT)

    @cached_property
    def _context(self) -> "EphemeralDataContext":
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.enable_analytics(False)
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        return context

    def _batch_definition(self, dataset: str) -> "BatchDefinition[Any]":
        if dataset not in self._batches:
            source = self._context.data_sources.add_pandas(f"incoming_{dataset}")
            asset = source.add_dataframe_asset(dataset)
            self._batches[dataset] = asset.add_batch_definition_whole_dataframe("batch")
        return self._batches[dataset]

    def _suite(self, dataset: str, rules: Sequence[Rule]) -> "ExpectationSuite":
        key = (dataset, *(rule.name for rule in rules))
        if key not in self._suites:
            # Expectations can only be made under a context.
            assert self._context is not None
            from great_expectations.core import ExpectationSuite

            expectations = [self._expectation(rule, one) for rule in rules for one in rule.expectations]
            self._suites[key] = ExpectationSuite(name=dataset, expectations=expectations)
        return self._suites[key]

    def _expectation(self, rule: Rule, declared: Expectation) -> Any:
        import great_expectations.expectations as gxe

        bounds = {
            name: getattr(self._settings, str(value))
            if name in ("min_value", "max_value", "value_set") and _is_text(value)
            else value
            for name, value in declared.kwargs.items()
        }
        return getattr(gxe, declared.kind)(
            **bounds,
            severity=rule.severity,
            description=f"{rule.name} ({_asked(declared.columns, bounds)}): {rule.reason}",
            meta={"rule": rule.name},
        )

    def _count(
        self,
        dataset: str,
        position: int,
        outcome: "ExpectationValidationResult",
        rows: list[int],
        batch: "pd.DataFrame",
    ) -> None:
        tallies = self._tallies.setdefault(dataset, {})
        tally = tallies.setdefault(f"{_rule_name(outcome)} {position}", _Tally(outcome))
        tally.n_checked += int(outcome.result["element_count"])
        tally.n_failed += len(rows)
        for row in rows[: N_SHOWN - len(tally.shown)]:
            tally.shown.append(f"row {row}: {_seen(_columns(outcome), row, batch)}")

    def _sections(self, dataset: str) -> list[str]:
        """Great Expectations' own rendering of what was seen of a dataset, one piece of HTML a section."""
        tallies = self._tallies.get(dataset)
        if not tallies:
            return []
        from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
        from great_expectations.render.view.view import DefaultJinjaSectionView

        document = ValidationResultsPageRenderer().render(_merged(dataset, list(tallies.values())))
        view = DefaultJinjaSectionView()
        # The first section repeats the top of our own page.
        documents = [
            {"section": section.to_json_dict(), "section_loop": {"index": number}}
            for number, section in enumerate(document.sections[1:], start=1)
        ]
        return [view.render(document) for document in documents]  # type: ignore[no-untyped-call]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's own warnings from whoever turns warnings into errors; all others still show."""
    with warnings.catch_warnings():
        for category, message in LIBRARY_WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield


def _merged(dataset: str, tallies: Sequence[_Tally]) -> "ExpectationSuiteValidationResult":
    """One validation result for all batches: the counts added up, a bounded number of failing values."""
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    outcomes = [
        ExpectationValidationResult(
            success=tally.n_failed == 0,
            expectation_config=tally.outcome.expectation_config,
            exception_info=tally.outcome.exception_info,
            result={
                "element_count": tally.n_checked,
                "unexpected_count": tally.n_failed,
                "unexpected_percent": 100 * tally.n_failed / max(1, tally.n_checked),
                # Great Expectations does not escape values; a vendor's text must not become markup.
                "partial_unexpected_list": [escape(text) for text in tally.shown],
            },
        )
        for tally in tallies
    ]
    n_good = sum(tally.n_failed == 0 for tally in tallies)
    return ExpectationSuiteValidationResult(
        success=n_good == len(tallies),
        results=outcomes,
        suite_name=dataset,
        statistics={
            "evaluated_expectations": len(tallies),
            "successful_expectations": n_good,
            "unsuccessful_expectations": len(tallies) - n_good,
            "success_percent": 100 * n_good / len(tallies),
        },
        meta={"batch_id": dataset, "run_id": {"run_name": dataset, "run_time": "1970-01-01T00:00:00"}},
    )


def _require_evaluated(outcome: "ExpectationValidationResult") -> None:
    info = outcome.exception_info or {}
    # One exception, or one for each metric that raised.
    for one in [info] if "raised_exception" in info else list(info.values()):
        if one.get("raised_exception"):
            raise RuntimeError(f"The rule {_rule_name(outcome)} could not be evaluated: {one['exception_message']}")


def _finding(rule: Rule, rows: list[int], batch: "pd.DataFrame") -> Finding:
    row_numbers = np.unique(np.asarray(rows, dtype=np.int64))
    return Finding(row_numbers, _seen(rule.columns, int(row_numbers[0]), batch))


def _seen(columns: Sequence[str], row: int, batch: "pd.DataFrame") -> str:
    return ", ".join(f"{name} = {batch.at[row, name]!s}" for name in columns)


def _columns(outcome: "ExpectationValidationResult") -> tuple[str, ...]:
    config = outcome.expectation_config
    assert config is not None
    return Expectation(config.type, config.kwargs).columns


def _rule_name(outcome: "ExpectationValidationResult") -> str:
    config = outcome.expectation_config
    assert config is not None
    return str(config.meta["rule"])


def _asked(columns: Sequence[str], bounds: Mapping[str, object]) -> str:
    """What an expectation asks, in a few words. No `<` among them: they go into a page unescaped."""
    words = [" ≥ ".join(columns)]
    if "value_set" in bounds:
        words.append(f"in {bounds['value_set']}")
    if "min_value" in bounds:
        words.append(f"{'>' if bounds.get('strict_min') else '≥'} {bounds['min_value']:.3g}")
    if "max_value" in bounds:
        words.append("finite" if bounds["max_value"] == LARGEST else f"≤ {bounds['max_value']:.3g}")
    return " ".join(words)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
