"""A run that fails under Prefect logs our sentence; only what nobody foresaw has a traceback."""

import logging

import pytest

from flows.errors import SourceError, TrackrecordError
from flows.prefect_tasks import LOGGERS


@pytest.mark.parametrize("logger", LOGGERS)
@pytest.mark.parametrize(
    ("error", "is_traced"),
    [(SourceError("tokens is missing."), False), (TrackrecordError("No room."), False), (KeyError("a bug"), True)],
)
def test_an_error_of_ours_is_a_sentence(logger: str, error: Exception, is_traced: bool) -> None:
    log = logging.getLogger(logger)
    record = log.makeRecord(logger, logging.ERROR, __file__, 1, "Failed: %r", (error,), (type(error), error, None))

    assert log.filter(record)

    assert bool(record.exc_info) is is_traced
    assert repr(error) in record.getMessage()
