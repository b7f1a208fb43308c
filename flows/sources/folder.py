"""What of a folder is its data: the files of each dataset, in the order they were written, and what is passed over."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from flows.datasets import DATASETS
from flows.errors import SourceError

SUFFIXES = (".parquet", ".csv", ".tsv")
COMPRESSED = (".gz", ".zst")

# Names that editors, notebooks, browsers, archives and operating systems leave behind; Hadoop's begin with `_`.
LEFT_OVER = re.compile(
    r"[._~#].*|.*[~#]"
    r"|.*\.(bak|backup|old|orig|rej|sw[a-p]|tmp|temp|part|partial|crdownload|download|filepart|lock|lck)"
    r"|thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r",
    re.IGNORECASE,
)
KEY_FOLDER = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
# A day in a name, as in 2026-03-09 or 20260309.
DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")

N_NAMED = 3


@dataclass(frozen=True)
class DataFile:
    """One file of a dataset: where it lies, and its path below the folder."""

    path: Path
    name: str


@dataclass
class Survey:
    """The files of each dataset by its name, and what lies beside them: left-overs, and files that nothing reads."""

    files: dict[str, list[DataFile]] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def leave_out(self, names: Iterable[str]) -> None:
        """Take files that are read by a name of their own out of those that nothing reads."""
        read = set(names)
        self.unread = [name for name in self.unread if name not in read]

    def remarks(self) -> list[str]:
        """One sentence about each kind of file that was passed over."""
        found = []
        if self.left_over:
            found.append(f"Passed over as hidden or left over: {_listed(self.left_over)}.")
        if self.unread:
            found.append(
                f"Passed over, because no dataset is read from it: {_listed(self.unread)}. "
                f"Datasets are {', '.join(DATASETS)}; read are {', '.join(SUFFIXES)}, and these as .gz or .zst."
            )
        return found


def survey(folder: Path) -> Survey:
    """Find the files of each dataset below a folder.

    Raises SourceError for a link of a dataset that leaves the folder, for what is no regular file, and for a folder
    that cannot be listed.
    """
    found = Survey()
    _look(folder, folder, found, (folder.resolve(),))
    for files in found.files.values():
        files.sort(key=_written_order([one.name for one in files]))
    return found


def files_where(folder: Path, is_wanted: Callable[[str], bool]) -> list[DataFile]:
    """The files below a folder whose paths in it are wanted, under the same rules as those of `survey`."""
    found: list[DataFile] = []
    open_folders = [folder]
    while open_folders:
        for entry in _entries(open_folders.pop()):
            path = Path(entry.path)
            name = shown_path(path.relative_to(folder))
            if is_left_over(entry.name):
                continue
            if _is_folder(path) and not entry.is_symlink():
                open_folders.append(path)
            elif is_wanted(name):
                if entry.is_symlink():
                    _require_inside(path, name, folder)
                _require_regular(path, name)
                found.append(DataFile(path, name))
    return sorted(found, key=_written_order([one.name for one in found]))


def is_left_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or left over by a program."""
    return LEFT_OVER.fullmatch(name) is not None


def keys_of(name: str) -> dict[str, str | None]:
    """The columns that the `key=value` folders of a path below the input stand for."""
    matches = [KEY_FOLDER.fullmatch(part) for part in name.split("/")[:-1]]
    pairs = [(match[1].lower(), unquote(match[2])) for match in matches if match]
    return {key: None if value == "__HIVE_DEFAULT_PARTITION__" else value for key, value in pairs}


def day_of(name: str) -> date | None:
    """The last day that a path names: the one that the file was written on."""
    days = []
    for match in DAY.finditer(name):
        try:
            days.append(date(int(match[1]), int(match[3]), int(match[4])))
        except ValueError:
            continue
    return days[-1] if days else None


def _look(folder: Path, root: Path, found: Survey, chain: tuple[Path, ...]) -> None:
    for entry in _entries(folder):
        path = folder / entry.name
        name = shown_path(path.relative_to(root))
        if is_left_over(entry.name):
            found.left_over.append(name)
            continue
        own = next((part for part in path.relative_to(root).parts if not KEY_FOLDER.fullmatch(part)), None)
        dataset = _dataset_of(own) if own else None
        if own and dataset is None:
            if not _is_folder(path) and (stem_of(own) is not None or own.split(".")[0].lower() in DATASETS):
                found.unread.append(name)
            continue
        if entry.is_symlink():
            _require_inside(path, name, root)
        if _is_folder(path):
            real = path.resolve()
            if real not in chain:
                _look(path, root, found, (*chain, real))
        elif dataset is None or stem_of(entry.name) is None:
            found.unread.append(name)
        else:
            _require_regular(path, name)
            found.files.setdefault(dataset, []).append(DataFile(path, name))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise SourceError(
            f"{folder} cannot be listed: {error.strerror}. Check that it is a folder you may read."
        ) from error


def _dataset_of(own: str) -> str | None:
    """The dataset that a file or folder belongs to by its own name, as in Prices.CSV, prices/ or prices.parquet/."""
    name = (stem_of(own) or own).lower()
    return name if name in DATASETS else None


def stem_of(name: str) -> str | None:
    """A file's name without the suffixes of what is read; None where it has none of them."""
    lower = name.lower()
    for compressed in ("", *COMPRESSED):
        for suffix in SUFFIXES:
            if lower.endswith(suffix + compressed):
                return name[: -len(suffix + compressed)]
    return None


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _require_inside(path: Path, name: str, root: Path) -> None:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"{name} is a link to what is not there ({path.readlink()}). Put the file in its place, or delete the link."
        ) from error
    if not target.is_relative_to(root.resolve()):
        raise SourceError(
            f"{name} is a link to {target}, outside of {root}; only what lies in the folder is read. "
            "Copy the file into the folder, or pass the folder it lies in."
        )


def _require_regular(path: Path, name: str) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}. Check that it is a file you may read.") from error
    if not stat.S_ISREG(mode):
        raise SourceError(
            f"{name} is no regular file (a pipe, socket or device); it would never end. Write the rows to a file."
        )


def shown_path(path: Path) -> str:
    """A path as text, with the bytes of a name that are no UTF-8 written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _written_order(names: Sequence[str]) -> Callable[[DataFile], tuple[object, ...]]:
    """A key that sorts files by the days in their names, or by their names alone where some have none."""
    is_dated = all(day_of(name) for name in names)
    return lambda one: (day_of(one.name) if is_dated else None, _natural(_without_suffix(one.name)), one.name)


def _without_suffix(name: str) -> str:
    *folders, own = name.split("/")
    return "/".join((*folders, stem_of(own) or own))


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts part-2 before part-10."""
    pieces = re.split(r"([0-9]+)", text)
    return [(0, int(one), "") if one.isascii() and one.isdigit() else (1, 0, one.lower()) for one in pieces]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
    return ", ".join(names[:N_NAMED]) + more
