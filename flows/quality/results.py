"""The results of a gate, and its message to whoever started the run."""

from dataclasses import dataclass

from flows.errors import TrackrecordError
from flows.quality.rules import Severity

EXAMPLE_LENGTH = 400


@dataclass(frozen=True)
class RuleResult:
    """What one rule found in one dataset; `n_checked` is None where a check only returns what offends.

    `cure` is what else there is to do: the accepted forms, and lines for `trackrecord.toml` below them.
    """

    dataset: str
    rule: str
    severity: Severity
    reason: str
    is_passed: bool
    is_accepted: bool
    n_checked: int | None
    n_failed: int
    example: str | None
    cure: str | None = None

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
        return "\n".join([head, *(self._stop_message(stop, snapshot_id) for stop in self.stops)])

    def _stop_message(self, stop: RuleResult, snapshot_id: int) -> str:
        rows = self._broken_rules() if stop.rule == "quarantined_share" else ()
        lines = [finding(result) for result in (*rows, stop)]
        accept = f'trackrecord accept {stop.rule} --snapshot {snapshot_id} --reason "…"'
        if self._can_be_accepted(stop):
            lines.append(f"  Mend it and run again, or, if the data is right as it is: {accept}")
        else:
            lines.append("  Mend it and run again.")
        return "\n".join(lines)

    def _broken_rules(self) -> tuple[RuleResult, ...]:
        """The row rules by which a dataset was stopped, those of the most rows first."""
        broken = [result for result in self.warnings if result.severity == "critical"]
        return tuple(sorted(broken, key=lambda result: -result.n_failed))

    def _can_be_accepted(self, stop: RuleResult) -> bool:
        """Whether anything would be published that is worth it: not where no row, or the smaller part, would go on."""
        if stop.rule in ("columns_present", "rows_present"):
            return False
        return stop.rule != "quarantined_share" or 2 * stop.n_failed <= (stop.n_checked or 0)


def finding(result: RuleResult) -> str:
    """What a rule that stopped found: where, an example, the accepted forms and the lines to write."""
    counts = f"{result.n_failed:,} of {result.n_checked:,}" if result.n_checked is not None else f"{result.n_failed:,}"
    return _described(f"{result.dataset}.{result.rule}: {counts} failed.", result)


def warning_text(result: RuleResult) -> str:
    """What a rule that did not stop found; of rows that are lost by it, an example and what to write as well."""
    head = f"warning {result.rule}: {result.n_failed} rows."
    return _described(head, result) if result.severity == "critical" else f"  {head} {result.reason}"


def _described(head: str, result: RuleResult) -> str:
    example = f" Example: {result.example}." if result.example else ""
    forms, _, lines = (result.cure or "").partition("\n")
    text = f"  {head} {result.reason}{example}{' ' + forms if forms else ''}"
    if not lines:
        return text
    return "\n".join([f"{text}\n    In trackrecord.toml write:", *(f"      {line}" for line in lines.split("\n"))])


def shorten(text: str) -> str:
    """An example short enough for a message and a table."""
    return text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"


class GateStopped(TrackrecordError):
    """A gate stopped the run before publish; the published file is unchanged."""

    exit_code = 3

    def __init__(self, message: str, failed: tuple[RuleResult, ...] = ()) -> None:
        super().__init__(message)
        self.failed = failed
