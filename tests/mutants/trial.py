"""What becomes of one fault: it is put into a copy of the tree, looked at, and tried against the tests."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.config import ROOT
from tests.mutants.scenes import SCENES
from tests.mutants.sites import Mutation

KNOWN = Path(__file__).with_name("known.toml")

# The tests in the order in which they are asked: those that see most in the least time come first, the rest last.
LIKELY = (
    ("tests/oracle_agreement/test_synthetic.py", "tests/point_in_time/test_increment_equals_full.py"),
    ("tests/scoring", "tests/warehouse"),
    ("tests/oracle_agreement", "tests/point_in_time", "tests/quality"),
)
OWN_ROOMS = {"sql/reports": ("tests/digest",), "flows/scoring": ("tests/scoring",), "sql/checks": ("tests/quality",)}

# A fault may make a loop endless.
LONGEST_LOOK_SECONDS, LONGEST_TESTS_SECONDS = 1800, 7200

DOES_NOT_RUN, EQUIVALENT, NOTICED, SURVIVED = "does not run", "changes nothing", "noticed", "not noticed"


@dataclass(frozen=True)
class Mutant:
    """A fault in a file of the tree."""

    file: str
    line: int
    text: str
    old: str
    mutation: Mutation

    @property
    def words(self) -> str:
        """What the fault is, on one line."""
        old, new = (" ".join(part.split()) or "nothing" for part in (self.old, self.mutation.new))
        return f"{self.mutation.kind}: {old} -> {new}"


@dataclass(frozen=True)
class Verdict:
    """What became of a fault, and by what: the tables that it changes, the test that notices it, or the reason."""

    state: str
    changes: str = ""
    by: str = ""


def try_out(mutant: Mutant, original: Path, baseline: Path) -> Verdict:
    """Put a fault into a copy of a tree, see what it changes, and ask the tests."""
    with TemporaryDirectory(prefix="mutant-") as place:
        tree = Path(shutil.copytree(original.parent, Path(place) / "copy", symlinks=True)) / original.name
        path = tree / mutant.file
        path.write_text(mutant.mutation.apply(path.read_text(encoding="utf-8")), encoding="utf-8")
        state, changes = _look(tree, mutant, baseline)
        if state != NOTICED:
            return Verdict(state, changes)
        reason = known_faults().get((mutant.file, mutant.text, mutant.old, mutant.mutation.new))
        if reason is not None:
            return Verdict(SURVIVED, changes, reason)
        test = _noticed_by(tree, mutant)
        return Verdict(NOTICED, changes, test) if test else Verdict(SURVIVED, changes)


def pristine(place: Path) -> Path:
    """A copy of the working tree without what git ignores, which later edits do not reach; its data lie beside it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in done.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (place / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / "tree" / name)
    if (ROOT.parent / "shared").is_dir():
        (place / "shared").symlink_to(ROOT.parent / "shared")
    return place / "tree"


def look_at(tree: Path, out: Path, *arguments: str) -> bool:
    """Write down what the scenes publish in a tree; return whether they could be looked at to their end."""
    command = [sys.executable, "-m", "tests.mutants.scenes", str(out), *arguments]
    done = subprocess.run(
        command, cwd=tree, env=_environment(tree), capture_output=True, timeout=LONGEST_LOOK_SECONDS, check=False
    )
    return done.returncode == 0


def _look(tree: Path, mutant: Mutant, baseline: Path) -> tuple[str, str]:
    """Whether a fault runs and changes anything, and what."""
    is_check = mutant.file.startswith("sql/checks/")
    scenes = [name for name in SCENES if is_check or name != "spoiled"]
    out = tree.parent / "found.json"
    try:
        if not look_at(tree, out, str(baseline), *scenes):
            return DOES_NOT_RUN, ""
    except subprocess.TimeoutExpired:
        return NOTICED, "does not end"
    before, found = (json.loads(path.read_text(encoding="utf-8")) for path in (baseline, out))
    for name, steps in found.items():
        for number, step in enumerate(steps):
            expected = before[name][number] if number < len(before[name]) else None
            if step == expected:
                continue
            if isinstance(step, list):
                error, is_runnable = step
                return (NOTICED if is_runnable else DOES_NOT_RUN), error
            differing = [key for key in step if expected is None or step[key] != expected.get(key)]
            return NOTICED, ", ".join(differing)
    return EQUIVALENT, ""


def _noticed_by(tree: Path, mutant: Mutant) -> str | None:
    """The first test that fails, of those most likely to; None where the whole suite passes."""
    model = mutant.file.removeprefix("sql/").removesuffix(".sql").replace("/", ".")
    if any(model in path.read_text(encoding="utf-8") for path in (tree / "tests" / "warehouse").glob("*.py")):
        test = _first_failure(tree, "tests/warehouse", "-k", model)
        if test:
            return test
    own = [rooms for folder, rooms in OWN_ROOMS.items() if mutant.file.startswith(folder)]
    for rooms in (*own, *LIKELY):
        test = _first_failure(tree, *rooms)
        if test:
            return test
    rest = ["tests", *(f"--ignore={room}" for room in {room for rooms in LIKELY[1:] for room in rooms})]
    while (test := _first_failure(tree, *rest)) is not None:
        # A test that passes the second time has failed for another reason.
        if _first_failure(tree, test):
            return test
        rest.append(f"--deselect={test}")
    return None


def _first_failure(tree: Path, *arguments: str) -> str | None:
    """The first test of a run that fails."""
    not_asked = [f"--ignore={path}" for path in _settings()["not_asked"]]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, f"--basetemp={tree.parent / 'pytest'}", *not_asked, *arguments],
            cwd=tree,
            env=_environment(tree),
            capture_output=True,
            text=True,
            timeout=LONGEST_TESTS_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{arguments[0]}, which does not end"
    # Passed, or nothing was chosen.
    if done.returncode in (0, 5):
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return failed[1] if failed else f"{arguments[0]}, which cannot be run"


def _environment(tree: Path) -> dict[str, str]:
    """The project is installed as it lies in the working tree: the copy comes before it."""
    return {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}


@cache
def _settings() -> dict[str, Any]:
    return tomllib.loads(KNOWN.read_text(encoding="utf-8"))


@cache
def known_faults() -> dict[tuple[str, str, str, str], str]:
    """Reasons of the faults that are known not to be noticed."""
    return {(one["file"], one["line"], one["old"], one["new"]): one["reason"] for one in _settings()["survivors"]}
