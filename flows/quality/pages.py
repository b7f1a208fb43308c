"""The pages of the Data Docs: one a dataset and an index, plain HTML that needs no network."""

import os
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from flows.quality.results import GateResult, RuleResult

# Great Expectations' pages load their style from the network; these rules dress its class names offline.
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2733; max-width: 1100px; margin: 2rem auto;
       padding: 0 1rem }
h1 { font-size: 1.5rem } h5 { font-size: 1.05rem; margin: 1.6rem 0 .3rem } h6 { margin: .4rem 0 }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #dde3ea }
th { background: #f4f6f9 } td.n { text-align: right; font-variant-numeric: tabular-nums }
code, .table-sm { font: 13px/1.4 ui-monospace, monospace } td code { word-break: break-word }
.badge { background: #e8edf3; border-radius: 3px; padding: 0 .3rem; font-family: ui-monospace, monospace }
.text-danger, .failed { color: #b42318 } .text-success, .passed { color: #177245 } .warned { color: #9a6700 }
.fa-check-circle::before { content: "passed" } .fa-times::before { content: "failed" }
.fa-exclamation-triangle::before { content: "not evaluated" }
.fas { font-style: normal; font-weight: 600 } a { color: #1f4fbf }
@media (prefers-color-scheme: dark) {
  body { background: #12171d; color: #dbe2ea } th { background: #1c242d } th, td { border-color: #2c3742 }
  .badge { background: #2c3742 } a { color: #8db4ff }
  .text-danger, .failed { color: #ff8f85 } .text-success, .passed { color: #6fd3a0 }
  .warned { color: #e3b341 }
}
"""


def write(folder: Path, gates: Sequence[GateResult], sections: Mapping[str, Sequence[str]], *, title: str) -> Path:
    """Write the index and a page for each dataset, and drop the pages of a run before; return the index."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {f"{gate.dataset}.html": _gate_page(gate, sections[gate.dataset], title) for gate in gates}
    written["index.html"] = _index(gates, title)
    for name, page in written.items():
        _replace(folder / name, page)
    for old in folder.glob("*.html"):
        if old.name not in written:
            old.unlink()
    return folder / "index.html"


def write_checks(folder: Path, results: Sequence[RuleResult], *, title: str) -> Path:
    """Write the page of the second gate and its line in the index; return the index."""
    folder.mkdir(parents=True, exist_ok=True)
    gate = GateResult("marts", tuple(results), 0, tuple(result for result in results if result.is_stop))
    _replace(folder / "marts.html", _gate_page(gate, (), title))
    index = folder / "index.html"
    page = index.read_text(encoding="utf-8") if index.exists() else _index((), title)
    _replace(index, re.sub("<!-- marts -->.*", lambda found: f"<!-- marts -->{_index_row(gate)}", page))
    return index


def _replace(path: Path, text: str) -> None:
    """A reader sees the old page or the new one, never half of one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body>{body}</body></html>\n"
    )


def _index(gates: Sequence[GateResult], title: str) -> str:
    rows = "\n".join([*(_index_row(gate) for gate in gates), "<!-- marts -->"])
    return _page(
        f"Gate: {title}",
        f"<h1>What the gate found: {escape(title)}</h1>\n<table><tr><th>dataset</th><th>state</th>"
        f"<th>rows quarantined</th><th>rules that failed</th></tr>\n{rows}\n</table>",
    )


def _index_row(gate: GateResult) -> str:
    return (
        f'<tr><td><a href="{gate.dataset}.html">{gate.dataset}</a></td><td>{_gate_state(gate)}</td>'
        f'<td class="n">{gate.n_quarantined:,}</td><td>{_failed_rules(gate)}</td></tr>'
    )


def _gate_page(gate: GateResult, sections: Sequence[str], title: str) -> str:
    rules = "\n".join(_rule_row(result) for result in gate.results)
    details = "".join(f"<section>{section}</section>\n" for section in sections)
    return _page(
        f"Gate: {gate.dataset}",
        f'<p><a href="index.html">all datasets</a></p>\n<h1>{gate.dataset}: {_gate_state(gate)}</h1>\n'
        f"<p>{escape(title)}; {gate.n_quarantined:,} rows quarantined.</p>\n"
        "<table><tr><th>rule</th><th>severity</th><th>state</th><th>failed</th><th>checked</th>"
        f"<th>reason and example</th></tr>\n{rules}</table>\n{details}",
    )


def _gate_state(gate: GateResult) -> str:
    if gate.stops:
        return '<span class="failed">stopped</span>'
    return '<span class="warned">passed with remarks</span>' if gate.warnings else '<span class="passed">passed</span>'


def _failed_rules(gate: GateResult) -> str:
    failed = [result for result in gate.results if not result.is_passed]
    return ", ".join(f"{result.rule} ({result.n_failed:,})" for result in failed) or "none"


def _rule_row(result: RuleResult) -> str:
    state = "passed" if result.is_passed else "accepted" if result.is_accepted else "failed"
    css = "passed" if result.is_passed else "failed" if result.is_stop else "warned"
    checked = f"{result.n_checked:,}" if result.n_checked is not None else ""
    example = f"<br><code>{escape(result.example)}</code>" if result.example else ""
    return (
        f"<tr><td>{result.rule}</td><td>{result.severity}</td><td class='{css}'>{state}</td>"
        f'<td class="n">{result.n_failed:,}</td><td class="n">{checked}</td>'
        f"<td>{escape(result.reason)}{example}</td></tr>"
    )
