"""What the HTML forms share: figures that say where they come from, and pictures."""

from html import escape

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.report.digest.charts import in_light, in_page
from flows.report.digest.document import Chart, Text


def environment() -> Environment:
    """Templates that escape everything and fail at what is not there."""
    made = Environment(
        loader=PackageLoader("flows.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["told"] = told
    made.filters["drawn"] = lambda chart: Markup(in_page(chart.svg))
    return made


def told(text: Text) -> Markup:
    """Text as HTML, each figure marked with its path in digest.json."""
    return Markup("").join(
        Markup(escape(part))
        if isinstance(part, str)
        else Markup('<b data-fact="{}">{}</b>').format(part.path, part.text)
        for part in text
    )


def png(chart: Chart) -> bytes:
    """A picture as a mail shows it, twice as fine as it is large."""
    return bytes(vl_convert.svg_to_png(in_light(chart.svg), scale=2))
