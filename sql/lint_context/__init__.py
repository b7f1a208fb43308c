"""What sqlfluff fills the templates in with: what a renderer hands to the models, small."""

from pathlib import Path

from flows.datasets import DATASETS
from flows.scorecards.measures import read_measures
from flows.timeframes import TIMEFRAMES

datasets, timeframes, declared = DATASETS, TIMEFRAMES, TIMEFRAMES
horizons = {name: one.horizons[:2] for name, one in timeframes.items()}
headlines = {name: of_timeframe[1] for name, of_timeframe in horizons.items()}
measures = {path.stem: read_measures(path) for path in (Path(__file__).parents[1] / "measures").glob("*.toml")}
timeframe, dataset = "1d", datasets["signals"]
longest_bar = timeframes[timeframe].interval
is_full = False
cost, cost_bps = 0.002, 20
token_from, token_to = 0, 9
offsets: dict[str, int] = {}


def before(table: str) -> str:
    """A table as the build before left it."""
    return table
