"""Compiled templates are stored for the next run, and a run needs nothing of what was stored."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.config import Settings
from flows.warehouse import render
from flows.warehouse.render import Renderer

TEMPLATE = "select {{ cost }} as cost,\n{{ horizons['1d'] | max }} as longest"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of the user, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    forget()
    yield tmp_path / "temporary"
    forget()


def forget() -> None:
    """What a process has compiled is forgotten, as by a new one."""
    render._environment.cache_clear()
    render._compiled.cache_clear()


def rendered() -> str:
    return Renderer(Settings(cost_bps=30), is_full=True).render(TEMPLATE)


def test_the_next_run_reads_what_was_compiled(place: Path) -> None:
    assert rendered() == "select 0.003 as cost,\n90 as longest"
    (stored,) = place.rglob("*.cache")
    written = stored.stat().st_mtime_ns
    forget()
    assert rendered() == "select 0.003 as cost,\n90 as longest"
    assert [(path, path.stat().st_mtime_ns) for path in place.rglob("*.cache")] == [(stored, written)]


@pytest.mark.parametrize("damage", [b"", b"\0" * 500, b"nonsense"])
def test_a_damaged_file_is_compiled_anew(place: Path, damage: bytes) -> None:
    rendered()
    (stored,) = place.rglob("*.cache")
    whole = stored.read_bytes()
    stored.write_bytes(damage)
    forget()
    assert rendered() == "select 0.003 as cost,\n90 as longest"
    assert stored.read_bytes() == whole


def test_without_a_place_of_its_own_a_run_compiles_and_goes_on(place: Path) -> None:
    place.rmdir()
    place.write_bytes(b"no folder")
    assert rendered() == "select 0.003 as cost,\n90 as longest"


def test_a_folder_that_goes_away_is_no_matter(place: Path) -> None:
    rendered()
    (stored,) = place.rglob("*.cache")
    stored.unlink()
    stored.parent.rmdir()
    render._compiled.cache_clear()
    assert (
        Renderer(Settings(cost_bps=30), is_full=True).render(TEMPLATE + "\n")
        == "select 0.003 as cost,\n90 as longest\n"
    )
