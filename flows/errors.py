"""One exception tree; each leaf knows the exit code the command line answers with."""


class TrackrecordError(Exception):
    """Something a user can mend; the message names what happened and what to do next."""

    exit_code = 1


class SourceError(TrackrecordError):
    """The source did not deliver something that can be read."""


class WarehouseError(TrackrecordError):
    """The warehouse, its models or the disk under it are not in a state to work with."""


class DeliveryError(TrackrecordError):
    """An edition, or what is kept of its delivery, is not in a state to deliver from."""


class UsageError(TrackrecordError):
    """The command was asked for something that makes no sense."""

    exit_code = 2


class LockHeld(TrackrecordError):
    """Another run builds or publishes at this moment."""

    exit_code = 4


class KeyRefused(SourceError):
    """No endpoint accepted the key, or the next one."""


class CreditsSpent(SourceError):
    """The month cannot pay for the run."""


class RequestRefused(SourceError):
    """The server does not understand a call, or does not want to: another one may go better."""


class EndpointRefused(SourceError):
    """One endpoint is not in the plan, or is not there; the others may go on without it. `status` is the server's."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
