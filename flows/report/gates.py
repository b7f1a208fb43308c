"""What the gates said, as people read it."""

from flows.pipeline import Outcome
from flows.quality.results import GateStopped, RuleResult


def gates_markdown(outcome: Outcome) -> str:
    """Both gates' results as Markdown: rows, what was quarantined, and each rule that was not passed."""
    lines = ["| dataset | rows | new | quarantined | gate |", "| --- | --- | --- | --- | --- |"]
    for one in outcome.snapshots:
        told = "same bytes as before" if one.gate is None else f"{len(one.gate.warnings)} warnings"
        lines.append(f"| {one.dataset} | {one.n_rows} | {one.n_new} | {one.n_quarantined} | {told} |")
    warnings = [result for one in outcome.snapshots if one.gate for result in one.gate.warnings]
    lines += ["", *[_told(result) for result in warnings if not result.is_passed]]
    n_passed = sum(result.is_passed for result in outcome.checks)
    lines += ["", f"Marts: {n_passed} of {len(outcome.checks)} checks passed."]
    return "\n".join(lines)


def stop_markdown(stop: GateStopped) -> str:
    """What a gate stopped a run for, and what to do, as Markdown."""
    return "\n".join(["**Stopped: nothing was published.**", "", *map(_told, stop.failed), "", str(stop)])


def _told(result: RuleResult) -> str:
    return f"- **{result.dataset}.{result.rule}** ({result.severity}): {result.n_failed} rows. {result.reason}"
