"""Claim lines under plan designs, in whole cents: the kernels of adjudication.

A family's lines of a year stand together, in order of date; members of a family are numbered from 0. Every design walks
the family's lines while they are in the processor's cache.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel

Cents = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

#: Fields of a design's terms of one service, in the last axis of `terms`.
N_TERMS = 13
(COPAY, SHARE, COUNTS_TO_DEDUCTIBLE, COPAY_FIRST, UNIT, DAYS, FREE_VISITS, COPAY_VISITS, MOST, COUNTS_TO_MAXIMUM,
 IS_COVERED, IS_DRUG, IS_PLAIN) = range(N_TERMS)  # fmt: skip
#: Fields of a design's limits, in the last axis of `limits`.
N_LIMITS = 7
(
    DEDUCTIBLE,
    MAXIMUM,
    FAMILY_DEDUCTIBLE,
    FAMILY_MAXIMUM,
    IS_AGGREGATE,
    DRUGS_OWN_DEDUCTIBLE,
    DRUGS_OWN_MAXIMUM,
) = range(N_LIMITS)
#: Units of a copay, as `design.COPAY_UNITS`.
VISIT, DAY, STAY, SCRIPT = 0, 1, 2, 3
#: What a line's allowed amount becomes, in the last axis of the results.
N_PARTS = 5
PLAN_PAID, DEDUCTIBLE_PAID, COPAY_PAID, COINSURANCE_PAID, NOT_COVERED = range(N_PARTS)
#: Tiers of the network, and which of them have limits of their own.
N_TIERS, OUTSIDE = 3, 2
MILLION = 1_000_000


@kernel
def owed(
    amount: int, copay: int, deductible_room: int, share: int, most: int, copay_first: bool
) -> tuple[int, int, int]:
    """Return deductible, copay and coinsurance of a line before the out-of-pocket maximum [cents].

    Parameters
    ----------
    copay : int
        What is left of the copay of the visit, stay or script.
    deductible_room : int
        What is left of the deductible; 0 where it is waived.
    share : int
        Coinsurance, in millionths; rounded to the cent, halves up.
    most : int
        The most that copay and coinsurance may come to.
    copay_first : bool
        The copay comes before the deductible.
    """
    before = min(copay, amount) if copay_first else 0
    deductible = min(deductible_room, amount - before)
    after = 0 if copay_first else min(copay, amount - deductible)
    left = amount - before - deductible - after
    paid_copay = min(before + after, most)
    coinsurance = min((left * share + MILLION // 2) // MILLION, most - paid_copay)
    return deductible, paid_copay, coinsurance


@kernel
def adjudicate(
    first_family: int,
    last_family: int,
    families: Cents,
    allowed: Cents,
    days: Codes,
    services: Codes,
    tiers: Codes,
    members: Codes,
    unit_begins: Cents,
    unit_numbers: Codes,
    first_member: Cents,
    limits: Cents,
    terms: Cents,
    totals: Cents,
    lines: Cents,
) -> None:
    """Adjudicate the lines of some families under every design.

    Parameters
    ----------
    first_family, last_family : int
        Families to work on; others are another thread's.
    families : int64, shape (n_families + 1,)
        Lines of family ``f``: ``families[f]`` to ``families[f + 1]``.
    allowed : int64, shape (n_lines,)
        Cents; a negative line is a credit to the plan.
    days : int32, shape (n_lines,)
        Days of a stay, 1 or more.
    services, tiers, members : int32, shape (n_lines,)
        Service category; tier of the network, the last one outside it; number within the family.
    unit_begins, unit_numbers : shape (n_lines, 2)
        Of the line's visit and stay: the line it began with, and which one of the year it is, from 1.
    first_member : int64, shape (n_families + 1,)
        Results of member ``m`` of family ``f`` go to row ``first_member[f] + m``.
    limits : int64, shape (n_designs, 2, 2, N_LIMITS)
        In and out of the network, by kind (0 medical, 1 drugs) [cents; flags 0 or 1].
    terms : int64, shape (n_designs, N_TIERS, n_services, N_TERMS)
    totals : int64, shape (n_designs, n_members, N_PARTS); added to
    lines : int64, shape (n_lines, N_PARTS) or (0, N_PARTS); written, for the last design
    """
    n_designs = terms.shape[0]
    most_members, most_lines = 1, 1
    for family in range(first_family, last_family):
        most_members = max(most_members, first_member[family + 1] - first_member[family])
        most_lines = max(most_lines, families[family + 1] - families[family])
    # Accumulators: by member (last: the family), outside the network or not, kind, deductible or maximum.
    paid = np.zeros((most_members + 1, 2, 2, 2), np.int64)
    # What is left of the visit, stay or script that began with a line: its copay, days with a copay, the most to pay.
    copay_left = np.zeros(most_lines, np.int64)
    days_left = np.zeros(most_lines, np.int64)
    most_left = np.zeros(most_lines, np.int64)
    for family in range(first_family, last_family):
        begin, end, row = families[family], families[family + 1], first_member[family]
        size = first_member[family + 1] - row
        if begin == end:
            continue
        for design in range(n_designs):
            paid[:size] = 0
            paid[most_members] = 0
            for line in range(begin, end):
                member, tier, service, amount = members[line], tiers[line], services[line], allowed[line]
                if terms[design, tier, service, IS_COVERED] == 0:
                    totals[design, row + member, NOT_COVERED] += amount
                    if lines.shape[0]:
                        lines[line, NOT_COVERED] = amount
                    continue
                deductible, copay, coinsurance = 0, 0, 0
                is_free = amount <= 0
                unit_copay, most, is_copay_only = 0, amount, False
                unit = line - begin
                if not is_free and terms[design, tier, service, IS_PLAIN] == 0:
                    kind = terms[design, tier, service, UNIT]
                    number = 1
                    if kind != SCRIPT:
                        by = 0 if kind == VISIT else 1
                        unit, number = unit_begins[line, by] - begin, unit_numbers[line, by]
                    if unit == line - begin:
                        copay_left[unit] = 0 if kind == DAY else terms[design, tier, service, COPAY]
                        days_left[unit] = terms[design, tier, service, DAYS]
                        most_left[unit] = terms[design, tier, service, MOST]
                    if kind == DAY:
                        n_days = min(days[line], days_left[unit])
                        days_left[unit] -= n_days
                        copay_left[unit] += n_days * terms[design, tier, service, COPAY]
                    is_free = number <= terms[design, tier, service, FREE_VISITS]
                    is_copay_only = number <= terms[design, tier, service, COPAY_VISITS]
                    most = most_left[unit]
                    if terms[design, tier, service, COPAY_VISITS] == 0 or is_copay_only:
                        unit_copay = copay_left[unit]
                if not is_free:
                    outside = 1 if tier == OUTSIDE else 0
                    drug = terms[design, tier, service, IS_DRUG]
                    of_deductible = drug * limits[design, outside, 1, DRUGS_OWN_DEDUCTIBLE]
                    of_maximum = drug * limits[design, outside, 1, DRUGS_OWN_MAXIMUM]
                    counts = terms[design, tier, service, COUNTS_TO_DEDUCTIBLE] != 0 and not is_copay_only
                    room = 0
                    if counts:
                        room = (
                            limits[design, outside, of_deductible, DEDUCTIBLE]
                            - paid[member, outside, of_deductible, 0]
                        )
                        if size > 1:
                            shared = (
                                limits[design, outside, of_deductible, FAMILY_DEDUCTIBLE]
                                - paid[most_members, outside, of_deductible, 0]
                            )
                            is_aggregate = limits[design, outside, of_deductible, IS_AGGREGATE] != 0
                            room = shared if is_aggregate else min(room, shared)
                    share = 0 if is_copay_only else terms[design, tier, service, SHARE]
                    is_first = not counts or terms[design, tier, service, COPAY_FIRST] != 0
                    deductible, copay, coinsurance = owed(
                        amount, unit_copay, max(room, 0), share, most, is_first
                    )
                    if terms[design, tier, service, IS_PLAIN] == 0:
                        copay_left[unit] -= copay
                        most_left[unit] -= copay + coinsurance
                    if terms[design, tier, service, COUNTS_TO_MAXIMUM] != 0:
                        room = (
                            limits[design, outside, of_maximum, MAXIMUM]
                            - paid[member, outside, of_maximum, 1]
                        )
                        if size > 1:
                            shared = (
                                limits[design, outside, of_maximum, FAMILY_MAXIMUM]
                                - paid[most_members, outside, of_maximum, 1]
                            )
                            room = min(room, shared)
                        deductible = min(deductible, room)
                        copay = min(copay, room - deductible)
                        coinsurance = min(coinsurance, room - deductible - copay)
                        together = deductible + copay + coinsurance
                        paid[member, outside, of_maximum, 1] += together
                        paid[most_members, outside, of_maximum, 1] += together
                    paid[member, outside, of_deductible, 0] += deductible
                    paid[most_members, outside, of_deductible, 0] += deductible
                plan_paid = amount - deductible - copay - coinsurance
                totals[design, row + member, PLAN_PAID] += plan_paid
                totals[design, row + member, DEDUCTIBLE_PAID] += deductible
                totals[design, row + member, COPAY_PAID] += copay
                totals[design, row + member, COINSURANCE_PAID] += coinsurance
                if lines.shape[0]:
                    lines[line, PLAN_PAID] = plan_paid
                    lines[line, DEDUCTIBLE_PAID] = deductible
                    lines[line, COPAY_PAID] = copay
                    lines[line, COINSURANCE_PAID] = coinsurance


@kernel
def number_units(
    families: Cents,
    first_member: Cents,
    allowed: Cents,
    services: Codes,
    tiers: Codes,
    members: Codes,
    dates: Codes,
    claims: Codes,
    n_services: int,
    unit_begins: Cents,
    unit_numbers: Codes,
) -> None:
    """Find the visit (a day's lines of a service and tier) and the stay (a claim's lines) that each line belongs to.

    Parameters
    ----------
    families, first_member, allowed, services, tiers, members
        As in `adjudicate`. Lines of 0 or less belong to no visit and no stay: both results are 0.
    dates, claims : int32, shape (n_lines,)
    unit_begins : int64, shape (n_lines, 2); written
        The first line of its visit, and of its stay.
    unit_numbers : int32, shape (n_lines, 2); written
        Which visit and stay of the year it is, of the member in the service and tier, from 1.
    """
    most = 1
    for family in range(len(families) - 1):
        most = max(most, first_member[family + 1] - first_member[family])
    last = np.zeros(
        (most, N_TIERS, n_services, 2), np.int64
    )  # first line of the latest visit and stay; -1 none
    earlier = np.full(len(allowed), -1, np.int64)  # the stay before the one that began with a line
    for family in range(len(families) - 1):
        last[: first_member[family + 1] - first_member[family]] = -1
        for line in range(families[family], families[family + 1]):
            if allowed[line] <= 0:
                continue
            member, tier, service = members[line], tiers[line], services[line]
            visit, stay = last[member, tier, service, 0], last[member, tier, service, 1]
            found = stay
            while found >= 0 and claims[found] != claims[line]:
                found = earlier[found]
            if visit < 0 or dates[visit] != dates[line]:
                unit_numbers[line, 0] = 1 if visit < 0 else unit_numbers[visit, 0] + 1
                last[member, tier, service, 0] = visit = line
            if found < 0:
                unit_numbers[line, 1] = 1 if stay < 0 else unit_numbers[stay, 1] + 1
                earlier[line] = stay
                last[member, tier, service, 1] = found = line
            unit_begins[line, 0], unit_begins[line, 1] = visit, found
            unit_numbers[line, 0], unit_numbers[line, 1] = unit_numbers[visit, 0], unit_numbers[found, 1]
