"""Everything that can go wrong with a call, once: its code, and whether another attempt is made. See docs/errors.md."""

from enum import Enum


class Fault(Enum):
    """A fault: the code that the ledger and the messages use."""

    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    NOT_JSON = "not_json"
    LENGTH_DIFFERS = "length_differs"
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    PAYMENT_REQUIRED = "402"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    REQUEST_TIMEOUT = "408"
    GONE = "410"
    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "5xx"
    UNEXPECTED_STATUS = "status"
    RETRY_AFTER_TOO_LONG = "retry_after_too_long"
    RETRIES_SPENT = "retries_spent"
    CREDITS_SPENT = "credits_spent"
    ENDLESS = "endless"

    @property
    def is_retried(self) -> bool:
        """Whether another attempt can change it."""
        return self in RETRIED


RETRIED = frozenset(
    {
        Fault.TRANSPORT,
        Fault.TIMEOUT,
        Fault.NOT_JSON,
        Fault.LENGTH_DIFFERS,
        Fault.REQUEST_TIMEOUT,
        Fault.TOO_MANY_REQUESTS,
        Fault.SERVER_ERROR,
    }
)

OF_STATUS = {
    400: Fault.BAD_REQUEST,
    401: Fault.UNAUTHORIZED,
    402: Fault.PAYMENT_REQUIRED,
    403: Fault.FORBIDDEN,
    404: Fault.NOT_FOUND,
    408: Fault.REQUEST_TIMEOUT,
    410: Fault.GONE,
    429: Fault.TOO_MANY_REQUESTS,
}


def fault_of(status: int) -> Fault | None:
    """The fault that a status is; None for 200."""
    if status == 200:
        return None
    return Fault.SERVER_ERROR if status >= 500 else OF_STATUS.get(status, Fault.UNEXPECTED_STATUS)
