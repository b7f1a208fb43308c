"""When a small cell of a scorecard will say enough."""

from datetime import datetime, timedelta

from flows.scoring.inference import MIN_CLUSTERS, MIN_EFFECTIVE

# Beyond this a pace says nothing.
FARTHEST = timedelta(days=10 * 365)


def enough_at(*, now: datetime, span: timedelta | None, n_effective: float | None, n_clusters: int) -> datetime | None:
    """When a cell will be reportable if it goes on as it did over its `span`; None where that says nothing.

    It goes on from `now`, not from its last call: for a vendor that has fallen silent no cell was enough in a past that
    is over.
    """
    if span is None or not n_effective or n_clusters < 2:
        return None
    lasting = span * (max(MIN_EFFECTIVE / n_effective, MIN_CLUSTERS / n_clusters) - 1)
    return now + lasting if lasting <= FARTHEST else None
