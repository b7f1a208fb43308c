"""What a channel is: a stable name, an edition as the payloads it takes, and a way to send one of them."""

from collections.abc import Callable
from typing import Any, Protocol

from flows.delivery.edition import Edition


class NotDelivered(Exception):
    """The payload certainly did not arrive, so it may be tried again.

    `is_hopeless`: the same attempt a minute later would fail the same way.
    """

    def __init__(self, note: str, *, is_hopeless: bool = False) -> None:
        super().__init__(note)
        self.is_hopeless = is_hopeless


class OutcomeUnknown(Exception):
    """The payload may or may not have arrived; nothing on our side shows which."""


class Channel(Protocol):
    """One way to reach one reader: a mailbox, an endpoint, a chat room."""

    @property
    def name(self) -> str:
        """Kind and label, the second half of a delivery's key: `mail.desk`, `chat.team`. Never contains the address."""

    @property
    def is_idempotent(self) -> bool:
        """Whether the receiver promised to act only once on a request that comes twice."""

    def payloads(self, edition: Edition) -> list[Any]:
        """The edition as messages of this channel, in sending order; the same edition gives the same messages."""

    def send(self, payload: Any, key: str, point_of_no_return: Callable[[], None]) -> str:
        """Send one payload and return the receiver's answer.

        `point_of_no_return` is called once, just before the byte after which the receiver has the whole payload.
        Raises NotDelivered or OutcomeUnknown; their messages quote no secret that a library put into its error.
        """
