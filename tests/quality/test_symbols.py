"""A folder without ids names its tokens by symbols: each gets an id once, and one that two tokens bear is refused."""

import pytest

from flows.home import journal
from flows.warehouse.symbols import give_ids

from .conftest import Gate, clean_frames, failed


def by_symbol(gate: Gate, dataset: str, **symbols: str) -> None:
    """Write a dataset with the tokens' symbols in the place of their ids."""
    frame = clean_frames()[dataset]
    names = {f"{number}": f"T{number}" for number in range(1, 41)} | symbols
    if dataset == "tokens":
        frame = frame.assign(symbol=[names[str(number)] for number in frame["token_id"]], name=frame["token_id"])
        gate.write(dataset, frame.drop(columns="token_id"))
    else:
        frame = frame.assign(symbol=[names[str(number)] for number in frame["token_id"]])
        gate.write(dataset, frame.drop(columns="token_id"))


@pytest.fixture
def empty_gate(gate: Gate) -> Gate:
    """A home that has no token yet."""
    gate.connection.execute("delete from raw.tokens")
    return gate


def given(gate: Gate) -> dict[str, int]:
    return dict(gate.connection.execute("select symbol, token_id from ops.symbol_id order by token_id").fetchall())


def test_ids_are_given_in_the_order_of_the_rows_and_stay_whatever_comes_later(empty_gate: Gate) -> None:
    by_symbol(empty_gate, "tokens")
    empty_gate.read("tokens")
    give_ids(empty_gate.connection, empty_gate.settings.home)
    first = given(empty_gate)
    assert first == {f"T{number}": number for number in range(1, 41)}

    # A token in front of the others, and one that is spelled in another case.
    by_symbol(empty_gate, "tokens", **{"1": "NEW", "2": " t2"})
    empty_gate.read("tokens")
    give_ids(empty_gate.connection, empty_gate.settings.home)

    assert given(empty_gate) == first | {"NEW": 41}
    ids = empty_gate.connection.execute("select token_id from incoming order by row_number limit 3").fetchall()
    assert ids == [(41,), (2,), (3,)]
    assert [event["symbol"] for event in journal.read(empty_gate.settings.home, "symbols")] == [*first, "NEW"]


def test_rows_of_every_dataset_find_their_token_by_its_symbol(empty_gate: Gate) -> None:
    by_symbol(empty_gate, "tokens")
    empty_gate.read("tokens")
    give_ids(empty_gate.connection, empty_gate.settings.home)
    empty_gate.connection.execute(
        "insert into raw.tokens by name select 1 as snapshot_id, token_id, symbol from incoming"
    )
    for dataset in ("prices", "signals", "levels", "grades", "quantmetrics"):
        by_symbol(empty_gate, dataset)

        result = empty_gate.judge(dataset)

        assert failed(result) == set(), dataset
        counts = empty_gate.connection.execute(
            "select token_id, count(*) from incoming group by all order by all"
        ).fetchall()
        assert counts == [(1, 30), (2, 30), (3, 30)]


def test_a_symbol_that_two_tokens_bear_is_refused_by_name(empty_gate: Gate) -> None:
    by_symbol(empty_gate, "tokens", **{"7": "SOL", "9": "sol"})
    empty_gate.read("tokens")
    give_ids(empty_gate.connection, empty_gate.settings.home)

    result = empty_gate.judge("tokens")

    assert "symbol_unique" in failed(result)
    example = next(one.example for one in result.results if one.rule == "symbol_unique")
    assert example is not None and "SOL is the symbol of 7, 9" in example
    assert empty_gate.bad_rows(is_quarantined=True) == {7, 9}


def test_a_symbol_that_several_tokens_with_ids_have_is_refused_and_another_is_found(gate: Gate) -> None:
    gate.connection.execute("delete from raw.tokens")
    gate.connection.execute(
        "insert into raw.tokens (snapshot_id, row_number, token_id, symbol) "
        "values (1, 1, 501, 'SOL'), (1, 2, 502, 'SOL'), (1, 3, 503, 'ETH')"
    )
    by_symbol(gate, "signals", **{"1": "SOL", "2": "ETH", "3": "DOGE"})

    result = gate.judge("signals")

    examples = {one.rule: one.example or "" for one in result.results if not one.is_passed}
    assert set(examples) == {"symbol_unique", "token_known", "quarantined_share"}
    assert "SOL is the symbol of 501, 502" in examples["symbol_unique"]
    assert "unknown_token_id = DOGE" in examples["token_known"]
    good = gate.connection.execute(
        "select distinct token_id from incoming where row_number not in (select row_number from bad_row)"
    ).fetchall()
    assert good == [(503,)]


def test_a_token_with_an_id_lends_it_to_its_symbol_for_ever(gate: Gate) -> None:
    gate.connection.execute("delete from raw.tokens")
    gate.connection.execute(
        "insert into raw.tokens (snapshot_id, row_number, token_id, symbol) "
        "values (1, 1, 3375, 'T1'), (1, 2, 3306, 'X')"
    )
    by_symbol(gate, "tokens")
    gate.read("tokens")
    give_ids(gate.connection, gate.settings.home)

    found = given(gate)

    assert found["T1"] == 3375
    assert sorted(found.values())[-1] == 3375 + 39


@pytest.mark.parametrize("spelling", ["{}/USDT:USDT", "BINANCE:{}USDT.P", "{}-USD"])
def test_symbols_of_another_spelling_are_refused_with_the_words_to_write(empty_gate: Gate, spelling: str) -> None:
    tokens = clean_frames()["tokens"].head(3).assign(symbol=["BTC", "ETH", "ADA"])
    empty_gate.write("tokens", tokens.drop(columns="token_id"))
    empty_gate.read("tokens")
    give_ids(empty_gate.connection, empty_gate.settings.home)
    names = dict(zip(tokens["token_id"], tokens["symbol"], strict=True))
    signals = clean_frames()["signals"]
    signals["symbol"] = signals["token_id"].map(names).map(spelling.format)
    empty_gate.write("signals", signals.drop(columns="token_id"))

    message = empty_gate.judge("signals").message(2)

    assert "[signals.words.symbol]" in message
    for symbol in ("BTC", "ETH", "ADA"):
        assert (
            f'"{spelling.format(symbol)}" = "{symbol}"' in message
            or f'{spelling.format(symbol)} = "{symbol}"' in message
        )
