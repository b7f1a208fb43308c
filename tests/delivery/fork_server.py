"""Forks the deliveries that tests kill from a process that has imported everything already.

So a kill hits the delivery, not Python's start. The process reads settings and a home, then one week a line; for each
it prints the forked process's id and, once that has ended, its exit status.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flows.config import ROOT

from .editions import edition, settings, shortly_after

# A delivery that has not ended after this time fails the test.
LONGEST_SECONDS = 20


@dataclass
class ForkServer:
    """The forking process, as tests control it."""

    asks: IO[str]
    answers: IO[str]

    def deliver(self, week: str, *, is_time: Callable[[], bool] | None = None) -> int:
        """Deliver a week in a process of its own; kill it at the moment given, if any. Return its exit status."""
        print(week, file=self.asks, flush=True)
        process = int(self.answers.readline())
        if is_time:
            began = time.monotonic()
            while not is_time() and time.monotonic() - began < LONGEST_SECONDS:
                time.sleep(0.001)
            # The process is not reaped before its status is read, so the id cannot belong to another process.
            os.kill(process, signal.SIGKILL)
        print(file=self.asks, flush=True)
        return int(self.answers.readline())


@contextmanager
def fork_server(where: dict[str, Any], home: Path) -> Iterator[ForkServer]:
    """A fork server while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.delivery.fork_server", json.dumps(where), str(home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        yield ForkServer(process.stdin, process.stdout)
        process.stdin.close()


def main(where: dict[str, Any], home: Path) -> None:
    """Fork a delivery for each week on standard input."""
    from apprise import Apprise

    from flows.delivery import chat, deliver
    from flows.delivery.tls import trusted

    assert chat
    # Apprise imports its services on first use, so this makes it import them before the fork.
    Apprise.instantiate("json://localhost")
    trusted()
    for week in sys.stdin:
        process = os.fork()
        if not process:
            pages = [f"{week.strip()} page {page}: " + "so it goes " * 2_000 for page in (1, 2)]
            one = edition(week.strip(), markdown="\n\n".join(pages))
            deliver.deliver(one, settings(**where), home, shortly_after(one.week))
            os._exit(0)
        print(process, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]))
