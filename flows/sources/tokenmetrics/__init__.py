"""The Token Metrics REST API: endpoints, client, paging, parsing."""

from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.source import TokenMetricsSource

__all__ = ["TokenMetricsSettings", "TokenMetricsSource"]
