"""The faults that `make mutants` draws are what they are named, and its report counts them right."""

from tests.mutants.__main__ import draw, every_mutant, report
from tests.mutants.sites import measure_mutations, python_mutations, sql_mutations
from tests.mutants.trial import DOES_NOT_RUN, EQUIVALENT, NOTICED, SURVIVED, Verdict, known_faults

SQL = """-- Where a > b and c = 1.
select
    a.*,
    {{ 1 + 2 }} as two,
    'x > 1' as text,
    sum(a.n) filter (where a.is_scored) as n,
    coalesce(b.side, least(a.side, 0)) as side,
    row_number() over (partition by a.token_id order by a.moment) as nth
from a
left join b using (token_id, timeframe)
inner join c on a.token_id = c.token_id and a.timeframe = c.timeframe
where a.n between 0 and 7 and a.side is not null
"""

MODEL = """-- A > b.
-- Replaces: from scope where old.n >= scope.n and old.m = 1
-- Variable: first_{{ timeframe }} = min(n)
select n from {{ before('work.a') }}
where n > {{ horizons[timeframe] | max }} + {{ 30 }}
"""


def faults(sql: str) -> set[str]:
    """What stands in the line of each fault, as it reads then."""
    found = set()
    for one in sql_mutations(sql):
        changed = one.apply(sql)
        start = sql.rfind("\n", 0, one.start) + 1
        found.add(changed[start : (changed + "\n").find("\n", max(one.start + len(one.new), start))].strip())
    return found


def test_joins_conditions_aggregates_filters_coalesce_and_orders_are_changed_one_at_a_time() -> None:
    assert faults(SQL) == {
        "{{ 2 + 2 }} as two,",
        "{{ 1 + 3 }} as two,",
        "inner join b using (token_id, timeframe)",
        "left join b using (timeframe)",
        "left join b using (token_id)",
        "left join c on a.token_id = c.token_id and a.timeframe = c.timeframe",
        "inner join c on a.token_id <> c.token_id and a.timeframe = c.timeframe",
        "inner join c on a.token_id = c.token_id and a.timeframe <> c.timeframe",
        "inner join c on a.token_id = c.token_id or a.timeframe = c.timeframe",
        "inner join c on a.token_id = c.token_id",
        "inner join c on a.timeframe = c.timeframe",
        "max(a.n) filter (where a.is_scored) as n,",
        "sum(a.n) as n,",
        "(b.side) as side,",
        "coalesce(least(a.side, 0)) as side,",
        "coalesce(b.side, greatest(a.side, 0)) as side,",
        "coalesce(b.side, least(a.side, 1)) as side,",
        "rank() over (partition by a.token_id order by a.moment) as nth",
        "row_number() over (partition by a.token_id order by a.moment desc) as nth",
        "where a.n between 1 and 7 and a.side is not null",
        "where a.n between 0 and 8 and a.side is not null",
        "where a.n between 0 and 7 or a.side is not null",
        "where a.n between 0 and 7 and a.side is null",
        "where a.n between 0 and 7",
        "where a.side is not null",
    }


def test_header_lines_with_sql_and_jinja_are_changed_too() -> None:
    assert faults(MODEL) == {
        "-- Replaces: from scope where old.n > scope.n and old.m = 1",
        "-- Replaces: from scope where old.n <= scope.n and old.m = 1",
        "-- Replaces: from scope where old.n >= scope.n and old.m <> 1",
        "-- Replaces: from scope where old.n >= scope.n and old.m = 2",
        "-- Replaces: from scope where old.n >= scope.n or old.m = 1",
        "-- Replaces: from scope where old.n >= scope.n",
        "-- Replaces: from scope where old.m = 1",
        "-- Variable: first_{{ timeframe }} = max(n)",
        "select n from {{ 'work.a' }}",
        "select n from {{ before('work.a') }}",
        "where n >= {{ horizons[timeframe] | max }} + {{ 30 }}",
        "where n < {{ horizons[timeframe] | max }} + {{ 30 }}",
        "where n > {{ horizons[timeframe] | min }} + {{ 30 }}",
        "where n > {{ horizons[timeframe] | max }} - {{ 30 }}",
        "where n > {{ horizons[timeframe] | max }} + {{ 31 }}",
    }


def test_a_condition_that_stands_alone_is_left_out_with_its_clause() -> None:
    text = "select 1 from a where b < 2"
    assert "select 1 from a" in {one.apply(text) for one in sql_mutations(text)}


def test_expressions_of_measures_are_changed_but_no_text_of_theirs() -> None:
    text = """[measure.n_gains]
statistic = "count"
where = "net_return > 0"
text = "Calls with net_return > 0."

[measure.worst]
statistic = "least"
at = 0.05
"""
    assert {one.apply(text) for one in measure_mutations(text)} == {
        text.replace('"net_return > 0"', '"net_return >= 0"'),
        text.replace('"net_return > 0"', '"net_return < 0"'),
        text.replace('"net_return > 0"', '"net_return > 1"'),
        text.replace('"least"', '"greatest"'),
        text.replace("0.05", "0.1"),
    }


def test_comparisons_and_operators_of_python_are_changed_but_no_annotation_or_text() -> None:
    text = 'def f(a: int | None = 3, *b: float) -> "x < y":\n    """Is 1 < 2."""\n    return -a + max(b) >= 0  # < 5\n'
    assert {one.apply(text).splitlines()[2].split("#")[0].strip() for one in python_mutations(text)} == {
        "return -a + max(b) >= 0",
        "return a + max(b) >= 0",
        "return -a - max(b) >= 0",
        "return -a + min(b) >= 0",
        "return -a + max(b) > 0",
        "return -a + max(b) <= 0",
        "return -a + max(b) >= 1",
    }
    assert {one.apply(text).splitlines()[0] for one in python_mutations(text)} == {
        'def f(a: int | None = 3, *b: float) -> "x < y":',
        'def f(a: int | None = 4, *b: float) -> "x < y":',
    }


def test_a_seed_draws_the_same_different_faults_each_time() -> None:
    drawn = draw(60, 7)
    assert len(set(drawn)) == 60
    assert drawn == draw(60, 7)
    assert drawn != draw(60, 8)
    assert len({one.mutation.kind for one in drawn}) >= 8
    assert {one.file.split("/")[0] for one in drawn} == {"sql", "flows"}


def test_the_share_noticed_is_of_the_faults_that_change_something() -> None:
    verdicts = [
        Verdict(NOTICED, "marts.a", "tests/a.py::test_a"),
        Verdict(NOTICED, "marts.a", "tests/a.py::test_a"),
        Verdict(SURVIVED, "marts.b"),
        Verdict(EQUIVALENT),
        Verdict(DOES_NOT_RUN, "ParserException"),
    ]
    text = report(dict(zip(draw(len(verdicts), 1), verdicts, strict=True)))
    assert "5 faults drawn: 1 do not run, 1 change nothing, 3 do." in text
    assert "Noticed: 2 of 3, 66.7% (Wilson's 95 % interval 20.8% to 93.9%)" in text


def test_every_known_survivor_is_still_a_fault_of_the_sources() -> None:
    """Else its reason speaks of code that is no longer there."""
    possible = {(one.file, one.text, one.old, one.mutation.new) for one in every_mutant()}
    assert known_faults().keys() <= possible
