"""The results of both gates as Markdown, for a run's page."""

from collections.abc import Iterable, Sequence

from flows.quality.results import GateStopped, RuleResult
from flows.warehouse.snapshots import Snapshot


def gates_markdown(snapshots: Iterable[Snapshot], checks: Sequence[RuleResult]) -> str:
    """Both gates' results as Markdown: row counts, quarantined rows, and each rule that failed."""
    lines = ["| dataset | rows | new | quarantined | gate |", "| --- | --- | --- | --- | --- |"]
    for one in snapshots:
        gate = "same bytes as before" if one.gate is None else f"{len(one.gate.warnings)} warnings"
        lines.append(f"| {one.dataset} | {one.n_rows} | {one.n_new} | {one.n_quarantined} | {gate} |")
    warnings = [result for one in snapshots if one.gate for result in one.gate.warnings]
    lines += ["", *[_rule_line(result) for result in warnings if not result.is_passed]]
    n_passed = sum(result.is_passed for result in checks)
    lines += ["", f"Marts: {n_passed} of {len(checks)} checks passed."]
    return "\n".join(lines)


def stop_markdown(stop: GateStopped) -> str:
    """The rules for which a gate stopped a run, and what to do, as Markdown."""
    return "\n".join(["**Stopped: nothing was published.**", "", *map(_rule_line, stop.failed), "", str(stop)])


def _rule_line(result: RuleResult) -> str:
    return f"- **{result.dataset}.{result.rule}** ({result.severity}): {result.n_failed} rows. {result.reason}"
