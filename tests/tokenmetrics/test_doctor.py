"""The doctor: how the server behaves, and what a month will cost."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from flows.catch_up import fetch_requests
from flows.config import Settings
from flows.devserver import SPRING_2025, DevServer, Fault, Plan
from flows.run import start_run
from flows.sources.tokenmetrics import TokenMetricsSource
from flows.sources.tokenmetrics.doctor import Examination, examine
from tests.tokenmetrics.desk import settings_for


def examination(server: DevServer, home: Path, **more: object) -> tuple[Examination, dict[str, str]]:
    source = TokenMetricsSource(settings_for(server, **more))
    settings = Settings(home=home, _env_file=None)
    found = examine(source, settings, fetch_requests(start_run(source, settings)))
    return found, dict(found.facts)


def test_a_server_as_documented_is_found_so(tmp_path: Path) -> None:
    with DevServer() as server:
        found, facts = examination(server, tmp_path)
        assert len(server.calls) <= 35
    assert found.is_well
    assert facts["key"].endswith("accepted through the header x-api-key")
    assert facts["first page"] == "1; page 0 is refused"
    assert facts["over the limit"] == "limit=101 gives 12 rows: cut to the limit, or there are no more"
    assert not [one.endpoint.name for one in found.findings if one.refusal or one.drift]
    assert found.samples is not None and len(list(found.samples.iterdir())) == len(found.findings)


def test_a_server_of_another_age_is_answered_with_the_settings_for_it(tmp_path: Path) -> None:
    with DevServer(dialect=SPRING_2025, plan=Plan(lacks=frozenset({"resistance-support"}))) as server:
        server.faults = [Fault("skew", "300", times=None), Fault("rename", "CLOSE:LAST", times=None)]
        found, facts = examination(server, tmp_path)
    assert "set TOKENMETRICS_HEADER_NAMES=api_key" in facts["key"]
    assert "TOKENMETRICS_FIRST_PAGE=0" in facts["first page"]
    assert re.match(r"the server's is (299|300) s ahead of ours; set ours right", facts["clock"])
    findings = {one.endpoint.name: one for one in found.findings}
    assert "not in your plan" in findings["resistance-support"].refusal
    assert "close" in findings["daily-ohlcv"].named("vanished") + findings["daily-ohlcv"].named("renamed")


@pytest.mark.parametrize("universe", ["top:12", "top:1500"])
def test_a_month_is_the_first_night_and_twenty_nine_usual_ones(tmp_path: Path, universe: str) -> None:
    with DevServer() as server:
        _, facts = examination(server, tmp_path, universe=universe, history_days=90)
    first = int(facts["next nightly"].split()[1])
    found = re.match(r"about (\d+) calls: the next nightly, and 29 of (\d+) that read 7 days again", facts["a month"])
    assert found is not None
    month, usual = map(int, found.groups())
    assert month == first + 29 * usual
    # A usual night fetches 8 days and a 28th of 90, an eighth of the first night's days.
    assert usual < first / 2 or universe == "top:12"


def test_the_command_examines_what_the_settings_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DevServer() as server:
        for name, value in (("BASE_URL", f"{server.base_url}/v2"), ("API_KEY", server.keys[0])):
            monkeypatch.setenv(f"TOKENMETRICS_{name}", value)
        monkeypatch.setenv("TOKENMETRICS_REQUESTS_PER_MINUTE", "0")
        monkeypatch.setenv("TRACKRECORD_HOME", str(tmp_path / "home"))
        result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "accepted through the header x-api-key" in result.output
