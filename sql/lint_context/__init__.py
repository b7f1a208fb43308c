"""What sqlfluff fills the templates in with: what a renderer hands to the models, small."""

from flows.datasets import DATASETS
from flows.timeframes import TIMEFRAMES

datasets, timeframes = DATASETS, TIMEFRAMES
horizons = {name: one.horizons[:2] for name, one in timeframes.items()}
timeframe = "1d"
longest_bar = timeframes[timeframe].interval
is_full = False
cost, cost_bps = 0.002, 20
token_from, token_to = 0, 9
