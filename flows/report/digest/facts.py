"""Builds the frozen digest from the published file."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flows.report.digest.changes import read_changes, read_new_calls, read_open_calls
from flows.report.digest.later import Moved, moved_since
from flows.report.digest.market import read_improved, read_regime, read_shared_symbols
from flows.report.digest.model import Cell, Digest, LeftOut, Note, Provenance, Track
from flows.report.digest.moment import File
from flows.report.digest.quality import incomplete_because, read_funnel, read_quality
from flows.report.digest.risk import read_curves, read_drawdowns, read_points
from flows.report.digest.scores import MARK_LEVEL, main_horizon, read_cells, read_provenances
from flows.report.digest.sentences import with_sentences
from flows.report.digest.vendors import Vendors, accounts_of, pooled_funnel, read_vendors
from flows.report.ranking import count
from flows.timeframes import TIMEFRAMES

NO_STANCE = {"n_long_now": None, "n_short_now": None}


def build_digest(file: File, notes: Iterable[Note]) -> Digest:
    """The digest of a week, from the published file as known at the week's moment, and the notes."""
    moment = file.moment
    vendors = read_vendors(file)
    cells, n_tested = read_cells(file, vendors.in_detail)
    provenances = read_provenances(file, vendors.in_detail)
    moved = {key: moved_since(file, vendor=key[0], timeframe=key[1]) for key in cells}
    tracks = tuple(_track(file, key, own_cells, provenances, moved[key]) for key, own_cells in cells.items())
    improved, n_compared = read_improved(file)
    quality = read_quality(file)
    funnel = read_funnel(file)
    reasons = incomplete_because(file, quality)
    facts: dict[str, Any] = {
        "week": moment.week,
        "week_from": moment.week_from.date(),
        "week_to": (moment.week_to - timedelta(days=1)).date(),
        "as_of": moment.as_of,
        "archive_end": moment.archive_end,
        "run_id": moment.run_id,
        "source": moment.source,
        "is_simulated": moment.is_simulated,
        "is_complete": not reasons,
        "incomplete_because": reasons,
        "version": moment.version,
        "cost_bps": moment.cost_bps,
        "n_tested": n_tested,
        "mark_level": MARK_LEVEL,
        "n_vendors": vendors.n,
        "n_judged": count(one.vendor for one in vendors.ranking if one.rank is not None),
        "n_better": count(one.vendor for one in vendors.ranking if one.mark == "above"),
        "n_worse": count(one.vendor for one in vendors.ranking if one.mark == "below"),
        "n_new_calls": sum(one.n_new_calls for one in vendors.ranking or tracks),
        "ranking": vendors.ranking,
        "tracks": tracks,
        "changes": read_changes(file, cells),
        "improved": improved,
        "n_compared": n_compared,
        "regime": read_regime(file),
        "funnel": pooled_funnel(funnel) if vendors.are_many else funnel,
        "accounts": accounts_of(funnel) if vendors.are_many else (),
        "quality": quality,
        "shared_symbols": read_shared_symbols(file),
        "notes": tuple(notes),
        "left_out": tuple(_left_out(file, moved, vendors)),
    }
    return with_sentences(Digest(**facts, sentences=()))


def _track(
    file: File,
    key: tuple[str, str],
    cells: tuple[Cell, ...],
    provenances: dict[tuple[str, str, int], tuple[Provenance, ...]],
    moved: Moved,
) -> Track:
    vendor, timeframe = key
    track: dict[str, Any] = {"vendor": vendor, "timeframe": timeframe}
    horizon = main_horizon(timeframe, cells)
    return Track(
        **track,
        horizons=tuple(sorted({cell.horizon for cell in cells})),
        main_horizon=horizon,
        cells=cells,
        provenances=provenances.get((vendor, timeframe, horizon), ()),
        **read_new_calls(file, **track),
        drawdowns=() if moved.drawdowns else read_drawdowns(file, **track, horizon=horizon),
        curves=() if moved.curves else read_curves(file, **track),
        curve_points=() if moved.curves else read_points(file, **track),
        **read_open_calls(file, horizon=horizon, **track),
        **(NO_STANCE if moved.curves else _stance(file, **track)),
    )


def _stance(file: File, **track: str) -> dict[str, Any]:
    """The number of tokens the vendor is long and short of at the newest bar."""
    rows = file.rows(
        "select n_long as n_long_now, n_short as n_short_now from marts.sector_equity as equity "
        "inner join newest_end using (timeframe) where vendor = $vendor and timeframe = $timeframe and sector = 'all' "
        "and policy = 'signal' and bar_start < newest_end order by bar_start desc limit 1",
        **track,
    )
    return rows[0] if rows else NO_STANCE


def _left_out(file: File, tracks: dict[tuple[str, str], Moved], vendors: Vendors) -> Iterable[LeftOut]:
    """The parts of the digest this file has no data for, each with its section and the reason."""
    if vendors.are_many and not vendors.ranking:
        yield LeftOut(section="ranking", because="Left out: the ranking of all vendors. None was kept in that week.")
    if not tracks:
        yield LeftOut(section="hit-rates", because="Left out: no call has been scored yet.")
    yield LeftOut(
        section="levels",
        because="Left out: levels touched, held and broken beside placebo levels. This published file has no level "
        "scorecard.",
    )
    for (vendor, timeframe), moved in tracks.items():
        every = f"{TIMEFRAMES[timeframe].adjective} calls"
        if moved.drawdowns:
            yield LeftOut(
                section="drawdowns",
                because=f"Left out: drawdowns of the {every} of {vendor} while they were held. Prices under them "
                "have come or been revised since, and this file no longer holds how deep they had been then.",
            )
        if moved.curves:
            yield LeftOut(
                section="drawdowns",
                because=f"Left out: what following the {every} of {vendor} made, beside equal weight and hold, "
                "in the week and under water. Signals, prices or sectors of those days have come or changed since, and "
                "this file no longer holds the curves as they stood then.",
            )
    if not file.row("select count(*) as n from core.grade_as_of(getvariable('as_of'))")["n"]:
        yield LeftOut(section="changes", because="Left out: upgrades and downgrades. The source delivers no grades.")
    if file.moment.last_as_of is None:
        yield LeftOut(
            section="changes",
            because="Left out: last week's figures. Nothing was published in the week before, so there is nothing to "
            "set beside these.",
        )
