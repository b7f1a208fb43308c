"""One good publish for all tests, and a copy of it for each."""

import shutil
from pathlib import Path

import pytest

from .desk import Desk, clean_folder


@pytest.fixture(scope="session")
def published_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A clean folder that was published once. Copy it; do not work at it."""
    place = tmp_path_factory.mktemp("desk")
    desk = Desk(place / "acme", place / "home")
    desk.folder.mkdir()
    for name, frame in clean_folder().items():
        desk.deliver(name, frame)
    answer = desk.nightly()
    assert answer.exit_code == 0, answer.err
    return desk


def copy_of(desk: Desk, place: Path) -> Desk:
    """The same folder and home in another place."""
    for path in (desk.folder, desk.home):
        shutil.copytree(path, place / path.name)
    return Desk(place / desk.folder.name, place / desk.home.name)


@pytest.fixture
def desk(published_desk: Desk, tmp_path: Path) -> Desk:
    """A desk after its first good publish."""
    return copy_of(published_desk, tmp_path)
