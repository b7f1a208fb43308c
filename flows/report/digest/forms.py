"""Shared by the HTML forms: figures marked with their path, and charts as SVG or PNG."""

from html import escape

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from flows.report.digest.charts import in_light, in_page
from flows.report.digest.document import Chart, Text


def environment() -> Environment:
    """Jinja templates that escape all text and fail on an undefined name."""
    made = Environment(
        loader=PackageLoader("flows.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["html"] = as_html
    made.filters["drawn"] = lambda chart: Markup(in_page(chart.svg))
    return made


def as_html(text: Text) -> Markup:
    """Text as HTML, each figure marked with its path in digest.json."""
    return Markup("").join(
        Markup(escape(part))
        if isinstance(part, str)
        else Markup('<b data-fact="{}">{}</b>').format(part.path, part.text)
        for part in text
    )


def png(chart: Chart) -> bytes:
    """A chart as PNG for the mail, at twice its displayed size for sharp screens."""
    return bytes(vl_convert.svg_to_png(in_light(chart.svg), scale=2))
