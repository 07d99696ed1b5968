"""Summaries of scores: member months and mean scores by model and segment."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_SCORES = ("demographic_score", "disease_score", "raw_risk_score", "payment_risk_score")


def summarise(model_scores: pa.Table) -> pa.Table:
    """Return one row per model and segment, then one per model over all segments.

    Parameters
    ----------
    model_scores : pyarrow.Table
        With model_id, segment, months_enrolled and the scores.

    Returns
    -------
    pyarrow.Table
        model_id, segment ("all" for the model's total), rows, member_months, and the means of the scores weighted by
        months enrolled [1.000 = average beneficiary]; with no months at all, plain means.
    """
    names = ["model_id", "segment", "months_enrolled", *_SCORES]
    table = model_scores.select(names)
    for name in ("model_id", "segment"):
        table = table.set_column(names.index(name), name, table[name].cast(pa.string()))
    months = table["months_enrolled"].cast(pa.float64())
    weight = months if pc.sum(months).as_py() else pc.add(pc.multiply(months, 0.0), 1.0)
    for name in _SCORES:
        table = table.append_column(f"{name}_x_weight", pc.multiply(table[name], weight))
    table = table.append_column("weight", weight)
    parts = [_grouped(table, ["model_id", "segment"]), _grouped(table, ["model_id"])]
    joined = pa.concat_tables(parts)
    return joined.sort_by([("model_id", "ascending"), ("order", "ascending"), ("segment", "ascending")]).drop(["order"])


def _grouped(table: pa.Table, keys: list[str]) -> pa.Table:
    sums = [(f"{name}_x_weight", "sum") for name in _SCORES]
    grouped = table.group_by(keys).aggregate(
        [("weight", "sum"), ("months_enrolled", "sum"), ("months_enrolled", "count"), *sums]
    )
    n_groups = grouped.num_rows
    segment = grouped["segment"] if "segment" in keys else pa.array(["all"] * n_groups, pa.string())
    means = {
        f"mean_{name}": pc.divide(grouped[f"{name}_x_weight_sum"], grouped["weight_sum"]) for name in _SCORES
    }
    return pa.table(
        {
            "model_id": grouped["model_id"],
            "segment": segment,
            "rows": grouped["months_enrolled_count"],
            "member_months": grouped["months_enrolled_sum"],
            **means,
            "order": pa.array([int("segment" not in keys)] * n_groups, pa.int8()),
        }
    )
