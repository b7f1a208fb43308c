"""When a cell of a scorecard that is too small will be reportable."""

from datetime import datetime, timedelta

from flows.scoring.inference import MIN_CLUSTERS, MIN_EFFECTIVE

# A date farther away than this is not given: the pace of the past does not predict that far.
FARTHEST = timedelta(days=10 * 365)


# A vendor that has been silent for longer than this has no present pace.
SILENCE = timedelta(days=30)


def enough_at(
    *,
    now: datetime,
    newest_signal_at: datetime | None,
    span: timedelta | None,
    n_effective: float | None,
    n_clusters: int,
) -> datetime | None:
    """When a cell will be reportable if calls keep coming at the pace of its `span`; None where there is no pace.

    The time still needed is counted from `now`, not from the last call, so that the date never lies in the past.
    """
    if newest_signal_at is None or now - newest_signal_at > SILENCE:
        return None
    if span is None or not n_effective or n_clusters < 2:
        return None
    lasting = span * (max(MIN_EFFECTIVE / n_effective, MIN_CLUSTERS / n_clusters) - 1)
    return now + lasting if lasting <= FARTHEST else None
