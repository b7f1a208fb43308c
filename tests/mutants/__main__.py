"""Draw random faults, and report how many of those that change anything the tests of `make test` notice.

    make mutants N=200 SEED=16

Each kind of fault is as likely as any other, and within a kind each place. `--log` keeps the verdicts: another run with
the same file goes on from there. Exit code 1 below 97 %.
"""

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from scipy import stats

from flows.config import ROOT
from tests.mutants.sites import Mutation, measure_mutations, python_mutations, sql_mutations
from tests.mutants.trial import (
    DOES_NOT_RUN,
    EQUIVALENT,
    NOTICED,
    SURVIVED,
    Mutant,
    Verdict,
    look_at,
    pristine,
    try_out,
)

LEAST_NOTICED = 0.97
SCORING = ("flows/scoring", "flows/scorecards")


def every_mutant() -> Iterator[Mutant]:
    """Every small fault of every model and of the scoring."""
    for path in sorted((ROOT / "sql").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        yield from (_mutant(path, text, one) for one in sql_mutations(text))
    for path in sorted((ROOT / "sql" / "measures").glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        yield from (_mutant(path, text, one) for one in measure_mutations(text))
    for folder in SCORING:
        for path in sorted((ROOT / folder).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield from (_mutant(path, text, one) for one in python_mutations(text))


def draw(n: int, seed: int) -> list[Mutant]:
    """Different faults: each time a kind, then one of its places."""
    chance = random.Random(seed)
    by_kind: dict[str, list[Mutant]] = defaultdict(list)
    for one in every_mutant():
        language = "Python" if one.file.endswith(".py") else "SQL"
        by_kind[f"{language} {one.mutation.kind}"].append(one)
    drawn = []
    while len(drawn) < n and by_kind:
        kind = chance.choice(sorted(by_kind))
        drawn.append(by_kind[kind].pop(chance.randrange(len(by_kind[kind]))))
        if not by_kind[kind]:
            del by_kind[kind]
    return drawn


def main() -> int:
    """Draw, try out, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=200, help="how many faults are drawn")
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--log", type=Path, help="keep the verdicts here, one JSON a line, and go on from there")
    options = parser.parse_args()

    mutants = draw(options.number, options.seed)
    verdicts = {one: verdict for one, verdict in _logged(options.log).items() if one in set(mutants)}
    with TemporaryDirectory() as place, ThreadPoolExecutor(options.processes) as pool:
        original, baseline = pristine(Path(place) / "original"), Path(place) / "baseline.json"
        _look_twice(original, baseline)
        futures = {pool.submit(try_out, one, original, baseline): one for one in mutants if one not in verdicts}
        for future in as_completed(futures):
            one = futures[future]
            verdicts[one] = future.result()
            print(_row(one, verdicts[one]), file=sys.stderr, flush=True)
            if options.log:
                with options.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps({"mutant": asdict(one), "verdict": asdict(verdicts[one])}) + "\n")
    print(report(verdicts))
    return 0 if _share(verdicts) >= LEAST_NOTICED else 1


def _look_twice(original: Path, baseline: Path) -> None:
    """Write down what the unchanged product publishes; what would differ without a fault cannot be laid to one."""
    looks = (baseline, baseline.with_name("again.json"))
    if not all(look_at(original, out) for out in looks):
        raise SystemExit(
            "The unchanged product cannot be looked at: `python -m tests.mutants.scenes found.json` says why."
        )
    first, again = (json.loads(out.read_text(encoding="utf-8")) for out in looks)
    errors = [step for steps in first.values() for step in steps if isinstance(step, list)]
    if errors or first != again:
        raise SystemExit(f"The unchanged product fails, or two looks at it differ (see NOT_COMPARED): {errors}")


def report(verdicts: dict[Mutant, Verdict]) -> str:
    """A table of all faults, and the share noticed of those that change anything, with Wilson's interval."""
    rows = [
        _row(one, verdicts[one]) for one in sorted(verdicts, key=lambda one: (verdicts[one].state, one.file, one.line))
    ]
    counts = Counter(verdict.state for verdict in verdicts.values())
    n = counts[NOTICED] + counts[SURVIVED]
    lines = ["| place | fault | verdict | changes | noticed by, or why not |", "|---|---|---|---|---|", *rows, ""]
    lines.append(
        f"{len(verdicts)} faults drawn: {counts[DOES_NOT_RUN]} do not run, {counts[EQUIVALENT]} change nothing, {n} do."
    )
    if n:
        low, high = stats.binomtest(counts[NOTICED], n).proportion_ci(method="wilson")
        lines.append(
            f"Noticed: {counts[NOTICED]} of {n}, {_share(verdicts):.1%} "
            f"(Wilson's 95 % interval {low:.1%} to {high:.1%}); asked for are {LEAST_NOTICED:.0%}."
        )
    return "\n".join(lines)


def _share(verdicts: dict[Mutant, Verdict]) -> float:
    states = [verdict.state for verdict in verdicts.values() if verdict.state in (NOTICED, SURVIVED)]
    return states.count(NOTICED) / len(states) if states else 1.0


def _row(one: Mutant, verdict: Verdict) -> str:
    changes = verdict.changes if len(verdict.changes) <= 80 else f"{verdict.changes[:77]}..."
    cells = (f"{one.file}:{one.line}", f"`{one.words}`", verdict.state, changes, verdict.by)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _mutant(path: Path, text: str, mutation: Mutation) -> Mutant:
    line = text.count("\n", 0, mutation.start) + 1
    return Mutant(
        path.relative_to(ROOT).as_posix(),
        line,
        text.splitlines()[line - 1].strip(),
        text[mutation.start : mutation.end],
        mutation,
    )


def _logged(log: Path | None) -> dict[Mutant, Verdict]:
    found = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log and log.exists() else ():
        row = json.loads(line)
        mutation = Mutation(**row["mutant"].pop("mutation"))
        found[Mutant(mutation=mutation, **row["mutant"])] = Verdict(**row["verdict"])
    return found


if __name__ == "__main__":
    sys.exit(main())
