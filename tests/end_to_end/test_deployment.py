"""The deployments of `prefect.yaml` run: a real server, a real worker, two runs at once, one of them cancelled."""

import os
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

    def find(self, what: str, **body: Any) -> list[dict[str, Any]]:
        return list(self.api.post(f"/{what}/filter", json=body).raise_for_status().json())

    def create_run(self, deployment_id: str, parameters: dict[str, str]) -> str:
        def ask() -> str | None:
            answer = self.api.post(f"/deployments/{deployment_id}/create_flow_run", json={"parameters": parameters})
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                # The server's SQLite was busy and nothing was created, so try again, as Prefect's own client would.
                return None
            return str(answer.raise_for_status().json()["id"])

        return wait_for(ask, "a flow run")

    def flow_run(self, flow_run_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/flow_runs/{flow_run_id}").raise_for_status().json())

    @property
    def deployment(self) -> dict[str, Any]:
        return self.deployment_of("nightly")

    def deployment_of(self, flow: str) -> dict[str, Any]:
        return dict(self.api.get(f"/deployments/name/{flow}/{flow}").raise_for_status().json())

    def log(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-5000:]}" for path in sorted(self.logs.iterdir()))


@pytest.fixture(scope="module")
def orchestra(published_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """The commands in the header of prefect.yaml, run in their order."""
    place = tmp_path_factory.mktemp("orchestra")
    desk = copy_of(published_desk, place)
    logs = place / "logs"
    logs.mkdir()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
        "PREFECT_HOME": str(place / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "TRACKRECORD_HOME": str(desk.home),
    }

    def prefect(*arguments: str) -> None:
        done = subprocess.run(
            [PREFECT, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    server = ("server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui")
    worker = ("worker", "start", "--pool", "trackrecord", "--name", "of the test")
    with (
        started(*server, environment=environment, log=logs / "server.log"),
        httpx.Client(base_url=environment["PREFECT_API_URL"], timeout=30) as api,
    ):
        orchestra = Orchestra(api, environment, desk, logs)
        wait_for(lambda: is_up(api), "the server")
        prefect("work-pool", "create", "trackrecord", "--type", "process")
        with started(*worker, environment=environment, log=logs / "worker.log"):
            prefect("--no-prompt", "deploy", "--all")
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
    assert deployment["parameters"] == {"source": "sample"}
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    ((schedule),) = deployment["schedules"]
    assert schedule["active"] is True
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("20 0 * * *", "UTC")


def test_the_schedule_puts_the_next_nights_on_the_calendar(orchestra: Orchestra) -> None:
    # With an incompatible SQLAlchemy the server accepts the schedule but never schedules a run.
    runs = wait_for(
        lambda: orchestra.find("flow_runs", flow_runs={"state": {"name": {"any_": ["Scheduled"]}}}),
        orchestra.log(),
    )

    nights = [run for run in runs if run["deployment_id"] == orchestra.deployment["id"]]
    assert nights
    assert all(run["expected_start_time"].endswith("T00:20:00Z") for run in nights)
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


def test_one_run_completes_a_second_at_the_same_time_is_cancelled(orchestra: Orchestra) -> None:
    desk, deployment_id = orchestra.desk, orchestra.deployment["id"]
    fingerprint = desk.fingerprint()
    parameters = {"source": "files", "input": str(desk.folder), "as_of": "2026-01-01T01:00:00+01:00"}
    started_runs = [orchestra.create_run(deployment_id, parameters) for _ in range(2)]

    def both_ended() -> list[dict[str, Any]] | None:
        runs = [orchestra.flow_run(one) for one in started_runs]
        return runs if all(run["state_name"] in FINAL for run in runs) else None

    ended = wait_for(both_ended, f"two runs\n{orchestra.log()}")

    assert sorted(run["state_name"] for run in ended) == ["Cancelled", "Completed"], orchestra.log()
    # The published file is that of the completed run.
    assert desk.fingerprint() != fingerprint
    assert desk.ask_one("select count(*) from ops.publish") == 2
    assert desk.ask("select as_of::varchar, is_replay, state from ops.run order by started_at desc limit 1") == [
        ("2026-01-01 00:00:00", True, "published")
    ]
    (completed,) = [run["id"] for run in ended if run["state_name"] == "Completed"]
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
    assert answer.err.strip().splitlines()[-1].endswith("tokens, prices and signals are required.")
    (failed,) = orchestra.find("flow_runs", flow_runs={"state": {"name": {"any_": ["Failed"]}}})
    assert failed["deployment_id"] is None
    (fetch,) = orchestra.find("task_runs", flow_runs={"id": {"any_": [failed["id"]]}})
    assert (fetch["name"].rsplit("-", 1)[0], fetch["run_count"]) == ("fetch", 1)
