"""Run the study, write its tables into `docs/methodology.md` and hold its promises; exit 1 where one is broken.

    make study SEEDS=22

`--cells` keeps what was scored: another run with the same file goes on from there. About 2 s a panel of 60 tokens and
0.7 s a panel of 15, on one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from tests.study.panels import ALL, draw, score_all
from tests.study.promises import broken
from tests.study.tables import METHODOLOGY, replaced, tables


def main() -> int:
    """Run, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=22, help="panels a setting")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cells", type=Path, help="keep the scored cells here, as a pickle, and go on from there")
    parser.add_argument("--output", type=Path, default=METHODOLOGY, help="the document that shows the tables")
    options = parser.parse_args()

    parts = [pd.read_pickle(options.cells)] if options.cells and options.cells.exists() else []
    done = {pair for part in parts for pair in part.groupby(["setting", "seed"]).groups}
    todo = [panel for panel in draw(ALL, range(1, options.seeds + 1)) if (panel.setting, panel.seed) not in done]
    for part in score_all(todo, processes=options.processes):
        parts.append(part)
        print(f"{sum(len(one) for one in parts)} cells", file=sys.stderr, flush=True)
        if options.cells:
            pd.concat(parts, ignore_index=True).to_pickle(options.cells)

    cells = pd.concat(parts, ignore_index=True)
    document = options.output.read_text(encoding="utf-8")
    options.output.write_text(replaced(document, tables(cells)), encoding="utf-8")
    promises = broken(cells)
    print(f"{options.output}: the tables of {options.seeds} panels of each kind; {len(promises)} promises broken.")
    print("\n".join(promises))
    return 1 if promises else 0


if __name__ == "__main__":
    sys.exit(main())
