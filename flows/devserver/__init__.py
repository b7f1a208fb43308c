"""A test double of the vendor's API: an HTTP server on loopback over the simulated market. No data in it is real."""

from flows.devserver.contract import LATE_2025, SPRING_2025, TODAY, UNLIMITED, Dialect, Plan
from flows.devserver.endpoints import ENDPOINTS
from flows.devserver.faults import KINDS, Fault, fail_every, parse_fault
from flows.devserver.market import sample_market, small_market
from flows.devserver.server import KEY, Call, DevServer

__all__ = [
    "ENDPOINTS",
    "KEY",
    "KINDS",
    "LATE_2025",
    "SPRING_2025",
    "TODAY",
    "UNLIMITED",
    "Call",
    "DevServer",
    "Dialect",
    "Fault",
    "Plan",
    "fail_every",
    "parse_fault",
    "sample_market",
    "small_market",
]
