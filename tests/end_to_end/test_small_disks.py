"""A disk that fills up at any point of a run: the published file stays whole, and the next run with room succeeds."""

import random
import shutil

import pytest

from tests.scale import repeats

from .desk import Desk, clean_folder
from .small_disk import nightly_with_spare


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_sizes_of_a_disk_that_is_too_small(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    fingerprint, raw_files = desk.fingerprint(), desk.raw_files()
    prices = clean_folder()["prices"]
    desk.deliver("prices", prices.assign(volume_usd=prices["volume_usd"] + prices["close"]))
    draw = random.Random(20)
    n_filled, lines = 0, []
    while n_filled < repeats(5, whole=20):
        megabytes = draw.uniform(0.05, 12)
        answer, after = nightly_with_spare(desk, megabytes)
        assert answer.exit_code in (0, 1), answer.err
        assert "Traceback" not in answer.err
        if answer.exit_code:
            n_filled += 1
            assert "No space left on device" in answer.err
            assert after.fingerprint() == fingerprint
        assert raw_files.items() <= after.raw_files().items()
        lines.append(f"{megabytes:.2f} MB spare: {'full' if answer.exit_code else 'enough'}")
        answer = after.nightly()
        assert answer.exit_code == 0, answer.err
        assert after.raw_rows()["prices"] == 2 * len(prices), megabytes
        shutil.rmtree(after.home)
    with capsys.disabled():
        print(f"\n{'; '.join(lines)}")
