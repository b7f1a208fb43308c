"""The results of a gate, and its message to whoever started the run."""

from dataclasses import dataclass

from flows.errors import TrackrecordError
from flows.quality.rules import Severity

EXAMPLE_LENGTH = 400


@dataclass(frozen=True)
class RuleResult:
    """What one rule found in one dataset; `n_checked` is None where a check only returns what offends."""

    dataset: str
    rule: str
    severity: Severity
    reason: str
    is_passed: bool
    is_accepted: bool
    n_checked: int | None
    n_failed: int
    example: str | None

    @property
    def is_stop(self) -> bool:
        """Failed, and critical for the whole."""
        return not self.is_passed and self.severity == "critical" and not self.is_accepted


@dataclass(frozen=True)
class GateResult:
    """What the gate found in one delivery. `stops` are the results that keep it from being published."""

    dataset: str
    results: tuple[RuleResult, ...]
    n_quarantined: int
    stops: tuple[RuleResult, ...]

    @property
    def warnings(self) -> tuple[RuleResult, ...]:
        """What failed without stopping: warnings, quarantined rows, accepted rules."""
        return tuple(result for result in self.results if not result.is_passed and result not in self.stops)

    def message(self, snapshot_id: int) -> str:
        """What stopped the run and what to do; to be shown to whoever started it."""
        head = f"The gate stopped {self.dataset} (snapshot {snapshot_id}); the published file is unchanged."
        return "\n".join([head, *(_stop_message(stop, snapshot_id) for stop in self.stops), *self._row_reasons()])

    def _row_reasons(self) -> list[str]:
        """The failed row rules of a dataset that stopped because of its rows, each with what to do."""
        if not any(stop.rule == "quarantined_share" for stop in self.stops):
            return []
        return [
            f"  {result.dataset}.{result.rule}: {result.n_failed:,} rows. {result.reason}"
            for result in self.warnings
            if result.severity == "critical"
        ]


def _stop_message(stop: RuleResult, snapshot_id: int) -> str:
    counts = f"{stop.n_failed:,} of {stop.n_checked:,}" if stop.n_checked is not None else f"{stop.n_failed:,}"
    example = f" Example: {stop.example}." if stop.example else ""
    return (
        f"  {stop.dataset}.{stop.rule}: {counts} failed. {stop.reason}{example}\n"
        f"  Mend it and run again, or, if the data is right as it is: "
        f'trackrecord accept {stop.rule} --snapshot {snapshot_id} --reason "…"'
    )


def shorten(text: str) -> str:
    """An example short enough for a message and a table."""
    return text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"


class GateStopped(TrackrecordError):
    """A gate stopped the run before publish; the published file is unchanged."""

    exit_code = 3

    def __init__(self, message: str, failed: tuple[RuleResult, ...] = ()) -> None:
        super().__init__(message)
        self.failed = failed
