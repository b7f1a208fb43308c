"""The ranking at the end of a run: the best, the last, how many there are between; never wider than the terminal."""

import pytest
from rich.console import Console

from flows.report.ranking import Ranked, Ranking, print_ranking, ranking_markdown


def ranked(
    n: int, *, name: str = "vendor", first: int = 1, is_judged: bool = True, n_calls: int = 1_234
) -> list[Ranked]:
    return [
        Ranked(rank, f"{name} {rank}", "1d", 7, n_calls, 0.05, 0.02, 0.08, 0.0004, 40.0, "above" if rank == 1 else None)
        if is_judged
        else Ranked(None, f"{name} {rank}", "1d", 7, n_calls, None, None, None, None, None, None)
        for rank in range(first, first + n)
    ]


def ranking(n: int, *, n_few: int = 0, n_without: int = 0, is_tradable: bool = True, name: str = "vendor") -> Ranking:
    few = ranked(n_few, first=n + 1, is_judged=False, n_calls=3)
    without = ranked(n_without, first=n + n_few + 1, is_judged=False, n_calls=0)
    return Ranking(n + n_few + n_without, is_tradable, tuple(ranked(n, name=name)), tuple(few), tuple(without))


def printed(capsys: pytest.CaptureFixture[str], one: Ranking, width: int = 400) -> list[str]:
    print_ranking(Console(width=width), one)
    return capsys.readouterr().out.splitlines()


def test_of_many_the_first_ten_and_the_last_three_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, ranking(380, n_few=15, n_without=5))
    shown = [line.split()[0] for line in lines if " 7 d " in line]
    assert shown == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "378", "379", "380"]
    assert any("… 367 more" in line for line in lines)
    assert "Too few calls to be judged: 15 vendors (vendor 381, vendor 382, vendor 383 and 12 more)." in lines
    assert "No call that could be traded: 5 vendors (vendor 396, vendor 397, vendor 398 and 2 more)." in lines
    assert "380 can be judged; once all of them and every weekly look are allowed for, 1 are better" in " ".join(lines)
    assert len(lines) < 30


@pytest.mark.parametrize("n", [9, 13, 14])
def test_a_ranking_that_fits_is_shown_whole(capsys: pytest.CaptureFixture[str], n: int) -> None:
    """Nothing is left out for the sake of one row."""
    lines = printed(capsys, ranking(n))
    assert [line.split()[0] for line in lines if " 7 d " in line] == [str(rank) for rank in range(1, n + 1)]


def test_what_nobody_could_trade_is_named_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    out = "\n".join(printed(capsys, ranking(12, n_without=1, is_tradable=False)))
    assert "entered at the next open, as they report themselves" in out
    assert "nobody could have traded it" in out
    assert "No scored call: vendor 13." in out


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", ["v", "[red]a/b", "a vendor with a long name " * 7])
def test_no_row_is_wider_than_the_terminal_and_no_name_is_cut(
    capsys: pytest.CaptureFixture[str], width: int, name: str
) -> None:
    lines = printed(capsys, ranking(12, name=name), width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert sum("+5.0 (+2.0 to +8.0)" in line for line in lines) == 12


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_marks_are_shown_on_a_usual_terminal(capsys: pytest.CaptureFixture[str], width: int) -> None:
    lines = printed(capsys, ranking(12), width)
    assert [line.split()[0] for line in lines if " 7 d " in line and "better" in line] == ["1"]


def test_a_runs_page_has_them_all() -> None:
    lines = ranking_markdown(ranking(40, n_few=1, name="a|b"))
    assert sum(line.startswith("| ") for line in lines) == 42
    assert any("a\\|b 40" in line for line in lines)


def test_none_can_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, ranking(0, n_few=9))
    assert not any("rank" in line and "held" in line for line in lines)
    assert any(line.startswith("Too few calls to be judged: 9 vendors") for line in lines)
