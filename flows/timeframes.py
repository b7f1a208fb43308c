"""The timeframes, declared once: a line each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DAY_SECONDS = 86_400

# Between two bars of a segment at most so much may be missing: 3 days, or at long bars 2 of them (contract, section 3).
TOLERATED_SECONDS, TOLERATED_BARS = 3 * DAY_SECONDS, 2

_NOUNS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_ADJECTIVES = {"1h": "hourly", "1d": "daily", "1w": "weekly"}


@dataclass(frozen=True)
class Timeframe:
    """The bar size a signal is made on: its length, its default horizons in bars, whether its windows are published.

    Bars begin at multiples of their length since midnight UTC; those of a week, on Mondays.
    """

    name: str
    seconds: int
    horizons: tuple[int, ...]
    is_published: bool

    @property
    def interval(self) -> str:
        """SQL for the length of a bar."""
        days, rest = divmod(self.seconds, DAY_SECONDS)
        return f"interval {self.seconds // 60} minute" if rest else f"interval {days} day"

    def schema(self, layer: str) -> str:
        """Where a table of a layer is kept: what is not published stays in `work`."""
        return "work" if layer == "core" and not self.is_published else layer

    @property
    def windows(self) -> str:
        """The table of its forward windows."""
        return f"{self.schema('core')}.forward_window_{self.name}"

    @property
    def tolerated_seconds(self) -> int:
        """How much may be missing between two bars of a segment."""
        return max(TOLERATED_SECONDS, TOLERATED_BARS * self.seconds)

    @property
    def late_after_hours(self) -> float:
        """The default of how long after its end a bar is due: the next night's run must have had its turn."""
        return 6 if self.seconds >= DAY_SECONDS else 26

    @property
    def adjective(self) -> str:
        """What its calls are called: `daily`, or `4-hour`."""
        return _ADJECTIVES.get(self.name, f"{self.name[:-1]}-{_NOUNS[self.name[-1]]}")

    @property
    def noun(self) -> str:
        """What one bar of it is called: `day`, or `4-hour bar`."""
        return _NOUNS[self.name[-1]] if self.name in _ADJECTIVES else f"{self.adjective} bar"

    @property
    def unit(self) -> str:
        """What stands after a number of bars: `d`, or `× 4h`."""
        return self.name[-1] if self.name in _ADJECTIVES else f"× {self.name}"


# In the order in which they are built and reported. Horizons and lateness are defaults of settings (flows/config.py).
TIMEFRAMES = {
    one.name: one
    for one in (
        Timeframe("1d", 86_400, horizons=(1, 7, 14, 30, 90), is_published=True),
        Timeframe("1h", 3_600, horizons=(1, 4, 24, 72, 168), is_published=False),
        Timeframe("15m", 900, horizons=(1, 4, 16, 96), is_published=False),
        Timeframe("4h", 14_400, horizons=(1, 6, 18, 42), is_published=True),
        Timeframe("1w", 604_800, horizons=(1, 4, 13), is_published=True),
    )
}

# The horizon of a page that shows one only (contract, section 1); elsewhere it is the second.
HEADLINES = {"1d": 7, "1h": 24}

# In use everywhere: what has no timeframe of its own (a grade, the market's regime) goes by days.
DAILY = "1d"

# In use unless TRACKRECORD_TIMEFRAMES names others.
DEFAULT = ("1d", "1h")


def headline_horizon(timeframe: str, horizons: Sequence[int]) -> int:
    """Which of a timeframe's horizons, in ascending order, stands for all where a page shows one only."""
    second = horizons[min(1, len(horizons) - 1)]
    headline = HEADLINES.get(timeframe, second)
    return headline if headline in horizons else second


def bar_length(column: str, timeframes: Iterable[str] = TIMEFRAMES) -> str:
    """SQL for the length of a bar of the timeframe that a column names, where no macro is at hand."""
    cases = " ".join(f"when '{name}' then {TIMEFRAMES[name].interval}" for name in timeframes)
    return f"case {column} {cases} end"
