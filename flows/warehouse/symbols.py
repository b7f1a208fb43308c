"""The ids of symbols, where a folder has none: given once, kept for ever, in the journal first."""

from datetime import datetime
from pathlib import Path

import duckdb

from flows.clock import utc_now
from flows.home import journal

KIND = "symbols"


def give_ids(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Give an id to each symbol of the tokens in `incoming` that has none, and write it into their rows.

    A symbol that a token with an id bears stands for that token from now on.
    """
    new = connection.execute(
        """
        select
            stated_symbol,
            coalesce(any_value(token_id), (
                select greatest(coalesce((select max(token_id) from raw.tokens), 0),
                    coalesce((select max(token_id) from ops.symbol_id), 0))
            ) + row_number() over (partition by any_value(token_id) is null order by min(row_number)))
        from incoming
        where stated_symbol is not null and bearers is null
            and stated_symbol not in (select symbol from ops.symbol_id)
        group by stated_symbol
        order by min(row_number)
        """
    ).fetchall()
    if not new:
        return
    given_at = utc_now()
    events = [{"symbol": symbol, "token_id": token_id, "given_at": given_at} for symbol, token_id in new]
    journal.append_all(home, KIND, events)
    adopt_symbols(connection, home)
    connection.execute(
        "update incoming set token_id = given.token_id from ops.symbol_id as given "
        "where incoming.stated_symbol = given.symbol and incoming.token_id is null"
    )


def adopt_symbols(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Enter the ids that the journal knows and the warehouse lacks; the first one given to a symbol stays."""
    known = {symbol for (symbol,) in connection.execute("select symbol from ops.symbol_id").fetchall()}
    for event in journal.events(home, KIND):
        if event["symbol"] not in known:
            known.add(event["symbol"])
            connection.execute(
                "insert into ops.symbol_id values (?, ?, ?)",
                [event["symbol"], event["token_id"], datetime.fromisoformat(event["given_at"])],
            )
