"""The key is read from one place and appears nowhere but in a header."""

import asyncio
import gzip
import logging
import pickle
import traceback
from pathlib import Path

import httpx
import pytest

from flows.devserver import DevServer, Fault
from flows.errors import SourceError, TrackrecordError, UsageError
from flows.sources.tokenmetrics import TokenMetricsSettings
from flows.sources.tokenmetrics.client import Client
from flows.sources.tokenmetrics.keys import find_keys
from tests.tokenmetrics.desk import bytes_under, fetch, settings_for

SENTINEL = "tm-5e471e15-5e47-4e15-8e47-5e471e15e471"
OTHER = "tm-0ddba115-0ddb-4a11-80dd-0ddba1150ddb"


def found(**variables: str) -> tuple[str, str]:
    """The key found with these variables, and the origin reported for it."""
    settings = TokenMetricsSettings(_env_file=None, **variables)  # type: ignore[arg-type]
    key = find_keys(settings, dotenv=Path("nowhere")).first
    return key.secret.get_secret_value(), key.origin


def key_file(tmp_path: Path, text: str = SENTINEL + "\n", mode: int = 0o600) -> str:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_each_place_gives_the_key(tmp_path: Path) -> None:
    assert found(api_key=SENTINEL) == (SENTINEL, "TOKENMETRICS_API_KEY")
    assert found(api_key_file=key_file(tmp_path)) == (SENTINEL, "TOKENMETRICS_API_KEY_FILE")
    assert found(api_key_command=f"printf '%s\\n' {SENTINEL}") == (SENTINEL, "TOKENMETRICS_API_KEY_COMMAND")


def test_two_places_that_agree_are_one(tmp_path: Path) -> None:
    assert found(api_key=SENTINEL, api_key_file=key_file(tmp_path))[0] == SENTINEL


def test_two_places_that_disagree_are_an_error_that_shows_neither(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="TOKENMETRICS_API_KEY and TOKENMETRICS_API_KEY_FILE hold different keys"
    ) as raised:
        found(api_key=OTHER, api_key_file=key_file(tmp_path))
    assert SENTINEL not in str(raised.value) and OTHER not in str(raised.value)


def test_without_a_key_the_error_names_where_to_put_one() -> None:
    with pytest.raises(UsageError, match=r"no key.*TOKENMETRICS_API_KEY_COMMAND"):
        found()


@pytest.mark.parametrize("command", ["exit 3", "true", "echo two words"])
def test_a_command_that_gives_no_key_is_an_error(command: str) -> None:
    with pytest.raises(UsageError, match="TOKENMETRICS_API_KEY_COMMAND"):
        found(api_key_command=command)


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="chmod 600"):
        found(api_key_file=key_file(tmp_path, mode=0o644))


@pytest.mark.parametrize(
    ("mode", "text", "is_refused"),
    [
        (0o644, f"TOKENMETRICS_API_KEY={SENTINEL}", True),
        (0o600, f"TOKENMETRICS_API_KEY={SENTINEL}", False),
        (0o644, "TOKENMETRICS_API_KEY=", False),
    ],
)
def test_a_dotenv_with_a_key_is_its_owners_alone(tmp_path: Path, mode: int, text: str, is_refused: bool) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(text + "\n")
    dotenv.chmod(mode)
    settings = TokenMetricsSettings(api_key=OTHER, _env_file=None)  # type: ignore[arg-type]
    if is_refused:
        with pytest.raises(UsageError, match="others can read it") as raised:
            find_keys(settings, dotenv=dotenv)
        assert SENTINEL not in str(raised.value)
    else:
        find_keys(settings, dotenv=dotenv)


def test_a_key_lies_in_no_file_no_log_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """With good answers, bad answers and no answers, and every logger at level DEBUG."""
    caplog.set_level(logging.DEBUG)
    text = ""
    with DevServer(keys=(SENTINEL, OTHER)) as server:
        for number, fault in enumerate(
            [
                None,
                Fault("html"),
                Fault("cut", times=None),
                Fault("status", "401", times=None),
                Fault("status", "400", call=4),
            ]
        ):
            server.faults = [fault] if fault else []
            try:
                fetch(server, tmp_path / "home" / str(number), api_key=SENTINEL, api_key_next=OTHER, as_of=server.now)
            except TrackrecordError as error:
                text += "".join(traceback.format_exception(error)) + repr(pickle.dumps(error))
        settings = settings_for(server, api_key=SENTINEL, api_key_next=OTHER)
    text += repr(settings) + str(settings.model_dump()) + settings.model_dump_json() + repr(find_keys(settings))
    text += caplog.text + "".join(capfd.readouterr())
    assert "httpx" in caplog.text
    for key in (SENTINEL, OTHER):
        assert key not in text
        assert key.encode() not in bytes_under(tmp_path)


def test_a_server_that_repeats_the_key_in_its_answer_finds_it_blotted_out(tmp_path: Path) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            400, json={"success": False, "message": f"bad key {request.headers['x-api-key']}", "data": []}
        )

    settings = TokenMetricsSettings(api_key=SENTINEL, base_url="http://127.0.0.1:9/v2", _env_file=None)  # type: ignore[arg-type]

    async def ask() -> None:
        async with Client(settings, find_keys(settings), tmp_path, transport=httpx.MockTransport(echo)) as client:
            await client.get("tokens", {})

    with pytest.raises(SourceError, match=r"bad key \[key\]") as raised:
        asyncio.run(ask())
    assert SENTINEL not in str(raised.value)
    (kept,) = (tmp_path / "raw" / "unusable").iterdir()
    assert b"[key]" in gzip.decompress(kept.read_bytes())
