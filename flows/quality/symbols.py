"""Symbols in the place of token ids: which token each stands for, as far as one can know."""

import duckdb


def symbol_key(cell: str) -> str:
    """SQL for a symbol as it is compared: in capitals, without blanks around it; NULL where there is none."""
    return f"nullif(upper(trim(({cell})::varchar)), '')"


def write_known_symbols(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the temporary table `known_symbol(known_symbol, known_id, known_bearers)`.

    An id that was given once stays. Any other symbol is that of the token whose newest delivery has it; where several
    have it, `known_id` is NULL and `known_bearers` names them.
    """
    connection.execute(
        f"""
        create or replace temporary table known_symbol as
        select symbol as known_symbol, token_id as known_id, null::varchar as known_bearers
        from ops.symbol_id
        union all
        select
            symbol,
            case when count(*) = 1 then min(token_id) end as token_id,
            case when count(*) > 1 then string_agg(token_id::varchar, ', ' order by token_id) end as bearers
        from (
            select token_id, {symbol_key("arg_max(symbol, (snapshot_id, row_number))")} as symbol
            from raw.tokens
            group by token_id
        )
        where symbol is not null and symbol not in (select symbol from ops.symbol_id)
        group by symbol
        """
    )
