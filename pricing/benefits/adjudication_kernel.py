"""Claim lines under plan designs, in whole cents: the kernel of adjudication.

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
N_TERMS = 12
(COPAY, SHARE, COUNTS_TO_DEDUCTIBLE, COPAY_FIRST, UNIT, DAYS, FREE_VISITS, COPAY_VISITS, MOST, COUNTS_TO_MAXIMUM,
 IS_COVERED, IS_DRUG) = range(N_TERMS)  # fmt: skip
#: Fields of a design's limits, in the last axis of `limits`; the first axis of a design is network (in, out).
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
#: Units of a copay.
VISIT, DAY, STAY, SCRIPT = 0, 1, 2, 3
#: What a line's allowed amount becomes, in the last axis of the results.
N_PARTS = 5
PLAN_PAID, DEDUCTIBLE_PAID, COPAY_PAID, COINSURANCE_PAID, NOT_COVERED = range(N_PARTS)
MILLION = 1_000_000


@kernel
def adjudicate(
    first_family: int,
    last_family: int,
    families: Cents,
    allowed: Cents,
    units: Cents,
    services: Codes,
    networks: Codes,
    members: Codes,
    dates: Codes,
    claims: Codes,
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
    units : int64, shape (n_lines,)
        Days or scripts, 1 or more.
    services, networks, members, dates, claims : int32, shape (n_lines,)
        Service category; 0 in, 1 out of the network; number within the family; days; claim number.
    first_member : int64, shape (n_families + 1,)
        Results of member ``m`` of family ``f`` go to row ``first_member[f] + m``.
    limits : int64, shape (n_designs, 2, 2, N_LIMITS)
        By network and kind (0 medical, 1 drugs) [cents; flags 0 or 1].
    terms : int64, shape (n_designs, 2, n_services, N_TERMS)
    totals : int64, shape (n_designs, n_members, N_PARTS); added to
    lines : int64, shape (n_lines, N_PARTS) or (0, N_PARTS); written, for the last design
    """
    n_designs, n_services = terms.shape[0], terms.shape[2]
    most = 1
    for family in range(first_family, last_family):
        most = max(most, first_member[family + 1] - first_member[family])
    paid = np.zeros(
        (most + 1, 2, 2, 2), np.int64
    )  # member (last: the family), network, kind, deductible or maximum
    visits = np.zeros((most, 2, n_services), np.int64)
    copay_left = np.zeros((most, 2, n_services), np.int64)
    last_visit = np.zeros((most, 2, n_services), np.int64)
    days_left = np.zeros((most, 2, n_services), np.int64)
    parts = np.zeros(N_PARTS, np.int64)
    for family in range(first_family, last_family):
        begin, end = families[family], families[family + 1]
        size = first_member[family + 1] - first_member[family]
        for design in range(n_designs):
            paid[:size, :, :, :] = 0
            paid[most, :, :, :] = 0
            visits[:size, :, :] = 0
            last_visit[:size, :, :] = -1
            for line in range(begin, end):
                member, network, service = members[line], networks[line], services[line]
                amount = allowed[line]
                parts[:] = 0
                covered = terms[design, network, service, IS_COVERED] != 0
                if amount <= 0 or not covered:
                    parts[NOT_COVERED if amount > 0 else PLAN_PAID] = amount
                else:
                    drug = terms[design, network, service, IS_DRUG]
                    kind_deductible = drug * limits[design, network, 1, DRUGS_OWN_DEDUCTIBLE]
                    kind_maximum = drug * limits[design, network, 1, DRUGS_OWN_MAXIMUM]
                    # A new visit, stay or script owes a new copay.
                    unit = terms[design, network, service, UNIT]
                    key = dates[line] if unit == VISIT else claims[line] if unit != SCRIPT else line
                    if last_visit[member, network, service] != key:
                        last_visit[member, network, service] = key
                        visits[member, network, service] += 1
                        copay_left[member, network, service] = terms[design, network, service, COPAY]
                        days_left[member, network, service] = terms[design, network, service, DAYS]
                        if unit == SCRIPT:
                            copay_left[member, network, service] *= units[line]
                        elif unit == DAY:
                            copay_left[member, network, service] = 0
                    if unit == DAY:
                        days = min(units[line], days_left[member, network, service])
                        days_left[member, network, service] -= days
                        copay_left[member, network, service] += days * terms[design, network, service, COPAY]
                    visit = visits[member, network, service]
                    if visit <= terms[design, network, service, FREE_VISITS]:
                        parts[PLAN_PAID] = amount
                    else:
                        copay_only = visit <= terms[design, network, service, COPAY_VISITS]
                        applies = (
                            terms[design, network, service, COUNTS_TO_DEDUCTIBLE] != 0 and not copay_only
                        )
                        left, copay, deductible = amount, np.int64(0), np.int64(0)
                        first = not applies or terms[design, network, service, COPAY_FIRST] != 0
                        has_copay = terms[design, network, service, COPAY_VISITS] == 0 or copay_only
                        if first and has_copay:
                            copay = min(copay_left[member, network, service], left)
                            left -= copay
                        if applies:
                            room = (
                                limits[design, network, kind_deductible, FAMILY_DEDUCTIBLE]
                                - paid[most, network, kind_deductible, 0]
                            )
                            if limits[design, network, kind_deductible, IS_AGGREGATE] == 0 or size == 1:
                                own = (
                                    limits[design, network, kind_deductible, DEDUCTIBLE]
                                    - paid[member, network, kind_deductible, 0]
                                )
                                room = min(own, room) if size > 1 else own
                            deductible = min(max(room, 0), left)
                            left -= deductible
                        if not first and has_copay:
                            copay = min(copay_left[member, network, service], left)
                            left -= copay
                        copay_left[member, network, service] -= copay
                        coinsurance = np.int64(0)
                        if not copay_only:
                            share = terms[design, network, service, SHARE]
                            coinsurance = (left * share + MILLION // 2) // MILLION
                        cap = terms[design, network, service, MOST]
                        if cap >= 0:
                            cap *= units[line]
                            coinsurance = min(coinsurance, max(cap - copay, 0))
                            copay = min(copay, cap)
                        if terms[design, network, service, COUNTS_TO_MAXIMUM] != 0:
                            room = (
                                limits[design, network, kind_maximum, MAXIMUM]
                                - paid[member, network, kind_maximum, 1]
                            )
                            if size > 1:
                                room = min(
                                    room,
                                    limits[design, network, kind_maximum, FAMILY_MAXIMUM]
                                    - paid[most, network, kind_maximum, 1],
                                )
                            room = max(room, 0)
                            deductible = min(deductible, room)
                            copay = min(copay, room - deductible)
                            coinsurance = min(coinsurance, room - deductible - copay)
                            together = deductible + copay + coinsurance
                            paid[member, network, kind_maximum, 1] += together
                            paid[most, network, kind_maximum, 1] += together
                        paid[member, network, kind_deductible, 0] += deductible
                        paid[most, network, kind_deductible, 0] += deductible
                        parts[DEDUCTIBLE_PAID], parts[COPAY_PAID] = deductible, copay
                        parts[COINSURANCE_PAID] = coinsurance
                        parts[PLAN_PAID] = amount - deductible - copay - coinsurance
                row = first_member[family] + member
                for part in range(N_PARTS):
                    totals[design, row, part] += parts[part]
                if lines.shape[0] and design == n_designs - 1:
                    for part in range(N_PARTS):
                        lines[line, part] = parts[part]
