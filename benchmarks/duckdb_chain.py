"""The kernel in DuckDB: the chain of window states as one streaming SQL statement per range of tokens.

`lead(x, k) over ()` on input that is physically sorted streams: nothing is sorted or kept. The operator is
serial, so each core gets a range of tokens on a cursor of its own. Token and segment borders are masked once
per horizon, by a NULL entry price where bar i + h - 1 belongs to another segment.

Written for speed in DuckDB 1.5: `case when a < b then a else b end` (9 ns a row) costs half of
`least(a, b)`, and a comparison of doubles three to five times an arithmetic operation (2-3 ns), so ratios
and differences are computed in one projection and compared in the next, and the drawdowns are clipped at
zero once, at the bottom of the chain. Those comparisons, some 80 a row, are two thirds of the time; reading
and `lead` are an eighth.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

STATES = ("mn", "mx", "dd", "du", "lo", "hi")
"""Lowest and highest close, worst later / earlier, largest later - earlier, lowest low, highest high."""


def chain_sql(source: str, cost: float) -> str:
    """Return the SQL statement over a sorted `source` (a table or a query): one row, eight sums per horizon.

    1, 3 = 1+1+1, 7 = 3+3+1, 14 = 7+7, 15 = 14+1, 30 = 15+15, 90 = 30+30+30.
    """
    chain = _Chain(source, cost)
    chain.start()
    chain.pair(3)
    chain.append(6)
    chain.finish(7, "c6")
    chain.pair(7)
    chain.finish(14, "c13")
    chain.append(14)
    chain.pair(15)
    chain.finish(30, "c29")
    chain.triple(30)
    chain.finish(90, "c89")
    return chain.sql()


def _least(a: str, b: str) -> str:
    return f"case when {a} < {b} then {a} else {b} end"


def _most(a: str, b: str) -> str:
    return f"case when {a} > {b} then {a} else {b} end"


class _Chain:
    """Collects the CTEs of the statement; each reads the one before it."""

    def __init__(self, source: str, cost: float) -> None:
        self.up, self.down = f"'{1 + cost!r}'::double", f"'{1 - cost!r}'::double"
        self.steps = [f"select token_id * 4096 + segment as run, open, high, low, close from {source}"]
        self.sums: list[str] = []
        self.carried: list[str] = []

    def start(self) -> None:
        """Read every single bar ahead, mask the horizons, and build the state of 3 bars."""
        singles = [f"lead({c}, {k}) over () as {c[0]}{k}" for k in (1, 2, 6, 14) for c in ("close", "high", "low")]
        exits = [f"lead(close, {k}) over () as c{k}" for k in (13, 29, 89)]
        runs = [f"lead(run, {k}) over () as r{k}" for k in (6, 13, 29, 89)]
        self.step(f"select *, {', '.join(singles + exits + runs)} from @")
        entries = [f"case when run = r{h - 1} then open end as e{h}" for h in (7, 14, 30, 90)]
        self.step(
            f"select open as e1, close as c0, high as h0, low as l0, {', '.join(entries)},"
            " c1, h1, l1, c2, h2, l2, c6, h6, l6, c13, c14, h14, l14, c29, c89,"
            " c1 / close as dq, c1 - close as uq, close / open as d1, close - open as u1,"
            f" {_least('close', 'c1')} as mn, {_most('close', 'c1')} as mx from @"
        )
        self.sums += self.summed("c0", "e1", "h0", "l0", "d1", "u1")
        self.carried = ["e1", "c0", "h0", "l0", "d1", "u1", "e7", "e14", "e30", "e90"]
        self.carried += ["c6", "h6", "l6", "c13", "c14", "h14", "l14", "c29", "c89"]
        keep = ", ".join(c for c in self.carried if c not in ("d1", "u1"))
        self.step(
            f"select {keep}, c2, h2, l2, mn, mx,"
            f" {_least('d1', '1::double')} as d1, {_most('u1', '0::double')} as u1,"
            f" {_least('dq', '1::double')} as dd, {_most('uq', '0::double')} as du,"
            f" {_least('l0', 'l1')} as lo, {_most('h0', 'h1')} as hi from @"
        )
        self.append(2)

    def append(self, k: int) -> None:
        """Append the single bar k ahead to the state."""
        self.step(f"select *, c{k} / mx as dq, c{k} - mn as uq from @")
        self.carried = [c for c in self.carried if c not in (f"h{k}", f"l{k}") and (c != "c14" or k != 14)]
        self.step(
            f"select {', '.join(self.carried)}, {_least('mn', f'c{k}')} as mn, {_most('mx', f'c{k}')} as mx,"
            f" {_least('dd', 'dq')} as dd, {_most('du', 'uq')} as du,"
            f" {_least('lo', f'l{k}')} as lo, {_most('hi', f'h{k}')} as hi from @"
        )

    def pair(self, k: int) -> None:
        """Append the state k bars ahead to the state."""
        self.step(f"select *, {', '.join(f'lead({s}, {k}) over () as {s}_' for s in STATES)} from @")
        self.join()

    def triple(self, k: int) -> None:
        """Append the states k and 2k bars ahead to the state."""
        leads = [f"lead({s}, {k * n}) over () as {s}{'_' * n}" for n in (1, 2) for s in STATES]
        self.step(f"select *, {', '.join(leads)} from @")
        self.join([f"{s}__" for s in STATES])
        self.step(
            f"select * exclude ({', '.join(f'{s}__' for s in STATES)}), "
            f"{', '.join(f'{s}__ as {s}_' for s in STATES)} from @"
        )
        self.join()

    def join(self, keep: list[str] | None = None) -> None:
        """Combine the state with the one in the columns that end in `_`."""
        carried = ", ".join(self.carried + (keep or []))
        self.step(
            f"select {carried}, mn_ / mx as dq, mx_ - mn as uq,"
            f" {_least('dd', 'dd_')} as dd, {_most('du', 'du_')} as du,"
            f" {_least('mn', 'mn_')} as mn, {_most('mx', 'mx_')} as mx,"
            f" {_least('lo', 'lo_')} as lo, {_most('hi', 'hi_')} as hi from @"
        )
        self.step(f"select * exclude (dd, du, dq, uq), {_least('dd', 'dq')} as dd, {_most('du', 'uq')} as du from @")

    def finish(self, h: int, exit_price: str) -> None:
        """Complete the state by the entry open and keep the columns that the sums of this horizon need."""
        self.step(f"select *, mn / e{h} as dq, mx - e{h} as uq from @")
        self.step(
            f"select * exclude (dq, uq), {_least('dd', 'dq')} as d{h}, {_most('du', 'uq')} as u{h},"
            f" lo as lo{h}, hi as hi{h} from @"
        )
        self.sums += self.summed(exit_price, f"e{h}", f"hi{h}", f"lo{h}", f"d{h}", f"u{h}")
        self.carried += [f"d{h}", f"u{h}", f"lo{h}", f"hi{h}"]

    def summed(self, leave: str, entry: str, high: str, low: str, worst: str, give_back: str) -> list[str]:
        """The eight sums of one horizon; a NULL entry drops the window from each."""
        return [
            f"count({entry})",
            f"sum({leave} / {entry} - 1)",
            f"sum({high} / {entry} - 1)",
            f"sum({low} / {entry} - 1)",
            f"sum(case when {entry} is not null then {worst} - 1 end)",
            f"-sum({give_back} / {entry})",
            f"count_if({leave} > {entry} * {self.up})",
            f"count_if({leave} < {entry} * {self.down})",
        ]

    def step(self, select: str) -> None:
        """Add a step that reads the one before it."""
        self.steps.append(select.replace("@", f"s{len(self.steps) - 1}"))

    def sql(self) -> str:
        """Return the SQL statement."""
        steps = ",\n".join(f"s{i} as ({step})" for i, step in enumerate(self.steps))
        return f"with {steps}\nselect {', '.join(self.sums)} from s{len(self.steps) - 1}"


def run_chain(path: Path, cost: float, threads: int = 2) -> list[list[float]]:
    """Run the chain over ranges of tokens of about equal size, one a thread; return the sums by horizon."""
    con = duckdb.connect(config={"threads": threads})
    shares = ", ".join(str(i / threads) for i in range(1, threads))
    cuts = con.execute(f"select quantile_disc(token_id, [{shares}]) from '{path}'").fetchall()[0][0] if shares else []
    bounds = [-1, *cuts, 2**62]

    def run(i: int) -> tuple[float, ...]:
        source = f"'{path}' where token_id > {bounds[i]} and token_id <= {bounds[i + 1]}"
        return con.cursor().execute(chain_sql(source, cost)).fetchall()[0]

    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(run, range(threads)))
    totals = [sum(values) for values in zip(*rows, strict=True)]
    return [totals[i : i + 8] for i in range(0, len(totals), 8)]
