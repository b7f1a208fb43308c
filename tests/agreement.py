"""Comparing two tables cell by cell: first where either is NULL, then the values."""

import numpy as np
import pandas as pd


def disagreements(ours: pd.DataFrame, theirs: pd.DataFrame, keys: list[str], *, tolerance: float = 1e-9) -> list[str]:
    """Return one sentence for each column in which two tables of the same grain differ; none where they agree.

    Rows are matched by `keys`; every column of `theirs` must be in `ours`. Numbers agree within `tolerance`, absolutely
    or relatively; everything else must be equal.
    """
    found = []
    merged = ours.merge(theirs, on=keys, how="outer", suffixes=("", "__theirs"), indicator=True)
    alone = merged["_merge"].value_counts()
    if alone["left_only"] or alone["right_only"]:
        example = merged[merged["_merge"] != "both"].iloc[0]
        found.append(
            f"rows: {alone['left_only']} only ours, {alone['right_only']} only theirs of {len(theirs)}, "
            f"e.g. {example['_merge']}: {example[keys].to_dict()}"
        )
    both = merged[merged["_merge"] == "both"]
    for column in theirs.columns.difference(keys, sort=False):
        if column not in ours.columns:
            found.append(f"{column}: missing in ours")
            continue
        shown = _differ(both, column, keys, tolerance)
        if shown:
            found.append(shown)
    return found


def _differ(both: pd.DataFrame, column: str, keys: list[str], tolerance: float) -> str | None:
    ours, theirs = both[column], both[f"{column}__theirs"]
    nulls = ours.isna() != theirs.isna()
    if nulls.any():
        example = both[nulls].iloc[0]
        return (
            f"{column}: {nulls.sum()} NULL masks of {len(both)} differ, "
            f"e.g. {example[column]} and {example[f'{column}__theirs']} at {example[keys].to_dict()}"
        )
    known = ours.notna()
    if pd.api.types.is_numeric_dtype(theirs) and not pd.api.types.is_bool_dtype(theirs):
        a, b = (side[known].to_numpy(dtype=np.float64) for side in (ours, theirs))
        with np.errstate(invalid="ignore"):
            wrong = ~((a == b) | (np.abs(a - b) <= tolerance * np.maximum(1, np.abs(b))))
    else:
        wrong = (ours[known] != theirs[known]).to_numpy(dtype=bool)
    if not wrong.any():
        return None
    example = both[known][wrong].iloc[0]
    return (
        f"{column}: {wrong.sum()} of {len(wrong)} values differ, "
        f"e.g. {example[column]!r} and {example[f'{column}__theirs']!r} at {example[keys].to_dict()}"
    )
