"""The first gate: the rules of its dataset are applied to what was fetched, before anything of it enters `core`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from flows.config import Settings
from flows.quality import helpers
from flows.quality.cures import cure_of
from flows.quality.incoming import Incoming
from flows.quality.results import GateResult, RuleResult, shorten
from flows.quality.rules import Rule, rules_for
from flows.quality.suites import Suites
from flows.quality.summary import Fact, LastSnapshot, delivery_facts, quarantine_fact

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GateResult", "LastSnapshot", "RuleResult", "judge"]


@dataclass
class _RowTally:
    """What one row rule found over all batches."""

    n_failed: int = 0
    first_row: int | None = None
    first_seen: str = ""


@dataclass(frozen=True)
class _Judgement:
    """One fetched dataset being judged."""

    connection: duckdb.DuckDBPyConnection
    incoming: Incoming
    settings: Settings
    as_of: datetime
    accepted_rules: frozenset[str]
    suites: Suites
    tallies: dict[str, _RowTally] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.incoming.dataset.name

    def accepts(self, rule: Rule) -> bool:
        return rule.is_acceptable and rule.name in self.accepted_rules


def judge(
    connection: duckdb.DuckDBPyConnection,
    incoming: Incoming,
    *,
    settings: Settings,
    as_of: datetime,
    last: LastSnapshot | None,
    is_archive: bool,
    accepted_rules: frozenset[str],
    suites: Suites,
) -> GateResult:
    """Apply every rule of the dataset to the rows in `incoming`.

    Leaves the temporary table `bad_row(row_number, rule, reason, is_quarantined)`: one row for each rule that
    a row broke. A row that any entry quarantines must not go on; the rest may, unless the result has stops.
    Rules in `accepted_rules` are reported but have no consequence.
    """
    judgement = _Judgement(connection, incoming, settings, as_of, accepted_rules, suites)
    suites.begin(incoming.dataset.name)
    connection.execute(
        "create or replace temporary table bad_row "
        "(row_number bigint, rule varchar, reason varchar, is_quarantined boolean)"
    )
    helpers.derive(connection, incoming, as_of)
    for batch in _batches(judgement):
        _judge_batch(judgement, batch)
    row_results = tuple(_row_result(judgement, rule) for rule in rules_for(judgement.name, "row"))
    facts = delivery_facts(connection, incoming, as_of=as_of, last=last, is_archive=is_archive)
    facts["quarantined_share"] = quarantine_fact(connection, incoming, row_results)
    dataset_results = _judge_summary(judgement, facts)
    _quarantine_unreadable(judgement)
    results = (*dataset_results, *row_results)
    result = GateResult(
        dataset=judgement.name,
        results=results,
        n_quarantined=helpers.count(connection, "select distinct row_number from bad_row where is_quarantined"),
        stops=tuple(one for one in dataset_results if one.is_stop),
    )
    suites.conclude(result)
    return result


def _batches(judgement: _Judgement) -> Iterator["pd.DataFrame"]:
    """The rows with the columns that the rules look at, so many at a time, indexed by row number."""
    columns = [name for rule in rules_for(judgement.name, "row") for name in rule.columns]
    select = helpers.batch_select(judgement.incoming, dict.fromkeys(columns), judgement.as_of)
    size = judgement.settings.gate_batch_rows
    # Rows of `incoming` that a replay has hidden leave holes, so batches count row ids, not rows.
    for start in range(0, helpers.end_of_rows(judgement.connection), size):
        batch = judgement.connection.execute(select, {"start": start, "end": start + size}).df()
        if len(batch):
            # Under an index's name Great Expectations nests what it finds; without one it is plain.
            yield batch.set_index("row_number").rename_axis(None)


def _judge_batch(judgement: _Judgement, batch: "pd.DataFrame") -> None:
    rules = {rule.name: rule for rule in rules_for(judgement.name, "row")}
    for name, finding in judgement.suites.find(judgement.name, tuple(rules.values()), batch).items():
        tally = judgement.tallies.setdefault(name, _RowTally())
        tally.n_failed += len(finding.row_numbers)
        if tally.first_row is None:
            tally.first_row, tally.first_seen = int(finding.row_numbers[0]), finding.first_seen
        is_quarantined = rules[name].is_quarantined and not judgement.accepts(rules[name])
        judgement.connection.register("failed_row", {"row_number": finding.row_numbers})
        judgement.connection.execute(
            "insert into bad_row select row_number, ?, ?, ? from failed_row",
            [name, rules[name].reason, is_quarantined],
        )
        judgement.connection.unregister("failed_row")


def _row_result(judgement: _Judgement, rule: Rule) -> RuleResult:
    tally = judgement.tallies.get(rule.name, _RowTally())
    is_failed = tally.n_failed > 0
    return RuleResult(
        dataset=judgement.name,
        rule=rule.name,
        severity=rule.severity,
        reason=rule.reason,
        is_passed=not is_failed,
        is_accepted=is_failed and judgement.accepts(rule),
        n_checked=judgement.incoming.n_rows,
        n_failed=tally.n_failed,
        example=_example(judgement, tally),
        cure=cure_of(judgement.connection, judgement.incoming, rule.name) if is_failed else None,
    )


def _example(judgement: _Judgement, tally: _RowTally) -> str | None:
    """The first failing row: its number, what the rule saw, and the row as it was delivered."""
    if tally.first_row is None:
        return None
    row = judgement.connection.execute(
        "select to_json(delivered)::varchar from delivered where row_number = ?", [tally.first_row]
    ).fetchone()
    delivered = row[0] if row else ""
    place = judgement.incoming.place_of(judgement.connection, tally.first_row)
    return shorten(f"{place} ({tally.first_seen}): {delivered}")


def _judge_summary(judgement: _Judgement, facts: dict[str, Fact]) -> tuple[RuleResult, ...]:
    """The dataset rules, asked of one row of facts through the same suites."""
    import pandas as pd

    rules = rules_for(judgement.name, "dataset")
    values = {name: [fact.value] for name, fact in facts.items()}
    summary = pd.DataFrame(values, index=[0], dtype="float64")
    failed = judgement.suites.find(judgement.name, rules, summary)
    return tuple(_dataset_result(judgement, rule, facts[rule.columns[0]], rule.name in failed) for rule in rules)


def _dataset_result(judgement: _Judgement, rule: Rule, fact: Fact, is_failed: bool) -> RuleResult:
    return RuleResult(
        dataset=judgement.name,
        rule=rule.name,
        severity=rule.severity,
        reason=rule.reason,
        is_passed=not is_failed,
        is_accepted=is_failed and judgement.accepts(rule),
        n_checked=fact.n_checked,
        n_failed=fact.n_failed if is_failed else 0,
        example=shorten(fact.example) if is_failed else None,
        cure=fact.cure if is_failed else None,
    )


def _quarantine_unreadable(judgement: _Judgement) -> None:
    """Where a missing column was accepted, no row is complete: all are set aside, none goes on."""
    rule = next(rule for rule in rules_for(judgement.name, "dataset") if rule.name == "columns_present")
    if judgement.incoming.missing_columns and judgement.accepts(rule):
        judgement.connection.execute(
            "insert into bad_row select row_number, ?, ?, true from incoming", [rule.name, rule.reason]
        )
