"""The market around the calls: tokens that improved on all three measures, regime and breadth."""

from flows.report.digest.document import Chart, Column, Section, Table, Text, Writer
from flows.report.digest.parts import cut, token_template, track_template


def improved_section(writer: Writer) -> Section:
    """Tokens whose Sharpe ratio rose while drawdown and volatility fell."""
    improved = writer.digest.improved
    if not improved:
        return Section(
            "improved",
            "Better on all three counts",
            (
                writer.text(
                    "Of {n_compared|count} tokens none had its Sharpe ratio rise while drawdown and volatility fell."
                ),
            ),
        )
    rows = tuple(
        writer.row(
            f"improved.{place}",
            (
                token_template(writer.digest, one.symbol),
                "{.sector|text}",
                "{.sharpe_before|ratio} to {.sharpe|ratio}",
                "{.max_drawdown_before|change} to {.max_drawdown|change}",
                "{.volatility_before|number} to {.volatility|number}",
            ),
            sector=one.sector,
        )
        for place, one in enumerate(improved)
    )
    columns = (
        Column("token"),
        Column("sector"),
        Column("Sharpe", True, "Annualised, risk-free rate 0."),
        Column("drawdown", True, "Deepest fall on closes."),
        Column("volatility, % a year", True),
    )
    table = Table(
        "improved",
        "Sharpe ratio up, drawdown and volatility down, over 90 days, from a week ago to now",
        columns,
        rows,
    )
    return Section(
        "improved",
        "Better on all three counts",
        (
            writer.text("{improved|len} of {n_compared|count} tokens with 98 unbroken days, from our own prices."),
            *cut(table),
        ),
    )


def regime_section(writer: Writer) -> Section:
    """The market as a whole, its breadth, and the vendor's stance in it."""
    regime = writer.digest.regime
    if regime is None:
        return Section(
            "regime", "Regime and breadth", (("No daily price is known, so the market cannot be described.",),)
        )
    parts: list[Text | Table | Chart] = [
        writer.text(
            "The market, all {regime.n_tokens|count} scored tokens in equal parts, covered by a vendor or not: "
            "{regime.week_return|change} in the week, {regime.drawdown|change} from its highest point of the last "
            "year, volatility of 30 days {regime.volatility_30|number} against {regime.volatility_365|number} over the "
            "year (percent a year)."
        ),
        writer.text(
            "Breadth: {regime.n_above_50|count} of {regime.n_with_50|count} tokens above their 50-day mean (a week ago "
            "{regime.n_above_50_before|count} of {regime.n_with_50_before|count}); {regime.n_up|count} of "
            "{regime.n_up_of|count} rose in the week."
        ),
    ]
    if regime.bitcoin:
        parts.append(
            writer.text(
                "Altcoins: {regime.n_beat_bitcoin|count} of {regime.n_beat_bitcoin_of|count} tokens did better than "
                "{regime.bitcoin|text} over 90 days."
            )
        )
    else:
        parts.append(("Altcoins against Bitcoin: left out, there is no Bitcoin among the tokens.",))
    for number, track in enumerate(writer.digest.tracks):
        if track.n_long_now is not None:
            parts.append(
                writer.text(
                    f"Stance of {track_template(writer.digest, number)}: long {{.n_long_now|count}}, short "
                    "{.n_short_now|count} tokens.",
                    f"tracks.{number}",
                )
            )
    return Section("regime", "Regime and altcoin breadth", tuple(parts))
