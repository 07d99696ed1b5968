"""Claim lines judged by the rules of a payment year: which count, and why the others do not."""

from __future__ import annotations

import numpy as np

from riskadj.jit import kernel
from riskadj.kernels.arrays import Lots, PlainPositions, Words

#: Why a row does not count, in the order in which it is asked; a lot is ``reason * n_groups + group``.
COUNTS, OUTSIDE_COLLECTION, CLAIM_TYPE, BILL_TYPE, PROCEDURE, RECORD_SOURCE = range(6)
N_REASONS = 6


@kernel
def judge_claims(
    types: PlainPositions,
    bills: PlainPositions,
    procedures: PlainPositions,
    sources: PlainPositions,
    group_of_type: PlainPositions,
    group_of_bill: PlainPositions,
    rules_of_group: Words,
    lot_of_group: PlainPositions,
    procedure_rules: Words,
    source_rules: Words,
    lots: Lots,
) -> None:
    """Put each row into a lot: its group, and the first reason why no claim rule lets it count.

    Parameters
    ----------
    types, bills, procedures, sources : uint32, shape (n_rows,)
        Dictionary entry of each row's claim type, bill type, procedure and record source.
    group_of_type, group_of_bill : uint32, shape (n_entries,)
        A row's group is the sum of the two.
    rules_of_group : uint64, shape (n_groups,)
        Rules (as bits) that the claim and bill type of a group satisfy; every bit where they satisfy none.
    lot_of_group : uint32, shape (n_groups,)
        Lot of the group's rows, as far as claim and bill type tell.
    procedure_rules, source_rules : uint64, shape (n_entries,)
        Rules that each procedure and each source satisfies; the highest bit is on in all.
    lots : uint16, shape (n_rows,); written
    """
    n_groups, none = rules_of_group.shape[0], np.uint64(0)
    for row in range(types.shape[0]):
        group = group_of_type[types[row]] + group_of_bill[bills[row]]
        by_procedure = rules_of_group[group] & procedure_rules[procedures[row]]
        by_source = by_procedure & source_rules[sources[row]]
        # Sums, not branches: nobody could guess which way the next row goes.
        fails = (RECORD_SOURCE - PROCEDURE) * (by_procedure != none) + PROCEDURE
        lots[row] = lot_of_group[group] + n_groups * fails * (by_source == none)
