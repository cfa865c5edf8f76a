"""Plans as tables for readers."""

import math

import pandas as pd

from msm_bench.planning.components import Components


def component_table(components: Components) -> pd.DataFrame:
    """Every component as a row: standard deviation and degrees of freedom, NaN where it can't be told apart."""
    rows: list[dict[str, object]] = []
    if components.seed is not None:
        rows.append({"component": "seed", "task": "all", "sd": components.seed.sd, "df": components.seed.df})
        rows[0] |= {"sd_low": components.seed_low, "sd_high": components.seed_high}
    for task in components.tasks:
        named = {
            "cluster": task.cluster if task.shape.per_cluster > 1 else None,
            "item": task.item,
            "seed x cluster": task.seed_cluster if task.seed_cluster.df else None,
            "seed x item": task.seed_item if components.seeds != 1 else None,
            "epoch": task.epoch,
            "epoch, untrained arms": task.epoch_once if task.epoch_once.df else None,
        }
        rows += [
            {"component": name, "task": task.task, "sd": own.sd, "df": own.df} for name, own in named.items() if own
        ]
    return pd.DataFrame(rows, columns=["component", "task", "sd", "df", "sd_low", "sd_high"])


def for_readers(table: pd.DataFrame) -> pd.DataFrame:
    """A table of numbers with three digits, a range in one column, and without columns that say nothing."""
    shown = pd.DataFrame(index=table.index)
    for column in table.columns:
        if column == "power_low":
            pairs = zip(table["power_low"], table["power_high"], strict=True)
            shown["power range"] = [f"{low:.2f} to {high:.2f}" if low == low else "–" for low, high in pairs]
        elif column in ("power", "power_both"):
            shown[column.replace("_", " ")] = [f"{value:.2f}" if value == value else "–" for value in table[column]]
        elif column != "power_high" and not table[column].isna().all() and any(table[column] != ""):
            shown[column.replace("_", " ")] = [_digits(value) for value in table[column]]
    return shown


def _digits(value: object) -> str:
    if value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
