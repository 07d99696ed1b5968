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
Flags = npt.NDArray[np.bool_]
#: Positions are unsigned: compiled code then spares the question whether one counts from the end.
Positions = npt.NDArray[np.uint32]

#: Fields of a design's terms of one slot (tier of the network and service), in the last axis of `terms`.
N_TERMS = 13
(SHARE, DEDUCTIBLE_ACCOUNT, MAXIMUM_ACCOUNT, COMBINED_ACCOUNT, IS_COVERED, HAS_UNITS, COPAY, COPAY_FIRST, UNIT, DAYS,
 FREE_VISITS, COPAY_VISITS, MOST) = range(N_TERMS)  # fmt: skip
#: Accounts: medical and drugs in the network, the same outside it, everything together, and none (without a limit of
#: its own: a deductible that is waived has no room, a maximum that does not hold has room for all).
N_ACCOUNTS = 6
COMBINED, NO_ACCOUNT = 4, 5
#: Limits of an account, in the last axis of `limits`.
N_LIMITS = 4
DEDUCTIBLE, MAXIMUM, FAMILY_DEDUCTIBLE, FAMILY_MAXIMUM = range(N_LIMITS)
#: Units of a copay, as `design.COPAY_UNITS`.
VISIT, DAY, STAY, SCRIPT = 0, 1, 2, 3
#: What a line's allowed amount becomes, in the last axis of the results.
N_PARTS = 5
PLAN_PAID, DEDUCTIBLE_PAID, COPAY_PAID, COINSURANCE_PAID, NOT_COVERED = range(N_PARTS)
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
    copay = min(copay, most)
    before = min(copay, amount) if copay_first else 0
    deductible = min(deductible_room, amount - before)
    after = 0 if copay_first else min(copay, amount - deductible)
    left = amount - before - deductible - after
    coinsurance = min((left * share + MILLION // 2) // MILLION, most - before - after)
    return deductible, before + after, coinsurance


@kernel
def adjudicate(
    first_family: int,
    last_family: int,
    families: Cents,
    allowed: Cents,
    slots: Positions,
    members: Positions,
    days: Codes,
    unit_begins: Codes,
    unit_numbers: Codes,
    first_member: Cents,
    limits: Cents,
    terms: Cents,
    is_simple: Flags,
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
    slots : uint32, shape (n_lines,)
        Tier of the network times the number of services, plus the service.
    members : uint32, shape (n_lines,)
        Number within the family.
    days : int32, shape (n_lines,)
        Days of a stay, 1 or more.
    unit_begins, unit_numbers : int32, shape (n_lines, 2)
        Of the line's visit and stay: the line of the family it began with, and which one of the year it is, from 1.
    first_member : int64, shape (n_families + 1,)
        Results of member ``m`` of family ``f`` go to row ``first_member[f] + m``.
    limits : int64, shape (n_designs, 2, N_ACCOUNTS, N_LIMITS)
        Of a person alone, and of one in a family [cents].
    terms : int64, shape (n_designs, n_slots, N_TERMS)
    is_simple : bool, shape (n_designs,)
        Designs whose families of one are left to `adjudicate_persons`; none where lines are kept.
    totals : int64, shape (n_members, n_designs, N_PARTS); written
    lines : int64, shape (n_lines, N_PARTS) or (0, N_PARTS); written, for the last design

    Notes
    -----
    Every line takes the same way: what limits do not hold for it has an account without limits, so plain lines meet
    no branch but that of units. What is left of each limit lies beside the others of a member, and the last "member" is
    the family.
    """
    n_designs, keeps_lines = terms.shape[0], lines.shape[0] > 0
    most_members, most_lines = 1, 1
    for family in range(first_family, last_family):
        most_members = max(most_members, first_member[family + 1] - first_member[family])
        most_lines = max(most_lines, families[family + 1] - families[family])
    if most_members == 1 and is_simple.all():
        return
    deductible_left = np.zeros((most_members + 1, N_ACCOUNTS), np.int64)
    maximum_left = np.zeros((most_members + 1, N_ACCOUNTS), np.int64)
    sums = np.zeros((most_members, N_PARTS), np.int64)
    # What is left of the visit, stay or script that began with a line: its copay, days with a copay, the most to pay.
    copay_left = np.zeros(most_lines, np.int64)
    days_left = np.zeros(most_lines, np.int64)
    most_left = np.zeros(most_lines, np.int64)
    for family in range(first_family, last_family):
        begin, end, row = families[family], families[family + 1], first_member[family]
        size = first_member[family + 1] - row
        if begin == end:
            continue
        in_family, shared = 1 if size > 1 else 0, np.uint32(size)
        for design in range(n_designs):
            if size == 1 and is_simple[design]:
                continue  # see `adjudicate_persons`
            for each in range(N_ACCOUNTS):
                for member in range(size):
                    deductible_left[member, each] = limits[design, in_family, each, DEDUCTIBLE]
                    maximum_left[member, each] = limits[design, in_family, each, MAXIMUM]
                deductible_left[size, each] = limits[design, in_family, each, FAMILY_DEDUCTIBLE]
                maximum_left[size, each] = limits[design, in_family, each, FAMILY_MAXIMUM]
            sums[:size] = 0
            for line in range(begin, end):
                slot, member, amount = slots[line], members[line], allowed[line]
                if terms[design, slot, IS_COVERED] == 0:
                    sums[member, NOT_COVERED] += amount
                    if keeps_lines:
                        lines[line, NOT_COVERED] = amount
                    continue
                payable, copay = max(amount, 0), 0
                share, account = (
                    terms[design, slot, SHARE],
                    np.uint32(terms[design, slot, DEDUCTIBLE_ACCOUNT]),
                )
                if terms[design, slot, HAS_UNITS] == 0 or amount <= 0:
                    room = min(deductible_left[member, account], deductible_left[shared, account])
                    deductible = min(room, payable)
                    coinsurance = ((payable - deductible) * share + MILLION // 2) // MILLION
                else:
                    kind, unit, number = terms[design, slot, UNIT], line - begin, 1
                    if kind == VISIT:
                        unit, number = unit_begins[line, 0], unit_numbers[line, 0]
                    elif kind != SCRIPT:
                        unit, number = unit_begins[line, 1], unit_numbers[line, 1]
                    if unit == line - begin:
                        copay_left[unit] = 0 if kind == DAY else terms[design, slot, COPAY]
                        days_left[unit] = terms[design, slot, DAYS]
                        most_left[unit] = terms[design, slot, MOST]
                    if kind == DAY:
                        n_days = min(days[line], days_left[unit])
                        days_left[unit] -= n_days
                        copay_left[unit] += n_days * terms[design, slot, COPAY]
                    if number <= terms[design, slot, FREE_VISITS]:
                        sums[member, PLAN_PAID] += amount
                        if keeps_lines:
                            lines[line, PLAN_PAID] = amount
                        continue
                    unit_copay = copay_left[unit]
                    if number <= terms[design, slot, COPAY_VISITS]:
                        share, account = 0, np.uint32(NO_ACCOUNT)
                    elif terms[design, slot, COPAY_VISITS] > 0:
                        unit_copay = 0
                    is_first = account == NO_ACCOUNT or terms[design, slot, COPAY_FIRST] != 0
                    room = min(deductible_left[member, account], deductible_left[shared, account])
                    deductible, copay, coinsurance = owed(
                        amount, unit_copay, room, share, most_left[unit], is_first
                    )
                    copay_left[unit] -= copay
                    most_left[unit] -= copay + coinsurance
                own = np.uint32(terms[design, slot, MAXIMUM_ACCOUNT])
                both = np.uint32(terms[design, slot, COMBINED_ACCOUNT])
                room = min(
                    min(maximum_left[member, own], maximum_left[shared, own]),
                    min(maximum_left[member, both], maximum_left[shared, both]),
                )
                deductible = min(deductible, room)
                copay = min(copay, room - deductible)
                coinsurance = min(coinsurance, room - deductible - copay)
                together = deductible + copay + coinsurance
                deductible_left[member, account] -= deductible
                deductible_left[shared, account] -= deductible
                maximum_left[member, own] -= together
                maximum_left[shared, own] -= together
                maximum_left[member, both] -= together
                maximum_left[shared, both] -= together
                sums[member, PLAN_PAID] += amount - together
                sums[member, DEDUCTIBLE_PAID] += deductible
                sums[member, COPAY_PAID] += copay
                sums[member, COINSURANCE_PAID] += coinsurance
                if keeps_lines:
                    lines[line, PLAN_PAID] = amount - together
                    lines[line, DEDUCTIBLE_PAID] = deductible
                    lines[line, COPAY_PAID] = copay
                    lines[line, COINSURANCE_PAID] = coinsurance
            for member in range(size):
                for part in range(N_PARTS):
                    totals[row + member, design, part] = sums[member, part]


@kernel
def adjudicate_persons(
    first_family: int,
    last_family: int,
    families: Cents,
    allowed: Cents,
    slots: Positions,
    first_member: Cents,
    limits: Cents,
    terms: Cents,
    is_simple: Flags,
    totals: Cents,
) -> None:
    """Adjudicate families of one under designs with one deductible, one maximum and no visits, stays or scripts.

    The same rule as in `adjudicate`, which leaves them out; here everything that a person has paid stays in registers,
    which takes less than half the time. Parameters as there.
    """
    for family in range(first_family, last_family):
        begin, end, row = families[family], families[family + 1], first_member[family]
        if begin == end or first_member[family + 1] - row > 1:
            continue
        for design in range(terms.shape[0]):
            if not is_simple[design]:
                continue
            deductible_left, maximum_left = limits[design, 0, 0, DEDUCTIBLE], limits[design, 0, 0, MAXIMUM]
            plan_paid, deductible_paid, coinsurance_paid, not_covered = 0, 0, 0, 0
            for line in range(np.uint64(begin), np.uint64(end)):
                slot, amount = slots[line], allowed[line]
                if terms[design, slot, IS_COVERED] == 0:
                    not_covered += amount
                    continue
                payable, counts = max(amount, 0), terms[design, slot, MAXIMUM_ACCOUNT] != NO_ACCOUNT
                room = 0 if terms[design, slot, DEDUCTIBLE_ACCOUNT] == NO_ACCOUNT else deductible_left
                deductible = min(room, payable)
                share = terms[design, slot, SHARE]
                coinsurance = ((payable - deductible) * share + MILLION // 2) // MILLION
                if counts:
                    deductible = min(deductible, maximum_left)
                    coinsurance = min(coinsurance, maximum_left - deductible)
                    maximum_left -= deductible + coinsurance
                deductible_left -= deductible
                plan_paid += amount - deductible - coinsurance
                deductible_paid += deductible
                coinsurance_paid += coinsurance
            totals[row, design, PLAN_PAID] = plan_paid
            totals[row, design, DEDUCTIBLE_PAID] = deductible_paid
            totals[row, design, COINSURANCE_PAID] = coinsurance_paid
            totals[row, design, NOT_COVERED] = not_covered


@kernel
def number_units(
    families: Cents,
    first_member: Cents,
    allowed: Cents,
    slots: Positions,
    members: Positions,
    dates: Codes,
    claims: Codes,
    n_slots: int,
    unit_begins: Codes,
    unit_numbers: Codes,
) -> None:
    """Find the visit (a day's lines of a service and tier) and the stay (a claim's lines) that each line belongs to.

    Parameters
    ----------
    families, first_member, allowed, slots, members
        As in `adjudicate`. Lines of 0 or less belong to no visit and no stay: both results are 0.
    dates, claims : int32, shape (n_lines,)
    unit_begins : int32, shape (n_lines, 2); written
        The first line of its visit, and of its stay, counted from the family's first line.
    unit_numbers : int32, shape (n_lines, 2); written
        Which visit and stay of the year it is, of the member in the slot, from 1.
    """
    most_members, most_lines = 1, 1
    for family in range(len(families) - 1):
        most_members = max(most_members, first_member[family + 1] - first_member[family])
        most_lines = max(most_lines, families[family + 1] - families[family])
    last = np.zeros((most_members, n_slots, 2), np.int64)  # first line of the latest visit and stay; -1 none
    earlier = np.zeros(most_lines, np.int64)  # the stay before the one that began with a line
    for family in range(len(families) - 1):
        last[: first_member[family + 1] - first_member[family]] = -1
        begin = families[family]
        for line in range(begin, families[family + 1]):
            if allowed[line] <= 0:
                continue
            member, slot, place = members[line], slots[line], line - begin
            visit, stay = last[member, slot, 0], last[member, slot, 1]
            found = stay
            while found >= 0 and claims[begin + found] != claims[line]:
                found = earlier[found]
            if visit < 0 or dates[begin + visit] != dates[line]:
                unit_numbers[line, 0] = 1 if visit < 0 else unit_numbers[begin + visit, 0] + 1
                last[member, slot, 0] = visit = place
            if found < 0:
                unit_numbers[line, 1] = 1 if stay < 0 else unit_numbers[begin + stay, 1] + 1
                earlier[place] = stay
                last[member, slot, 1] = found = place
            unit_begins[line, 0], unit_begins[line, 1] = visit, found
            unit_numbers[line, 0] = unit_numbers[begin + visit, 0]
            unit_numbers[line, 1] = unit_numbers[begin + found, 1]
