"""The order of the digest's sections, the same in every form."""

from collections.abc import Iterable

from flows.report.digest.document import Document, Text, Writer
from flows.report.digest.model import Digest
from flows.report.digest.sections.changes import changes_section
from flows.report.digest.sections.closing import method_section, notes_section, open_calls_section, quality_section
from flows.report.digest.sections.drawdowns import drawdowns_section, levels_section
from flows.report.digest.sections.funnel import funnel_section
from flows.report.digest.sections.hit_rates import hit_rates_section
from flows.report.digest.sections.market import improved_section, regime_section
from flows.report.digest.sections.ranking import ranking_section
from flows.report.digest.sections.too_few import too_few_section


def lay_out(digest: Digest) -> Document:
    """The digest in reading order, every figure tied to its place in digest.json."""
    writer = Writer(digest)
    return Document(
        title=f"Signal track record, week {digest.week}",
        stamp="Simulated: no real market, no real vendor. The skill in it was planted."
        if digest.is_simulated
        else None,
        head=tuple(_head(writer)),
        elsewhere=_elsewhere(writer),
        sentences=tuple(writer.text(sentence) for sentence in digest.sentences),
        sections=tuple(
            section
            for section in (
                ranking_section(writer),
                changes_section(writer),
                hit_rates_section(writer),
                too_few_section(writer),
                drawdowns_section(writer),
                levels_section(writer),
                improved_section(writer),
                regime_section(writer),
                open_calls_section(writer),
                funnel_section(writer),
                quality_section(writer),
                notes_section(writer),
                method_section(writer),
            )
            if section.parts
        ),
        foot=tuple(_foot(writer)),
    )


def _head(writer: Writer) -> Iterable[Text]:
    yield writer.text("{week_from|day} to {week_to|day}, as of {as_of|moment} UTC")
    if writer.digest.archive_end is not None:
        yield writer.text("An archive: its prices end at {archive_end|moment} UTC, and this is its last whole week")
    if writer.digest.is_complete:
        yield writer.text("Data complete: yes. Run {run_id|text}")
    else:
        reasons = "; ".join(
            f"{{incomplete_because.{number}|text}}" for number in range(len(writer.digest.incomplete_because))
        )
        yield writer.text(f"Data complete: no ({reasons}). Run {{run_id|text}}")


def _elsewhere(writer: Writer) -> Text:
    """A pointer to the page and the data, for forms that show less."""
    return writer.text(
        "The page with charts and every cell: reports/{week|text}/index.html; the same as data: digest.json beside it; "
        "every week: reports/index.html."
    )


def _foot(writer: Writer) -> Iterable[Text]:
    yield writer.text("trackrecord {version|text}. Definitions: docs/methodology.md. Not financial advice.")
