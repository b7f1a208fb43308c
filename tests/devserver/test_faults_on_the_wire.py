"""Each fault as a plain HTTP client sees it; tests of our own client rely on them."""

import json
import socket
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from flows.devserver import KEY, KINDS, DevServer, Fault, fail_every, parse_fault
from flows.errors import UsageError
from tests.devserver.conftest import Serve, every_page


def _raw(server: DevServer, path: str = "/v2/tokens") -> tuple[dict[str, str], bytes]:
    """Headers and all body bytes up to the end of the connection."""
    split = urlsplit(server.base_url)
    with socket.create_connection((split.hostname or "", split.port or 0), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-api-key: {KEY}\r\n\r\n".encode())
        got = b""
        while chunk := connection.recv(65536):
            got += chunk
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


def _everything(client: httpx.Client, **params: Any) -> Counter[tuple[int, str]]:
    rows = every_page(client, "/trading-signals", limit=20, startDate="2026-11-01", endDate="2026-11-20", **params)
    return Counter((row["TOKEN_ID"], row["DATE"]) for row in rows)


def test_any_status_on_the_kth_call(serve: Serve) -> None:
    for status in (400, 408, 429, 500, 503, 521):
        server, client = serve(faults=[Fault("status", str(status), call=3, times=2)])
        assert [client.get("/tokens").status_code for _ in range(6)] == [200, 200, status, status, 200, 200]
        assert [call.status for call in server.calls] == [200, 200, status, status, 200, 200]


def test_a_fault_may_be_meant_for_one_endpoint(serve: Serve) -> None:
    _, client = serve(faults=[Fault("status", "500", endpoint="price", call=2)])
    got = [client.get(f"/{path}", params={"token_id": "900001"}).status_code for path in ("tokens", "price") * 3]
    assert got == [200, 200, 200, 500, 200, 200]


def test_a_429_may_have_a_retry_after(serve: Serve) -> None:
    _, client = serve(
        faults=[Fault("status", "429", retry_after="7"), Fault("status", "429", call=2, retry_after="date")]
    )
    assert client.get("/tokens").headers["retry-after"] == "7"
    retry_at = parsedate_to_datetime(client.get("/tokens").headers["retry-after"])
    assert abs(retry_at - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_fifth_of_all_calls(serve: Serve) -> None:
    _, client = serve(faults=[fail_every("status", "429", share=0.2)])
    got = Counter(client.get("/price", params={"token_id": "900001"}).status_code for _ in range(400))
    assert set(got) == {200, 429}
    assert 50 <= got[429] <= 110


def test_a_slow_body_comes_in_drops_after_its_head(serve: Serve) -> None:
    _, client = serve(faults=[Fault("slow", "0.6")])
    started = time.monotonic()
    with client.stream("GET", "/tokens") as response:
        head_after = time.monotonic() - started
        body = response.read()
    assert head_after < 0.4
    assert time.monotonic() - started > 0.55
    assert json.loads(body)["success"]


def test_a_stall_keeps_even_the_head_back(serve: Serve) -> None:
    _, client = serve(faults=[Fault("stall", "30")])
    with pytest.raises(httpx.ReadTimeout):
        client.get("/tokens", timeout=0.3)
    # The server must stop at once; else the fixture would wait for the rest of the 30 seconds.


def test_a_cut_body_ends_before_its_length(serve: Serve) -> None:
    server, client = serve(faults=[Fault("cut", times=2)])
    headers, body = _raw(server)
    assert len(body) == int(headers["content-length"]) // 2
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/tokens")


@pytest.mark.parametrize("wrong_by", [-10, 10])
def test_a_wrong_content_length(serve: Serve, wrong_by: int) -> None:
    server, client = serve(faults=[Fault("length", str(wrong_by), times=2)])
    headers, body = _raw(server)
    assert int(headers["content-length"]) == len(body) + wrong_by
    if wrong_by > 0:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/tokens")
    else:
        with pytest.raises(json.JSONDecodeError):
            client.get("/tokens").json()


def test_a_reset_is_no_answer_at_all(serve: Serve) -> None:
    server, client = serve(faults=[Fault("reset")])
    with pytest.raises(httpx.TransportError):
        client.get("/tokens")
    assert [call.status for call in server.calls] == [0]
    assert client.get("/tokens").status_code == 200


@pytest.mark.parametrize("kind", ["html", "blank"])
def test_a_200_that_is_not_json(serve: Serve, kind: str) -> None:
    _, client = serve(faults=[Fault(kind)])
    response = client.get("/tokens")
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert client.get("/tokens").json()["success"]


def test_the_clock_of_the_server_may_be_wrong(serve: Serve) -> None:
    _, right = serve()
    _, wrong = serve(faults=[Fault("skew", "3600", times=None)])
    now = datetime.now(UTC)
    assert abs(parsedate_to_datetime(right.get("/tokens").headers["date"]) - now) < timedelta(seconds=5)
    ahead = parsedate_to_datetime(wrong.get("/tokens").headers["date"]) - now
    assert abs(ahead - timedelta(hours=1)) < timedelta(seconds=5)


def test_an_order_that_changes_between_pages_repeats_rows_and_loses_others(serve: Serve) -> None:
    _, honest = serve()
    _, shuffled = serve(faults=[Fault("shuffle", times=None)])
    whole, torn = _everything(honest), _everything(shuffled)
    assert set(torn) < set(whole)
    assert max(torn.values()) > 1
    rows = every_page(shuffled, "/trading-signals", startDate="2026-11-01", endDate="2026-11-20", limit=100)
    dates = [row["DATE"] for row in rows]
    assert dates == sorted(dates, reverse=True)


def test_rows_repeat_at_page_borders_and_none_is_lost(serve: Serve) -> None:
    _, honest = serve()
    _, repeating = serve(faults=[Fault("repeat", "3", times=None)])
    whole, served = _everything(honest), _everything(repeating)
    assert set(served) == set(whole)
    n_pages = -(-(whole.total() - 3) // 17)
    assert served.total() - whole.total() == 3 * (n_pages - 1)


def test_rows_are_lost_at_page_borders(serve: Serve) -> None:
    _, honest = serve()
    _, losing = serve(faults=[Fault("lose", "2", times=None)])
    whole, served = _everything(honest), _everything(losing)
    assert set(served) < set(whole)


def test_a_page_shrinks_once_and_is_whole_when_read_again(serve: Serve) -> None:
    _, client = serve(faults=[Fault("shrink", "5", call=2)])
    sizes = [
        client.get("/trading-signals", params={"limit": 20, "page": page}).json()["length"] for page in (1, 2, 2, 3)
    ]
    assert sizes == [20, 15, 20, 20]


def test_history_may_be_restated_from_a_moment_on(serve: Serve) -> None:
    server, client = serve()
    asked = {"startDate": "2026-10-30", "endDate": "2026-11-21"}
    before = {(row["TOKEN_ID"], row["DATE"]): row for row in every_page(client, "/trading-signals", **asked)}
    server.faults = [Fault("restate", "0.1", times=None)]
    after = {(row["TOKEN_ID"], row["DATE"]): row for row in every_page(client, "/trading-signals", **asked)}
    assert set(before) == set(after)
    moved = [key for key in before if before[key] != after[key]]
    assert 0.03 < len(moved) / len(before) < 0.2
    for key in moved:
        assert after[key]["TOKEN_TREND"] == -before[key]["TOKEN_TREND"] == after[key]["TRADING_SIGNAL"]
        assert key[1] < "2026-11-20T06"
    again = {(row["TOKEN_ID"], row["DATE"]): row for row in every_page(client, "/trading-signals", **asked)}
    assert again == after


def test_fields_may_be_renamed_vanish_appear_be_null_or_text(serve: Serve) -> None:
    def row(*faults: Fault) -> dict[str, Any]:
        found: dict[str, Any] = serve(faults=faults)[1].get("/trading-signals").json()["data"][-1]
        return found

    plain = row()
    renamed = row(Fault("rename", "TOKEN_TREND:TREND", times=None))
    assert renamed.pop("TREND") == plain["TOKEN_TREND"]
    assert renamed == {name: value for name, value in plain.items() if name != "TOKEN_TREND"}
    assert set(plain) - set(row(Fault("drop", "TM_TRADER_GRADE", times=None))) == {"TM_TRADER_GRADE"}
    assert set(row(Fault("extra", "NEWS", times=None))) - set(plain) == {"NEWS"}
    assert row(Fault("null", "TRADING_SIGNAL", times=None))["TRADING_SIGNAL"] is None
    assert row(Fault("text", "TRADING_SIGNAL", times=None))["TRADING_SIGNAL"] == str(plain["TRADING_SIGNAL"])
    assert row(Fault("text", times=None))["TOKEN_ID"] == str(plain["TOKEN_ID"])


def test_hours_may_be_stamped_off_the_hour(serve: Serve) -> None:
    _, client = serve(faults=[Fault("off_hour", times=None)])
    assert client.get("/hourly-ohlcv").json()["data"][0]["TIMESTAMP"].endswith(":26:09.454Z")


def test_faults_are_set_over_the_wire_too(serve: Serve) -> None:
    server, client = serve()
    control = f"{server.base_url}/_double"
    assert httpx.put(f"{control}/faults", json=["status=503,call=2"]).status_code == 200
    assert [client.get("/tokens").status_code for _ in range(3)] == [200, 503, 200]
    assert httpx.post(f"{control}/faults", json=["html"]).json() == [
        "status=503,call=2,times=1",
        "html,call=1,times=1",
    ]
    assert httpx.delete(f"{control}/faults").json() == []
    assert httpx.put(f"{control}/now", json="2026-11-23T00:20:00").json() == "2026-11-23T00:20:00"
    assert client.get("/daily-ohlcv").json()["data"][0]["DATE"][:10] == "2026-11-22"
    refused = httpx.put(f"{control}/faults", json=["stumble"])
    assert (refused.status_code, "stumble is unknown" in refused.json()["message"]) == (400, True)
    assert [call["status"] for call in httpx.get(f"{control}/calls").json()] == [200, 503, 200, 200]


def test_every_kind_can_be_written_down_and_read_back() -> None:
    values = {"rename": "A:B", "drop": "A", "extra": "A", "null": "A", "status": "500"}
    for kind in KINDS:
        fault = parse_fault(f"{kind}={values.get(kind, '2')},endpoint=price,call=4,times=all,share=0.5")
        assert (fault.kind, fault.endpoint, fault.call, fault.times, fault.share) == (kind, "price", 4, None, 0.5)
        assert parse_fault(str(fault)) == fault
    for text, times in (("restate,call=9", None), ("status=500,call=9", 1), ("status=429,share=0.2", None)):
        assert parse_fault(text).times == times
    for nonsense in ("stumble", "status", "status=500,often=1", "status=500,call=soon"):
        with pytest.raises(UsageError):
            parse_fault(nonsense)
