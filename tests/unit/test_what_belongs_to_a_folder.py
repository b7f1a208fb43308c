"""What of a folder is read: its datasets' files, in any case, compressed or not, and nothing beside them."""

import gzip
import os
import socket
from pathlib import Path

import pytest

from flows.errors import SourceError
from flows.home.raw_store import FetchedDataset, Response, keep
from flows.sources.folder import day_of, is_left_over, keys_of, survey


def names(folder: Path, dataset: str = "prices") -> list[str]:
    return [one.name for one in survey(folder).files.get(dataset, [])]


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    "name",
    [
        "PRICES.CSV", "Prices.Parquet", "prices.tsv", "prices.csv.gz", "PRICES.CSV.GZ", "prices.tsv.zst",
        "prices/2026.csv", "PRICES/a.PARQUET", "prices.parquet/part-0.parquet", "prices/2026/03/09.csv.zst",
        "prices/timeframe=1d/a.csv", "timeframe=1d/prices.csv", "vendor=acme/year=2026/prices/a.parquet",
    ],
)  # fmt: skip
def test_a_file_of_a_dataset_is_read_in_any_case_and_depth(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)

    found = survey(tmp_path)

    assert {dataset: [one.name for one in files] for dataset, files in found.files.items()} == {"prices": [name]}
    assert found.remarks() == []


@pytest.mark.parametrize(
    "name",
    [
        "._prices.csv", ".prices.csv", ".DS_Store", "Thumbs.db", "desktop.ini", "~$prices.csv", "prices.csv~",
        "#prices.csv#", ".#prices.csv", "prices.csv.bak", "prices.csv.swp", ".prices.csv.swo", "prices.csv.tmp",
        "prices.csv.part", "prices.csv.crdownload", "prices.csv.partial", "prices.csv.orig", "_SUCCESS",
        "_metadata", "__MACOSX/prices.csv", ".ipynb_checkpoints/prices-checkpoint.csv", "_temporary/0/part-0.parquet",
        ".git/prices.csv",
    ],
)  # fmt: skip
@pytest.mark.parametrize("below", ["", "prices/"])
def test_what_programs_leave_behind_is_passed_over_with_a_remark(tmp_path: Path, name: str, below: str) -> None:
    write(tmp_path, "prices/a.csv", below + name)

    found = survey(tmp_path)

    assert names(tmp_path) == ["prices/a.csv"]
    assert [below + name.split("/", maxsplit=1)[0]] == found.left_over
    (remark,) = found.remarks()
    assert remark == f"Passed over as hidden or left over: {found.left_over[0]}."


@pytest.mark.parametrize("name", ["price.csv", "prices.xlsx", "prices/notes.txt", "prices.json", "prices (1).csv"])
def test_a_file_that_nothing_reads_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, "prices/a.csv", name, "README", "notes.txt", "trackrecord.toml")

    found = survey(tmp_path)

    assert found.unread == [name]
    assert "because no dataset is read from it" in found.remarks()[0]


def test_is_left_over_spares_names_of_data() -> None:
    kept = ("2026-03-09.csv", "part-0.parquet", "a~b.csv", "backup.csv", "prices.old.csv", "x.part.csv")
    assert [name for name in kept if is_left_over(name)] == []


def test_files_come_in_the_order_of_the_days_in_their_names_or_else_of_their_names(tmp_path: Path) -> None:
    write(tmp_path / "a", *(f"prices/part-{number}.csv" for number in (10, 9, 2)))
    write(tmp_path / "b", "prices/b-20260309.csv", "prices/a_2026-03-10.csv", "prices/c.2026.03.08.parquet")
    write(tmp_path / "c", "prices/prices.csv", "prices/prices (2).csv", "prices/prices (10).csv")

    assert names(tmp_path / "a") == ["prices/part-2.csv", "prices/part-9.csv", "prices/part-10.csv"]
    assert names(tmp_path / "b") == ["prices/c.2026.03.08.parquet", "prices/b-20260309.csv", "prices/a_2026-03-10.csv"]
    assert names(tmp_path / "c") == ["prices/prices.csv", "prices/prices (2).csv", "prices/prices (10).csv"]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("prices/2026-03-09.csv", "2026-03-09"),
        ("prices_20260309.parquet", "2026-03-09"),
        ("prices/date=2026-03-09/part-0.parquet", "2026-03-09"),
        ("prices_2026-01-01_2026-03-09.csv", "2026-03-09"),
        ("prices/2026-02-31.csv", None),
        ("prices/12026030912.csv", None),
        ("prices/1773014400000.csv", None),
    ],
)
def test_the_day_that_a_file_was_written_stands_in_its_name(name: str, day: str | None) -> None:
    found = day_of(name)
    assert (found.isoformat() if found else None) == day


def test_keys_are_read_from_folders_below_the_input_alone() -> None:
    assert keys_of("Timeframe=1d/prices/price_source=a%2Fb/direction=-1.csv") == {
        "timeframe": "1d",
        "price_source": "a/b",
    }
    assert keys_of("prices/sector=__HIVE_DEFAULT_PARTITION__/a.csv") == {"sector": None}


# --- links and what is no file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["../outside.csv", "/etc/hostname", "../outside"])
def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "in"
    write(tmp_path, "outside.csv", "outside/a.csv", "in/signals.csv")
    (folder / ("prices" if target.endswith("outside") else "prices.csv")).symlink_to(target)

    with pytest.raises(SourceError, match=r"prices\S* is a link to /.*, outside of .*Copy the file into the folder"):
        survey(folder)


def test_a_link_inside_the_folder_is_read_and_a_circle_ends(tmp_path: Path) -> None:
    write(tmp_path, "prices/a.csv")
    (tmp_path / "prices" / "b.csv").symlink_to("a.csv")
    (tmp_path / "prices" / "again").symlink_to(".")

    assert names(tmp_path) == ["prices/a.csv", "prices/b.csv"]


def test_a_link_to_nothing_is_refused_unless_it_is_left_over(tmp_path: Path) -> None:
    (tmp_path / ".#prices.csv").symlink_to("me@host.1234")
    assert survey(tmp_path).left_over == [".#prices.csv"]
    (tmp_path / "prices.csv").symlink_to("gone.csv")
    with pytest.raises(SourceError, match=r"prices\.csv is a link to what is not there \(gone\.csv\)"):
        survey(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "prices.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        try:
            os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("no device can be made here")

    with pytest.raises(SourceError, match=r"prices\.csv is no regular file"):
        survey(tmp_path)
    if kind != "socket":
        with pytest.raises(SourceError, match="is no regular file"):
            keep(tmp_path / "home", FetchedDataset("prices", (Response("prices.csv", path),)), source="files")


def test_bytes_of_a_name_that_are_no_utf8_are_written_out(tmp_path: Path) -> None:
    write(tmp_path, "prices/a.csv")
    (tmp_path / "prices" / "a.csv").rename(os.fsdecode(os.fsencode(tmp_path) + b"/prices/\xff.csv"))

    assert names(tmp_path) == ["prices/\\xff.csv"]


# --- what is kept of them ------------------------------------------------------------------------------------------


def test_a_kept_file_has_the_suffixes_with_which_it_opens(tmp_path: Path) -> None:
    body = gzip.compress(b"token_id\n1\n")
    names = ("a.csv", "b.CSV.gz", "c.tsv.zst", "d.parquet", "e.json.gz")
    responses = tuple(Response(name, body + name.encode()) for name in names)
    kept = keep(tmp_path, FetchedDataset("prices", responses), source="files")

    assert ["".join(path.suffixes) for path in kept.paths] == [".csv", ".CSV.gz", ".tsv.zst", ".parquet", ".gz"]
    assert len({path.name.split(".")[0] for path in kept.paths}) == 5


def test_the_same_bytes_in_another_key_folder_are_another_delivery(tmp_path: Path) -> None:
    def checksum(*names: str) -> str:
        responses = tuple(Response(name, b"token_id\n1\n") for name in names)
        return keep(tmp_path, FetchedDataset("signals", responses), source="files").sha256

    assert checksum("signals/direction=1/a.csv") != checksum("signals/direction=-1/a.csv")
    assert checksum("signals/a.csv") == checksum("signals/b.csv")
