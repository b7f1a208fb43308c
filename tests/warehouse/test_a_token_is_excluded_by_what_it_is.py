"""Tokens are excluded by id, by symbol and name, or by category: a symbol alone may be another coin's."""

from pathlib import Path

import pytest

from flows.warehouse import build
from tests.warehouse.scene import Scene, flat


def reason(scene: Scene, symbol: str, name: str | None, categories: str = "Meme") -> str | None:
    scene.token(1, symbol=symbol, name=name, categories=categories)
    scene.bars(1, "2026-01-01", flat(10))
    scene.run("2026-01-02T00:20")
    ((found, is_scored),) = scene.rows("select exclusion_reason, is_scored from core.token")
    assert is_scored == (found is None)
    return str(found) if found else None


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("USDT", "Tether"),
        ("usdc", "USD Coin"),
        ("WBTC", "Wrapped Bitcoin"),
        ("stETH", "Lido Staked Ether"),
        ("LBTC", "Lombard Staked BTC"),
        # A name that repeats the symbol adds nothing to it.
        ("BTCUPUSDT", "BTCUP"),
        ("USDCUSDT", None),
        ("DAI", "Dai"),
    ],
)
def test_a_symbol_and_a_name_that_agrees_exclude(scene: Scene, symbol: str, name: str | None) -> None:
    assert reason(scene, symbol, name) is not None


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("LBTC", "Lightning Bitcoin"),
        ("LBTC", "LBTC"),
        ("LBTCUSDT", None),
        ("UST", "Universal Science Token"),
        ("DAI", "Dating AI"),
        ("BTCUPUSDT", "Bitcoin Cup Rewards"),
        ("SOL", "Solana"),
    ],
)
def test_a_symbol_with_another_name_is_another_coin(scene: Scene, symbol: str, name: str | None) -> None:
    assert reason(scene, symbol, name) is None


@pytest.mark.parametrize("category", ["Wrapped-Tokens", "Stablecoins", "USD Stablecoin"])
def test_a_category_excludes_whatever_the_name(scene: Scene, category: str) -> None:
    assert reason(scene, "LBTC", "Lightning Bitcoin", f"Meme;{category}") is not None


def test_an_id_excludes_one_token(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("sectors.csv", "exclusions.csv"):
        (tmp_path / file).write_text((build.DATA_DIR / file).read_text())
    with (tmp_path / "exclusions.csv").open("a") as file:
        file.write("id,2,,a copy of token 1\n")
    monkeypatch.setattr(build, "DATA_DIR", tmp_path)
    for token_id in (1, 2, 22):
        scene.bars(token_id, "2026-01-01", flat(10))
    scene.run("2026-01-02T00:20")
    scene.expect(
        "core.token",
        "token_id, is_scored, exclusion_reason",
        (1, True, None),
        (2, False, "a copy of token 1"),
        (22, True, None),
    )
