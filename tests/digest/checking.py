"""Checks every figure of a rendered digest against an independent query, written from the contract."""

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from scipy import stats

Ask = Callable[..., Any]

BAR = {"1d": timedelta(days=1), "1h": timedelta(hours=1)}


class Judge:
    """Computes the expected value of each path of digest.json from the published file."""

    def __init__(self, published: Path, digest: dict[str, Any]) -> None:
        self.file = duckdb.connect(str(published), read_only=True)
        self.digest = digest
        self.as_of = datetime.fromisoformat(digest["as_of"])
        self.week_from = datetime.fromisoformat(digest["week_from"])
        self.week_to = datetime.fromisoformat(digest["week_to"]) + timedelta(days=1)
        self._market: dict[str, float] | None = None
        self.last_as_of = self.ask(
            "select max(published_as_of) from marts.scorecard_history where published_as_of < $as_of", as_of=self.as_of
        )

    def ask(self, sql: str, **parameters: Any) -> Any:
        """The one value of a select."""
        rows = self.file.execute(sql, parameters or None).fetchall()
        assert len(rows) == 1 and len(rows[0]) == 1, f"{sql} {parameters}: {rows}"
        return rows[0][0]

    def value(self, path: str) -> Any:
        """The value of digest.json at a path."""
        found: Any = self.digest
        for step in path.split("."):
            if found is None:
                return None
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found

    def expected(self, path: str) -> Any:
        """The result of an independent query for a path. Raises where there is no query."""
        for pattern, answer in ANSWERS:
            match = re.fullmatch(pattern, path)
            if match:
                return answer(self, *match.groups())
        raise AssertionError(f"no query of its own for {path}")

    def card(self, cell: dict[str, Any], track: dict[str, Any], column: str, **more: Any) -> Any:
        """A cell of the scorecard as published at the digest's moment."""
        key = {"provenance": "all", "entry_rule": "next_open", "as_of": self.as_of, **more}
        return self.ask(
            f"select {column} from marts.scorecard_history where published_as_of = $as_of and vendor = $vendor "
            "and timeframe = $timeframe and sector = $sector and horizon = $horizon and direction = $direction "
            "and provenance = $provenance and entry_rule = $entry_rule",
            vendor=track["vendor"],
            timeframe=track["timeframe"],
            sector=cell["sector"],
            horizon=cell["horizon"],
            direction=cell["direction"],
            **key,
        )

    def outcomes(self, track: dict[str, Any], sector: str, horizon: int) -> pd.DataFrame:
        """The scored calls of a cell, as known at the digest's moment."""
        rows = self.file.execute(
            "select * from marts.signal_outcome where vendor = $vendor and timeframe = $timeframe and "
            "horizon = $horizon and entry_rule = 'next_open' and hit is not null and known_at <= $as_of "
            "and (sector = $sector or $sector = 'all')",
            {
                "vendor": track["vendor"],
                "timeframe": track["timeframe"],
                "horizon": horizon,
                "sector": sector,
                "as_of": self.as_of,
            },
        ).df()
        due = rows["entry_at"] + horizon * BAR[track["timeframe"]]
        return rows[due <= self.newest_end(track["timeframe"])]

    def newest_end(self, timeframe: str) -> datetime:
        newest = self.ask(
            "select max(bar_start) from core.price_bar where timeframe = $timeframe and known_from <= $as_of "
            "and not is_preliminary",
            timeframe=timeframe,
            as_of=self.as_of,
        )
        return newest + BAR[timeframe]

    def bars(self) -> pd.DataFrame:
        """Daily closes of scored tokens as known at the digest's moment, one column a token."""
        rows = self.file.execute(
            "select token_id, bar_start, close from core.price_bar_as_of($as_of) inner join "
            "(select token_id from core.token_as_of($as_of) where is_scored) using (token_id) "
            "where timeframe = '1d' and not is_preliminary and bar_start < $week_to "
            "and bar_start >= $week_to::timestamp - interval 400 days",
            {"as_of": self.as_of, "week_to": self.week_to},
        ).df()
        closes = rows.pivot(index="bar_start", columns="token_id", values="close")
        return closes.reindex(pd.date_range(closes.index.min(), closes.index.max()))

    def symbol(self, token_id: int) -> str:
        """A token's symbol as known at the digest's moment."""
        return str(
            self.ask("select symbol from core.token_as_of($as_of) where token_id = $id", id=token_id, as_of=self.as_of)
        )

    def market(self) -> dict[str, float]:
        """Regime and breadth with pandas."""
        if self._market is None:
            closes = self.bars()
            returns = closes / closes.shift(1) - 1
            steps = returns.where((returns >= -0.8) & (returns <= 4))
            day = steps.mean(axis=1, skipna=True)
            year = day[day.index >= self.week_to - timedelta(days=365)].dropna()
            index = (1 + year).cumprod()
            newest = closes.index.max()
            dense = {token: closes[token].dropna() for token in closes}
            above = {shift: [0, 0] for shift in (0, 7)}
            for series in dense.values():
                mean = series.rolling(50).mean()
                for shift, counts in above.items():
                    at = newest - timedelta(days=shift)
                    if at in mean.index and not math.isnan(mean[at]):
                        counts[0] += series[at] > mean[at]
                        counts[1] += 1
            before = closes.loc[newest - timedelta(days=7)]
            now = closes.loc[newest]
            self._market = {
                "n_tokens": int(steps.loc[year.index[-1]].notna().sum()),
                "week_return": float((1 + year[year.index >= self.week_from]).prod() - 1),
                "drawdown": float(index.iloc[-1] / index.max() - 1),
                "volatility_30": float(year[year.index >= self.week_to - timedelta(days=30)].std() * math.sqrt(365)),
                "volatility_365": float(year.std() * math.sqrt(365)),
                "n_above_50": above[0][0],
                "n_with_50": above[0][1],
                "n_above_50_before": above[7][0],
                "n_with_50_before": above[7][1],
                "n_up": int((now > before).sum()),
                "n_up_of": int((now.notna() & before.notna()).sum()),
            }
        return self._market


def _run(judge: Judge, column: str) -> Any:
    return judge.ask(
        f"select {column} from ops.publish where as_of = $as_of order by published_at limit 1", as_of=judge.as_of
    )


def _week_day(judge: Judge, which: str) -> Any:
    monday = (judge.as_of - timedelta(days=judge.as_of.weekday() + 7)).date()
    return monday if which == "from" else monday + timedelta(days=6)


def _cell(judge: Judge, track: str, cell: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    card = there["cells"][int(cell)]
    if column in ("sector", "horizon", "direction"):
        return card[column]  # The key of the row, by which its other figures are queried.
    if column == "smallest_edge":
        base, worth, clusters = (judge.card(card, there, name) for name in ("base_rate", "n_effective", "n_clusters"))
        if worth is None or clusters < 2:
            return None
        base = 0.5 if base is None else base
        needed = stats.t.ppf(0.975, clusters - 1) + stats.t.ppf(0.8, clusters - 1)
        edge = needed * math.sqrt(base * (1 - base) / worth)
        return edge if edge < max(base, 1 - base) else None
    if column == "enough_date":
        rows = judge.outcomes(there, card["sector"], card["horizon"])
        sides = {"bullish": (1,), "bearish": (-1,), "both": (1, -1)}
        rows = rows[rows["direction"].isin(sides[card["direction"]])]
        worth, clusters = (judge.card(card, there, name) for name in ("n_effective", "n_clusters"))
        if clusters < 2 or not worth:
            return None
        asked = judge.newest_end(there["timeframe"]) - card["horizon"] * BAR[there["timeframe"]]
        span = max(rows["entry_at"].max(), pd.Timestamp(asked)) - rows["entry_at"].min()
        lasting = span * (max(30 / worth, 10 / clusters) - 1)
        return None if lasting > timedelta(days=3650) else (judge.as_of + lasting).date()
    if column.startswith("last_week."):
        return _estimate(judge, card, there, column.removeprefix("last_week."), as_of=judge.last_as_of)
    return _estimate(judge, card, there, column)


def _estimate(judge: Judge, cell: dict[str, Any], track: dict[str, Any], column: str, **more: Any) -> Any:
    """A column of a cell; a rate or an edge with the two ends of its interval."""
    if column not in ("hit_rate", "edge", "selection"):
        return judge.card(cell, track, column, **more)
    middle = "selection_edge" if column == "selection" else column
    return tuple(judge.card(cell, track, name, **more) for name in (middle, f"{column}_low", f"{column}_high"))


def _provenance(judge: Judge, track: str, number: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    one = there["provenances"][int(number)]
    if column in ("provenance", "entry_rule"):
        return one[column]
    cell = {"sector": "all", "direction": "both", "horizon": there["main_horizon"]}
    return _estimate(judge, cell, there, column, provenance=one["provenance"], entry_rule=one["entry_rule"])


def _drawdown(judge: Judge, track: str, number: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    one = there["drawdowns"][int(number)]
    rows = judge.outcomes(there, one["sector"], there["main_horizon"])
    worst = rows.sort_values(["max_drawdown", "entry_at", "token_id"]).iloc[0]
    answers: dict[str, Callable[[], Any]] = {
        "sector": lambda: one["sector"],
        "n_calls": lambda: len(rows),
        "median": rows["max_drawdown"].median,
        "p95": lambda: rows["max_drawdown"].quantile(0.05) if len(rows) >= 20 else None,
        "worst": lambda: worst["max_drawdown"],
        "worst_symbol": lambda: judge.symbol(int(worst["token_id"])),
        "worst_token_id": lambda: str(worst["token_id"]),
        "worst_direction": lambda: int(worst["direction"]),
        "worst_entry_at": worst["entry_at"].to_pydatetime,
        "worst_exit_at": worst["exit_at"].to_pydatetime,
    }
    return answers[column]()


def _curve(judge: Judge, track: str, number: str, policy: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    bar = BAR[there["timeframe"]]
    rows = judge.file.execute(
        "select * from marts.sector_equity where vendor = $vendor and timeframe = $timeframe and sector = $sector and "
        "policy = $policy order by bar_start",
        {
            "vendor": there["vendor"],
            "timeframe": there["timeframe"],
            "policy": policy,
            "sector": there["curves"][int(number)]["sector"],
        },
    ).df()
    rows = rows[rows["bar_start"] < judge.newest_end(there["timeframe"])]
    week = rows[(rows["bar_start"] >= judge.week_from) & (rows["bar_start"] < judge.week_to)]
    under = rows["equity"] / np.maximum.accumulate(np.maximum(rows["equity"], 1)) - 1
    answers: dict[str, Callable[[], Any]] = {
        "equity": lambda: rows["equity"].iloc[-1],
        "drawdown": lambda: under.iloc[-1],
        "max_drawdown": under.min,
        "trough_at": (rows["bar_start"][under.idxmin()] + bar).to_pydatetime,
        "week_return": lambda: (1 + week["bar_return"]).prod() - 1,
    }
    return answers[column]()


def _new_calls(judge: Judge, track: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    where = {
        "n_new_calls": "true",
        "n_new_long": "direction = 1",
        "n_new_short": "direction = -1",
        "n_flips": "side_before = -direction",
    }[column]
    return judge.ask(
        f"select count(*) from core.call where vendor = $vendor and timeframe = $timeframe and {where} "
        "and signal_at >= $start and signal_at < $end and known_at <= $as_of",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        start=judge.week_from,
        end=judge.week_to,
        as_of=judge.as_of,
    )


def _unscored(judge: Judge, track: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    return judge.ask(
        "select count(*) from core.call semi join (from core.token_as_of($as_of) where not is_scored) using (token_id) "
        "where vendor = $vendor and timeframe = $timeframe and signal_at >= $start and signal_at < $end "
        "and known_at <= $as_of",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        start=judge.week_from,
        end=judge.week_to,
        as_of=judge.as_of,
    )


def _covered(judge: Judge, track: str, number: str) -> Any:
    """Tokens in a sector's equal weight at the newest bar."""
    there = judge.digest["tracks"][int(track)]
    return judge.ask(
        "select n_long from marts.sector_equity where vendor = $vendor and timeframe = $timeframe and sector = $sector "
        "and policy = 'equal_weight' and bar_start = $at",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        sector=there["curves"][int(number)]["sector"],
        at=judge.newest_end(there["timeframe"]) - BAR[there["timeframe"]],
    )


def _late(judge: Judge, track: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    return judge.ask(
        "select count(*) from core.call where vendor = $vendor and timeframe = $timeframe and known_at > $last "
        "and known_at <= $as_of and signal_at < $start",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        last=judge.last_as_of,
        as_of=judge.as_of,
        start=judge.week_from,
    )


def _new_call(judge: Judge, track: str, number: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    one = there["new_calls"][int(number)]
    if column in ("symbol", "token_id"):
        return judge.symbol(one["token_id"]) if column == "symbol" else str(one["token_id"])
    return judge.ask(
        f"select {column} from core.call where vendor = $vendor and timeframe = $timeframe and token_id = $id "
        "and signal_at = $at",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        id=one["token_id"],
        at=datetime.fromisoformat(one["signal_at"]),
    )


def _open_count(judge: Judge, track: str, number: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    horizon = there["open_counts"][int(number)]["horizon"]
    if column == "horizon":
        return horizon
    return judge.card({"sector": "all", "direction": "both", "horizon": horizon}, there, "n_open")


def _open_call(judge: Judge, track: str, number: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    one = there["open_calls"][int(number)]
    horizon = there["main_horizon"]
    if column in ("symbol", "token_id"):
        return judge.symbol(one["token_id"]) if column == "symbol" else str(one["token_id"])
    columns = {"due_at": f"entry_at + {horizon} * interval {'1 day' if there['timeframe'] == '1d' else '1 hour'}"}
    return judge.ask(
        f"select {columns.get(column, column)} from marts.signal_outcome where vendor = $vendor and "
        "timeframe = $timeframe and horizon = $horizon and entry_rule = 'next_open' and token_id = $id "
        "and entry_at = $at",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        horizon=horizon,
        id=one["token_id"],
        at=datetime.fromisoformat(one["entry_at"]),
    )


def _stance(judge: Judge, track: str, column: str) -> Any:
    there = judge.digest["tracks"][int(track)]
    return judge.ask(
        f"select {column} from marts.sector_equity where vendor = $vendor and timeframe = $timeframe and "
        "sector = 'all' and policy = 'signal' and bar_start = $at",
        vendor=there["vendor"],
        timeframe=there["timeframe"],
        at=judge.newest_end(there["timeframe"]) - BAR[there["timeframe"]],
    )


def _delivered(judge: Judge, number: str, column: str) -> Any:
    one = judge.digest["quality"]["delivered"][int(number)]
    if column == "dataset":
        return one["dataset"]
    return judge.ask(
        f"select sum({column}) from ops.snapshot where dataset = $dataset and as_of > $start and as_of <= $as_of",
        dataset=one["dataset"],
        start=judge.last_as_of or judge.week_from,
        as_of=judge.as_of,
    )


def _grades(judge: Judge) -> pd.DataFrame:
    """Grades before and after, of those that moved by 10 points or changed their label."""
    rows = judge.file.execute(
        "select * from core.grade_as_of($as_of) where not is_preliminary and grade is not null and graded_at < $end "
        "order by graded_at",
        {"as_of": judge.as_of, "end": judge.week_to},
    ).df()
    start = pd.Timestamp(judge.week_from)
    keys = ["vendor", "token_id", "kind"]
    now = rows[rows["graded_at"] >= start].groupby(keys).last()
    before = (
        rows[(rows["graded_at"] < start) & (rows["graded_at"] >= start - pd.Timedelta(days=14))].groupby(keys).last()
    )
    pairs = now.join(before, suffixes=("_after", "_before"), how="inner")
    moved = pairs["grade_after"] - pairs["grade_before"]
    relabelled = (
        pairs["label_after"].notna() & pairs["label_before"].notna() & (pairs["label_after"] != pairs["label_before"])
    )
    return pairs[(moved.abs() >= 10) | (relabelled & (moved != 0))]


def _graded(judge: Judge, up: str) -> Any:
    moved = _grades(judge)
    change = moved["grade_after"] - moved["grade_before"]
    return int((change > 0).sum() if up == "up" else (change < 0).sum())


def _grade(judge: Judge, number: str, column: str) -> Any:
    one = judge.digest["changes"]["grade_changes"][int(number)]
    if column == "kind":
        return one["kind"]
    if column in ("symbol", "token_id"):
        return judge.symbol(one["token_id"]) if column == "symbol" else str(one["token_id"])
    row = _grades(judge).loc[(one["vendor"], one["token_id"], one["kind"])]
    return row[{"before": "grade_before", "after": "grade_after"}.get(column, column)]


def _n_tests(judge: Judge) -> Any:
    return judge.ask(
        "select (count(edge_p) + count(selection_p)) from marts.scorecard_history where published_as_of = $as_of "
        "and provenance = 'all' and entry_rule = 'next_open' and sector <> 'all' and direction <> 'both' "
        "and n_calls >= 30 and n_clusters >= 10",
        as_of=judge.as_of,
    )


def _own(judge: Judge, path: str) -> Any:
    return judge.value(path)


def _pooled(judge: Judge, rule: str) -> pd.DataFrame:
    """Every vendor's pooled cell at the headline horizon of days, by rule; marked by e-BH at 0.10."""
    cards = judge.file.execute(
        "select * from marts.scorecard_history where published_as_of = $as_of and sector = 'all' and horizon = 7 "
        "and timeframe = '1d' and direction = 'both' and provenance = 'all' and entry_rule = $rule",
        {"as_of": judge.as_of, "rule": rule},
    ).df()
    hourly = judge.ask(
        "select count(selection_e) from marts.scorecard_history where published_as_of = $as_of and timeframe <> '1d' "
        "and sector = 'all' and direction = 'both' and provenance = 'all' and entry_rule = $rule",
        as_of=judge.as_of,
        rule=rule,
    )
    assert hourly == 0  # Else they would be among the tests, too.
    e = cards["selection_e"].where(cards["is_reportable"] | cards["selection_e"].isna(), 0)
    falling = sorted(e.dropna(), reverse=True)
    reached = [value for k, value in enumerate(falling, 1) if value >= len(falling) / (0.10 * k)]
    cards["is_marked"] = e >= min(reached, default=math.inf)
    cards["rank"] = cards["selection_low"].where(cards["is_reportable"]).rank(ascending=False, method="min")
    return cards.set_index("vendor")


def _ranked(judge: Judge, number: str, column: str) -> Any:
    one = judge.digest["ranking"][int(number)]
    if column in ("vendor", "horizon", "timeframe"):
        return one[column]  # The key of the row, by which its other figures are queried.
    if column == "n_new_calls":
        return judge.ask(
            "select count(*) from core.call where vendor = $vendor and timeframe = $timeframe "
            "and signal_at >= $since and signal_at < $until",
            vendor=one["vendor"],
            timeframe=one["timeframe"],
            since=judge.week_from,
            until=judge.week_to,
        )
    is_next_open = column.startswith("next_open_")
    cards = _pooled(judge, "next_open" if is_next_open else "tradable")
    name = column.removeprefix("next_open_")
    if one["timeframe"] != "1d" or one["vendor"] not in cards.index:
        return 0 if name == "n_calls" else None
    card = cards.loc[one["vendor"]]
    if name == "mark":
        signs = ("△", "▽") if is_next_open else ("▲", "▼")
        return (signs[0] if card["selection_edge"] > 0 else signs[1]) if card["is_marked"] else None
    if name == "n_calls":
        return int(card["n_calls"])
    if not card["is_reportable"]:
        return None
    if name == "selection":
        return tuple(float(card[end]) for end in ("selection_edge", "selection_low", "selection_high"))
    if name == "e":
        return ">1,000,000" if card["selection_e"] >= 1_000_000 else float(card["selection_e"])
    return int(card[name])


def _of_ranking(judge: Judge, what: str) -> Any:
    cards = _pooled(judge, "tradable")
    if what == "vendors":
        return judge.ask("select count(distinct vendor) from core.signal")
    marked = cards[cards["is_marked"]]
    return {
        "judged": int(cards["rank"].notna().sum()),
        "better": int((marked["selection_edge"] > 0).sum()),
        "worse": int((marked["selection_edge"] < 0).sum()),
    }[what]


def _all_new_calls(judge: Judge) -> Any:
    return judge.ask(
        "select count(*) from core.call where signal_at >= $since and signal_at < $until",
        since=judge.week_from,
        until=judge.week_to,
    )


def _account(judge: Judge, number: str, column: str) -> Any:
    one = judge.digest["accounts"][int(number)]
    if column in ("vendor", "timeframe", "problem"):
        return one[column]
    steps = {
        "n_rows": ("delivered",),
        "n_calls": ("call",),
        "n_scored": ("scored",),
        "n_open": ("open",),
        "n_lost": ("excluded", "unpriced"),
    }[column]
    return judge.ask(
        "select coalesce(sum(n_rows), 0)::bigint from marts.funnel_history where published_as_of = $as_of "
        "and vendor = $vendor and timeframe = $timeframe and step in (select unnest($steps))",
        as_of=judge.as_of,
        vendor=one["vendor"],
        timeframe=one["timeframe"],
        steps=list(steps),
    )


def _funnel(judge: Judge, number: str, column: str) -> Any:
    one = judge.digest["funnel"][int(number)]
    if column != "n_rows":
        return one[column]  # The key of the row, by which its figure is queried.
    return judge.ask(
        "select sum(n_rows)::bigint from marts.funnel_history where published_as_of = $as_of "
        "and (vendor = $vendor or $is_pooled) and timeframe = $timeframe and step = $step "
        "and reason is not distinct from $reason",
        as_of=judge.as_of,
        is_pooled=bool(judge.digest["accounts"]),
        **{name: one[name] for name in ("vendor", "timeframe", "step", "reason")},
    )


ANSWERS: list[tuple[str, Callable[..., Any]]] = [
    (r"week_(from|to)", _week_day),
    (
        r"week",
        lambda judge: "{}-W{:02}".format(*_week_day(judge, "from").isocalendar()),
    ),
    (
        r"as_of",
        lambda judge: judge.ask(
            "select max(published_as_of) from marts.scorecard_history where published_as_of = $as_of", as_of=judge.as_of
        ),
    ),
    (r"(run_id|cost_bps)", _run),
    (r"n_tested", _n_tests),
    (r"changes\.n_(up|down)grades", _graded),
    (r"changes\.grade_changes\.(\d+)\.(.+)", _grade),
    (r"(changes\.(?:moved|restated)\.\d+\..+|notes\.\d+\..+)", _own),
    (r"mark_level", lambda judge: 0.10 / 52),
    (r"version", lambda judge: judge.ask("select version from ops.run where run_id = $id", id=judge.digest["run_id"])),
    (r"(incomplete_because\.\d+)", _own),
    # The key of the track, by which its figures are queried.
    (r"tracks\.(\d+)\.vendor", lambda judge, track: judge.digest["tracks"][int(track)]["vendor"]),
    (r"tracks\.(\d+)\.cells\.(\d+)\.(.+)", _cell),
    (r"tracks\.(\d+)\.provenances\.(\d+)\.(.+)", _provenance),
    (r"tracks\.(\d+)\.drawdowns\.(\d+)\.(.+)", _drawdown),
    (r"(tracks\.\d+\.curves\.\d+\.sector)", _own),
    (r"tracks\.(\d+)\.curves\.(\d+)\.(\w+)\.(.+)", _curve),
    (r"tracks\.(\d+)\.(n_new_calls|n_new_long|n_new_short|n_flips)", _new_calls),
    (r"tracks\.(\d+)\.n_new_unscored", _unscored),
    (r"tracks\.(\d+)\.n_learned_late", _late),
    (r"tracks\.(\d+)\.curves\.(\d+)\.n_tokens", _covered),
    (r"tracks\.(\d+)\.new_calls\.(\d+)\.(.+)", _new_call),
    (r"tracks\.(\d+)\.open_counts\.(\d+)\.(.+)", _open_count),
    (r"tracks\.(\d+)\.open_calls\.(\d+)\.(.+)", _open_call),
    (r"tracks\.(\d+)\.(n_long|n_short)_now", _stance),
    (r"regime\.(n_beat_bitcoin_of|n_beat_bitcoin|bitcoin)", lambda judge, name: _bitcoin(judge)[name]),
    (r"regime\.(.+)", lambda judge, name: judge.market()[name]),
    (r"n_compared", lambda judge: len(_measured(judge))),
    (r"improved", lambda judge: sum(_is_better(*pair) for pair in _measured(judge).values())),
    (r"improved\.(\d+)\.(.+)", lambda judge, number, column: _improved(judge, int(number), column)),
    (r"funnel\.(\d+)\.(.+)", _funnel),
    (r"ranking\.(\d+)\.(.+)", _ranked),
    (r"n_(vendors|judged|better|worse)", _of_ranking),
    (r"n_new_calls", _all_new_calls),
    (r"accounts\.(\d+)\.(.+)", _account),
    (r"quality\.delivered\.(\d+)\.(.+)", _delivered),
    (r"(quality\.(?:missing|warned|quarantined)\.\d+\..+|quality\.n_missing)", _own),
]


def _measured(judge: Judge) -> dict[int, tuple[dict[str, float], dict[str, float]]]:
    """Sharpe, volatility and drawdown of 90 days, now and a week ago, of every token with unbroken days."""
    if not hasattr(judge, "_pairs"):
        pairs = {}
        closes = judge.bars()
        for token in closes:
            both = []
            for shift in (0, 7):
                end = judge.week_to - timedelta(days=shift)
                window = closes[token][(closes.index < end) & (closes.index >= end - timedelta(days=91))]
                returns = (window / window.shift(1) - 1).iloc[1:]
                if len(window) < 91 or window.isna().any() or not returns.between(-0.8, 4).all() or not returns.std():
                    break
                both.append(
                    {
                        "sharpe": returns.mean() / returns.std() * math.sqrt(365),
                        "volatility": returns.std() * math.sqrt(365),
                        "max_drawdown": (window / window.cummax() - 1).min(),
                    }
                )
            if len(both) == 2:
                pairs[int(token)] = (both[0], both[1])
        judge._pairs = pairs  # type: ignore[attr-defined]
    return judge._pairs  # type: ignore[attr-defined, no-any-return]


def _is_better(now: dict[str, float], before: dict[str, float]) -> bool:
    return (
        now["sharpe"] > before["sharpe"]
        and now["max_drawdown"] > before["max_drawdown"]
        and now["volatility"] < before["volatility"]
    )


def _improved(judge: Judge, number: int, column: str) -> Any:
    one = judge.digest["improved"][number]
    if column in ("symbol", "token_id"):
        return judge.symbol(one["token_id"]) if column == "symbol" else str(one["token_id"])
    if column == "sector":
        return judge.ask(
            "select sector from core.token_as_of($as_of) where token_id = $id", id=one["token_id"], as_of=judge.as_of
        )
    now, before = _measured(judge)[one["token_id"]]
    return before[column.removesuffix("_before")] if column.endswith("_before") else now[column]


def _bitcoin(judge: Judge) -> dict[str, Any]:
    closes = judge.bars()
    window = closes[closes.index >= judge.week_to - timedelta(days=91)]
    returns = (window / window.shift(1) - 1).iloc[1:]
    whole = [token for token in window if window[token].notna().all() and returns[token].between(-0.8, 4).all()]
    change = window[whole].iloc[-1] / window[whole].iloc[0]
    token, symbol = judge.file.execute("select token_id, symbol from core.token where name = 'Bitcoin'").fetchone()
    return {
        "bitcoin": symbol,
        "n_beat_bitcoin": int((change.drop(token) > change[token]).sum()),
        "n_beat_bitcoin_of": len(whole) - 1,
    }


def shown(expected: Any, text: str) -> bool:
    """Whether a written figure is the expected value, to its last digit."""
    if isinstance(expected, tuple):
        found = re.fullmatch(r"(\S+?)(?: %)? \((\S+) to (\S+)\)", text)
        return found is not None and all(
            shown(one, reported) for one, reported in zip(expected, found.groups(), strict=True)
        )
    if expected is None or (isinstance(expected, float) and math.isnan(expected)):
        return text == "–"
    if isinstance(expected, datetime | date):
        return f"{expected:%Y-%m-%d %H:%M}".startswith(text) or f"{expected:%Y-%m-%d}" == text
    if isinstance(expected, str):
        # A moment without its time in the text is compared by its day.
        return text in (" ".join(expected.split()), expected[:10])
    if text in ("▲ long", "▼ short", "flat"):
        return {"▲ long": 1, "▼ short": -1, "flat": 0}[text] == expected
    number = re.match(r"[+−]?[\d,]+(?:\.(\d+))?(e-\d+)?", text)
    if number is None:
        return False
    reported = float(number[0].replace("−", "-").replace(",", ""))
    half = 0.0 if number[2] else 0.5000001 * 10.0 ** -len(number[1] or "")
    # A share or a return is written in percent or points, everything else as it is.
    is_percent = isinstance(expected, float) and abs(reported - 100 * expected) <= half + 1e-9 * abs(reported)
    is_plain = abs(reported - float(expected)) <= half + 1e-5 * abs(reported)
    if abs(expected) < 1 and isinstance(expected, float) and "." in text and len(number[1] or "") == 1:
        return is_percent
    return is_percent or is_plain


def read_digest(folder: Path) -> dict[str, Any]:
    """The digest's data."""
    return json.loads((folder / "digest.json").read_bytes())  # type: ignore[no-any-return]
