"""The source's bytes are stored once and never changed; every file is in the manifest."""

import hashlib
import os
from pathlib import Path
from threading import Event, Thread

import pytest

from flows.errors import SourceError
from flows.home import journal, raw_store
from flows.home.raw_store import FetchedDataset, Response, keep


def delivery(*contents: bytes | Path) -> FetchedDataset:
    return FetchedDataset("prices", tuple(Response(f"p{number}.csv", body) for number, body in enumerate(contents)))


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "raw").rglob("*") if path.is_file()}


def test_a_file_is_named_by_its_bytes_and_stands_in_the_manifest(tmp_path: Path) -> None:
    kept = keep(tmp_path, delivery(b"a,b\n1,2\n"), source="files")
    checksum = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert kept.sha256 == checksum
    assert files(tmp_path) == {f"{checksum}.csv": b"a,b\n1,2\n"}
    (line,) = journal.read(tmp_path, "raw")
    assert (line["file"], line["sha256"], line["n_bytes"]) == (f"raw/prices/{checksum}.csv", checksum, 8)


def test_the_same_bytes_twice_write_nothing(tmp_path: Path) -> None:
    first = keep(tmp_path, delivery(b"same"), source="files")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert keep(tmp_path, delivery(b"same"), source="files") == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_checksum_of_several_files_is_of_their_bytes_and_their_order(tmp_path: Path) -> None:
    forth, back = (keep(tmp_path, delivery(*bodies), source="files") for bodies in ((b"1", b"2"), (b"2", b"1")))
    assert forth.sha256 != back.sha256
    assert len(files(tmp_path)) == 2


def test_other_bytes_leave_the_old_ones_where_they_are(tmp_path: Path) -> None:
    keep(tmp_path, delivery(b"old"), source="files")
    before = files(tmp_path)
    keep(tmp_path, delivery(b"new"), source="files")
    assert before.items() < files(tmp_path).items()


def test_no_crash_leaves_bytes_that_the_manifest_does_not_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever call the process dies in, every file under its final name is in the manifest."""
    for dying in ("journal.append_all", "os.replace"):
        home = tmp_path / dying
        with monkeypatch.context() as patch:
            patch.setattr(f"flows.home.raw_store.{dying}", _die)
            with pytest.raises(KeyboardInterrupt):
                keep(home, delivery(b"bytes"), source="files")
        recorded = {line["file"] for line in journal.read(home, "raw")}
        assert {str(path.relative_to(home)) for path in (home / "raw").rglob("*.csv")} <= recorded
        keep(home, delivery(b"bytes"), source="files")
        assert len(files(home)) == 1
        assert journal.read(home, "raw")


def test_what_a_dead_fetch_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    keep(tmp_path, delivery(b"1"), source="files")
    old, young = (tmp_path / "raw" / "prices" / f".partial-{pid}" for pid in (11, 12))
    for path in (old, young):
        path.write_bytes(b"half")
    a_day_ago = young.stat().st_mtime - raw_store.PARTIAL_LIVES_SECONDS - 1
    os.utime(old, (a_day_ago, a_day_ago))
    keep(tmp_path, delivery(b"2"), source="files")
    assert not old.exists()
    assert young.exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.csv cannot be read: No such file"):
        keep(tmp_path, delivery(tmp_path / "gone.csv"), source="files")
    assert files(tmp_path) == {}


def test_a_line_of_the_journal_that_a_crash_cut_off_harms_no_other(tmp_path: Path) -> None:
    journal.append(tmp_path, "runs", number=1)
    path = tmp_path / "journal" / "runs.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write('{"number": 2, "sta')
    journal.append(tmp_path, "runs", number=3)
    assert [event["number"] for event in journal.read(tmp_path, "runs")] == [1, 3]


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("change", ["append", "cut", "overwrite"])
def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_is_kept(tmp_path: Path, change: str) -> None:
    path = tmp_path / "p0.csv"
    path.write_bytes(b"a" * (40 << 20))
    is_over = Event()

    def write() -> None:
        with path.open("r+b", buffering=0) as file:
            while not is_over.wait(0.001):
                match change:
                    case "append":
                        file.seek(0, os.SEEK_END)
                        file.write(b"b")
                    case "cut":
                        file.truncate(max(0, path.stat().st_size - 1000))
                    case _:
                        file.seek(0)
                        file.write(b"b")

    writer = Thread(target=write)
    writer.start()
    try:
        with pytest.raises(SourceError, match="changed while it was read"):
            keep(tmp_path / "home", delivery(path), source="files")
    finally:
        is_over.set()
        writer.join()
    assert files(tmp_path / "home") == {}
    kept = keep(tmp_path / "home", delivery(path), source="files")
    assert kept.n_bytes == path.stat().st_size
