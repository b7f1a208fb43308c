"""The market around the calls: its regime, its breadth, and the tokens whose risk and return both improved."""

from flows.report.digest.model import ImprovedToken, Regime
from flows.report.digest.moment import File


def read_shared_symbols(file: File) -> tuple[str, ...]:
    """Symbols that several tokens share; a reader needs the token id beside such a symbol."""
    return tuple(row["symbol"] for row in file.report("shared_symbols"))


def read_regime(file: File) -> Regime | None:
    """The market at the week's end; None where no daily bar is known."""
    regime = file.report_row("regime")
    if regime["at"] is None:
        return None
    bitcoin = next(iter(file.report("bitcoin")), {"bitcoin": None, "n_beat_bitcoin": None, "n_beat_bitcoin_of": None})
    return Regime(**regime, **file.report_row("breadth"), **bitcoin)


def read_improved(file: File) -> tuple[tuple[ImprovedToken, ...], int]:
    """Tokens whose Sharpe ratio rose while drawdown and volatility fell, and how many could be compared."""
    rows = file.report("improved")
    fields = ImprovedToken.model_fields.keys()
    return (
        tuple(ImprovedToken(**{name: row[name] for name in fields}) for row in rows if row["is_improved"]),
        len(rows),
    )
