"""Run the study and write its tables.

    python -m tests.study --seeds 60 --cells cells.pickle --output tables.md

`--cells` keeps what was scored: another run with the same file goes on from there. About 2 s a panel of 60 tokens and
0.7 s a panel of 15, on one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from tests.study.panels import NO_SKILL, PLANTED, SHIFTED, draw, score_all
from tests.study.tables import tables


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60, help="panels a setting")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--cells", type=Path, help="keep the scored cells here, as a pickle, and go on from there")
    parser.add_argument("--output", type=Path, help="write the tables here, not to the screen")
    options = parser.parse_args()

    parts = [pd.read_pickle(options.cells)] if options.cells and options.cells.exists() else []
    done = {pair for part in parts for pair in part.groupby(["setting", "seed"]).groups}
    panels = draw((*NO_SKILL, *PLANTED, *SHIFTED), range(1, options.seeds + 1))
    todo = [panel for panel in panels if (panel.setting, panel.seed) not in done]
    for part in score_all(todo, processes=options.processes):
        parts.append(part)
        print(f"{sum(len(one) for one in parts)} cells", file=sys.stderr, flush=True)
        if options.cells:
            pd.concat(parts, ignore_index=True).to_pickle(options.cells)

    text = tables(pd.concat(parts, ignore_index=True))
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
