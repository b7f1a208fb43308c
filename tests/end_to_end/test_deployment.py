"""The deployments of `prefect.yaml` run: a real server, a real worker, two runs at once, a power cut in one of them."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from flows.clock import utc_now
from flows.config import ROOT
from flows.delivery.delivery import due_at
from flows.report.digest.moment import weeks_of
from tests.scale import repeats

from .conftest import copy_of
from .desk import Desk

PREFECT = Path(sys.executable).with_name("prefect")
FINAL = {"Completed", "Cancelled", "Failed", "Crashed"}
# Build machines share their cores; on an idle one nothing here takes a tenth of this time.
TIMEOUT_SECONDS = 120

T = TypeVar("T")


def wait_for(ask: Callable[[], T | None], what: str) -> T:
    """Call a function until it returns something true, or fail after a timeout."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {TIMEOUT_SECONDS} s")


@contextmanager
def started(*command: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process, which is ended with all its children after the block."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [PREFECT, *command],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            # The process has a group of its own, so the signal reaches all its children and nothing else.
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    continue


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Orchestra:
    """A Prefect server with a worker and the deployments, and their logs."""

    api: httpx.Client
    environment: dict[str, str]
    desk: Desk
    logs: Path
    server: subprocess.Popen[bytes]

    def find(self, what: str, **body: Any) -> list[dict[str, Any]]:
        return list(self.api.post(f"/{what}/filter", json=body).raise_for_status().json())

    def create_run(self, deployment_id: str, parameters: dict[str, Any]) -> str:
        def ask() -> str | None:
            answer = self.api.post(f"/deployments/{deployment_id}/create_flow_run", json={"parameters": parameters})
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                # The server's SQLite was busy and nothing was created, so try again, as Prefect's own client would.
                return None
            return str(answer.raise_for_status().json()["id"])

        return wait_for(ask, "a flow run")

    def complete(self, *flow_run_ids: str) -> tuple[str, ...]:
        """Wait until the runs have ended, every one of them Completed; return their ids."""

        def all_ended() -> list[str] | None:
            states = [self.flow_run(one)["state_name"] for one in flow_run_ids]
            return states if FINAL.issuperset(states) else None

        states = wait_for(all_ended, f"the end of runs\n{self.log()}")
        assert set(states) == {"Completed"}, self.log()
        return flow_run_ids

    def flow_run(self, flow_run_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/flow_runs/{flow_run_id}").raise_for_status().json())

    @property
    def deployment(self) -> dict[str, Any]:
        return self.deployment_of("nightly")

    def deployment_of(self, flow: str) -> dict[str, Any]:
        return dict(self.api.get(f"/deployments/name/{flow}/{flow}").raise_for_status().json())

    def log(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-5000:]}" for path in sorted(self.logs.iterdir()))


@dataclass
class Place:
    """Where a server and a worker keep what outlives them, and the commands in the header of prefect.yaml."""

    folder: Path
    desk: Desk
    port: int

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "TRACKRECORD_HOME": str(self.desk.home),
        }

    def prefect(self, *arguments: str) -> None:
        done = subprocess.run(
            [PREFECT, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def server(self) -> Iterator[Orchestra]:
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        command = ("server", "start", "--host", "127.0.0.1", "--port", str(self.port), "--no-ui")
        with (
            started(*command, environment=self.environment, log=logs / "server.log") as process,
            httpx.Client(base_url=self.environment["PREFECT_API_URL"], timeout=30) as api,
        ):
            wait_for(lambda: is_up(api), "the server")
            yield Orchestra(api, self.environment, self.desk, logs, process)

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        command = ("worker", "start", "--pool", "trackrecord", "--name", "of the test")
        with started(*command, environment=self.environment, log=self.folder / "logs" / "worker.log") as process:
            yield process


@pytest.fixture(scope="module")
def orchestra(published_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """The commands in the header of prefect.yaml, run in their order."""
    folder = tmp_path_factory.mktemp("orchestra")
    place = Place(folder, copy_of(published_desk, folder), free_port())
    with place.server() as orchestra:
        place.prefect("work-pool", "create", "trackrecord", "--type", "process")
        with place.worker():
            place.prefect("--no-prompt", "deploy", "--all")
            wait_for(lambda: orchestra.find("work_pools/trackrecord/workers"), "the worker")
            yield orchestra


def is_up(api: httpx.Client) -> bool:
    try:
        return api.get("/health").is_success
    except httpx.TransportError:
        return False


def test_the_deployment_is_the_one_of_the_file(orchestra: Orchestra) -> None:
    deployment = orchestra.deployment

    assert deployment["entrypoint"] == "flows/nightly.py:nightly"
    assert deployment["work_pool_name"] == "trackrecord"
    assert deployment["parameters"] == {"source": "sample", "only_what_is_due": True}
    # Prefect's slots outlive a power cut, and every later run would be cancelled.
    assert deployment["global_concurrency_limit"] is None
    assert all(schedule["active"] for schedule in deployment["schedules"])
    schedules = {(one["schedule"]["cron"], one["schedule"]["timezone"]) for one in deployment["schedules"]}
    assert schedules == {("20 0 * * *", "UTC"), ("50 * * * *", "UTC")}


def test_the_schedule_puts_the_next_nights_on_the_calendar(orchestra: Orchestra) -> None:
    # With an incompatible SQLAlchemy the server accepts the schedule but never schedules a run.
    runs = wait_for(
        lambda: orchestra.find("flow_runs", flow_runs={"state": {"name": {"any_": ["Scheduled"]}}}),
        orchestra.log(),
    )

    nights = [run for run in runs if run["deployment_id"] == orchestra.deployment["id"]]
    assert nights
    assert {run["expected_start_time"][13:] for run in nights} <= {":20:00Z", ":50:00Z"}
    assert "bulk_dml" not in orchestra.log()


def test_the_digest_is_due_on_mondays_and_made_up_for_every_hour(orchestra: Orchestra) -> None:
    deployment = orchestra.deployment_of("weekly-digest")
    crons = {one["schedule"]["cron"] for one in deployment["schedules"] if one["active"]}
    assert crons == {"0 6 * * 1", "30 * * * *"}
    assert deployment["parameters"] == {"only_what_is_due": True}

    def ended(flow_run_id: str) -> str | None:
        state = str(orchestra.flow_run(flow_run_id)["state_name"])
        return state if state in FINAL else None

    # Between the end of a week and six on Monday morning the newest week is not due yet.
    week = max(weeks_of(orchestra.desk.published))
    made = [week] if utc_now() >= due_at(week) else []

    one = orchestra.create_run(deployment["id"], {})

    assert wait_for(lambda: ended(one), "a digest") == "Completed", orchestra.log()
    assert [page.parent.name for page in (orchestra.desk.home / "reports").glob("*-W*/index.html")] == made


def test_a_run_publishes_and_leaves_its_steps_and_pages(orchestra: Orchestra) -> None:
    desk = orchestra.desk
    fingerprint = desk.fingerprint()
    parameters = {
        "source": "files",
        "input": str(desk.folder),
        "as_of": "2026-01-01T01:00:00+01:00",
        "only_what_is_due": False,
    }
    (completed,) = orchestra.complete(orchestra.create_run(orchestra.deployment["id"], parameters))
    assert desk.fingerprint() != fingerprint
    assert desk.ask_one("select count(*) from ops.publish") == 2
    assert desk.ask("select as_of::varchar, is_replay, state from ops.run order by started_at desc limit 1") == [
        ("2026-01-01 00:00:00", True, "published")
    ]
    artifacts = {one["key"]: one for one in orchestra.find("artifacts")}
    assert {"gates", "scorecard"} <= set(artifacts)
    assert {artifacts[key]["flow_run_id"] for key in ("gates", "scorecard")} == {completed}
    assert "hit rate" in artifacts["scorecard"]["data"]
    assert f"| prices | {desk.ask_one('select count(*) from core.price_bar')} |" in artifacts["gates"]["data"]
    tasks = orchestra.find("task_runs", flow_runs={"id": {"any_": [completed]}})
    assert {one["state_name"] for one in tasks} == {"Completed"}
    assert {one["name"].rsplit("-", 1)[0] for one in tasks} == {
        "fetch",
        "begin",
        "snapshot and gate",
        "build core and marts",
        "gate the marts",
        "publish",
    }


@pytest.mark.slow
def test_runs_that_piled_up_do_one_job(orchestra: Orchestra) -> None:
    """As after a night without a worker: each waits for the one before it, and finds the night done."""
    desk = orchestra.desk
    parameters = {"source": "files", "input": str(desk.folder)}
    n_publishes = desk.ask_one("select count(*) from ops.publish")
    orchestra.complete(*(orchestra.create_run(orchestra.deployment["id"], parameters) for _ in range(2)))
    assert desk.ask_one("select count(*) from ops.publish") == n_publishes + 1


def test_the_command_runs_the_flow_on_that_server_with_the_exit_code_of_the_gate(orchestra: Orchestra) -> None:
    desk = orchestra.desk
    (desk.folder / "prices.parquet").rename(desk.folder / "prices.aside")
    try:
        # A missing file is not retried, because a retry would not find it either.
        command = ("nightly", "--source", "files", "--input", str(desk.folder))
        answer = desk.start(*command, environment=orchestra.environment)
    finally:
        (desk.folder / "prices.aside").rename(desk.folder / "prices.parquet")

    assert answer.exit_code == 1
    assert "prices is missing" in answer.err.strip().splitlines()[-1]
    (failed,) = orchestra.find("flow_runs", flow_runs={"state": {"name": {"any_": ["Failed"]}}})
    assert failed["deployment_id"] is None
    (fetch,) = orchestra.find("task_runs", flow_runs={"id": {"any_": [failed["id"]]}})
    assert (fetch["name"].rsplit("-", 1)[0], fetch["run_count"]) == ("fetch", 1)


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(repeats(3, whole=20)))
def test_after_a_power_cut_the_next_run_runs(published_desk: Desk, tmp_path: Path, moment: int) -> None:
    """Server, worker and child are killed at once while a run is pending or running, and started again."""
    place = Place(tmp_path, copy_of(published_desk, tmp_path), free_port())
    parameters = {"source": "files", "input": str(place.desk.folder)}
    with place.server() as orchestra:
        place.prefect("work-pool", "create", "trackrecord", "--type", "process")
        place.prefect("--no-prompt", "deploy", "--all")
        with place.worker() as worker:
            lost = orchestra.create_run(orchestra.deployment["id"], parameters)
            begun = {"Pending", "Running"} if moment % 3 == 0 else {"Running"}
            wait_for(lambda: orchestra.flow_run(lost)["state_name"] in begun, "a run that has begun")
            time.sleep(random.Random(moment).uniform(0, 6))
            for process in (worker, orchestra.server):
                os.killpg(process.pid, signal.SIGKILL)
            _kill_children_of(place)
    with place.server() as orchestra, place.worker():
        begun_at = time.monotonic()
        orchestra.complete(orchestra.create_run(orchestra.deployment["id"], parameters))
        assert time.monotonic() - begun_at < TIMEOUT_SECONDS
    assert place.desk.ask_one("select max(started_at) > current_date from ops.run where state = 'published'")


def _kill_children_of(place: Place) -> None:
    """A worker's children have process groups of their own, which a power cut ends as well."""
    home = f"TRACKRECORD_HOME={place.desk.home}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if home in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
