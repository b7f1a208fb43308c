"""What a channel is: a stable name, an edition as the payloads it takes, and a way to send one of them."""

from collections.abc import Callable
from typing import Any, Protocol

from flows.delivery.edition import Edition


class NotDelivered(Exception):
    """Nobody got it, and the protocol lets us know: it may be tried again.

    `is_hopeless` says that the same attempt a minute later would fail the same way.
    """

    def __init__(self, told: str, *, is_hopeless: bool = False) -> None:
        super().__init__(told)
        self.is_hopeless = is_hopeless


class OutcomeUnknown(Exception):
    """It may or may not have arrived, and nothing on our side can tell."""


class Channel(Protocol):
    """One reader's way to be told."""

    @property
    def name(self) -> str:
        """Label and half of the key: `mail.desk`, `webhook.desk`, `chat.team`. Never holds the target."""

    @property
    def is_idempotent(self) -> bool:
        """Whether the receiver promised to act once on what comes twice."""

    def payloads(self, edition: Edition) -> list[Any]:
        """The edition as this channel takes it, in the order in which it is sent; the same for the same edition."""

    def send(self, payload: Any, key: str, point_of_no_return: Callable[[], None]) -> str:
        """Send one payload and return what the receiver said.

        `point_of_no_return` is called once, at the last moment before the receiver could take it for whole. Raises
        NotDelivered or OutcomeUnknown; nothing it says holds a secret that a library added.
        """
