"""The federal Actuarial Value Calculator once more: floats and loops, written from its rules and not from our code.

A design's services become rows of the calculator: copay, the plan's coinsurance, subject to the deductible, subject to
coinsurance, copay only after the deductible; and, where the workbook has columns for them, days and first visits.
"""

from __future__ import annotations

import math
import re

WHOLE = {
    "emergency_room": ("ER", "Avg. ER Freq"),
    "inpatient": ("IP", "Avg. IP Freq"),
    "primary_care": ("Primary Care", "Avg. Primary Care Freq"),
    "specialist": ("Specialist", "Avg. Specialist Freq"),
    "skilled_nursing": ("SNF", "Avg. SNF Freq."),
    "outpatient_facility": ("Unclassified - OP Facility", "Avg. Unclass. - OP Facility Freq"),
    "outpatient_professional": ("OP Surgery", "OP Surgery Freq."),
    "generic": ("Generics", "Avg. Generics Prescriptions"),
    "preferred_brand": ("Preferred Brand", "Avg. Pref. Brand Prescriptions"),
    "nonpreferred_brand": ("Non-Preferred Brand", "Avg. Non-Pref. Brand Prescriptions"),
    "specialty_drug": ("Specialty High-Cost", "Avg. Spec. Prescriptions"),
}
BY_PLACE = {
    "mental_health": ("Mental Health", "Mental Health"),
    "imaging": ("Imaging", "Imaging"),
    "speech_therapy": ("Speech Therapy", "Speech Therapy"),
    "occupational_physical_therapy": ("Occupational Therapy", "Occ. Therapy"),
    "laboratory": ("Laboratory", "Lab"),
}
X_RAYS = {"primary_care": "Primary", "specialist": "Specialist", "x_ray": "Unclass."}
PREVENTIVE = ("Preventive (Combined)", "Avg. Prev. Freq (Combined)")
X_RAY = ("X-rays (Combined)", "Avg. X-ray Freq (Combined)")
MAXD = "Avg. Cost per Enrollee (Max'd)"
TOLERANCE, ROUNDS, TARGETS = 1e-5, 100, 200


class UnsettledError(Exception):
    """A search did not come to rest: its last value is chance, and nobody's is the right one."""


def key(heading):
    return re.sub(r"[\s.]+", "", heading).lower()


def look_up(table, heading, spend):
    column, caps = table.columns[key(heading)], table.up_to
    if spend > caps[-2]:
        return float(column[-1])
    row = max(number for number in range(len(caps) - 2) if caps[number] <= spend)
    share = (spend - caps[row]) / (caps[row + 1] - caps[row])
    return float(column[row] + share * (column[row + 1] - column[row]))


def row_of(design, service):
    """The calculator's row of a service; `special`: not just deductible and coinsurance of the plan."""
    terms = design.services.get(service)
    g = design.coinsurance
    row = {
        "copay": 0.0, "rate": g, "deductible": True, "coinsurance": True, "after": False,
        "most": math.inf, "days": None, "free": 0, "first": 0, "special": False,
    }  # fmt: skip
    if terms is None:
        return row
    row["copay"], row["deductible"] = terms.copay, terms.deductible_applies
    row["free"], row["first"] = terms.free_visits, terms.copay_visits
    row["after"] = terms.copay > 0 and terms.deductible_applies and not terms.copay_before_deductible
    row["most"] = math.inf if terms.max_per_unit is None else terms.max_per_unit
    if terms.coinsurance is not None:
        row["rate"] = terms.coinsurance
    elif terms.copay or not terms.deductible_applies:
        row["coinsurance"] = False
    if terms.copay and terms.copay_per == "day":
        row["days"] = terms.copay_days or "all"
    row["special"] = bool(
        terms.copay
        or row["rate"] != g
        or not (terms.deductible_applies and row["coinsurance"])
        or terms.free_visits
        or terms.max_per_unit is not None
    )
    return row


def free(copay=0.0):
    return {
        "copay": copay, "rate": 0.0, "deductible": False, "coinsurance": False, "after": False, "most": math.inf
    }  # fmt: skip


def components_of(table, design):
    """(cost headings: the first less the second, number headings alike, row) of every component of the table."""
    found = []
    for service, (cost, number) in WHOLE.items():
        if key(cost) not in table.columns:
            continue
        row = row_of(design, service)
        if service == "primary_care":
            found += visits_of(row, cost, number, design.coinsurance)
            continue
        if row["days"] is not None:
            every = {"inpatient": "Avg. IP Days", "skilled_nursing": "Avg. SNF Days"}[service]
            number = every if row["days"] == "all" else f"IP Max Days - {row['days']}"
        found.append(([cost], [number], row))
    if key("ER") not in table.columns:
        return found
    found.append(([PREVENTIVE[0]], [PREVENTIVE[1]], free()))
    for service, (cost, number) in BY_PLACE.items():
        own = row_of(design, service)
        asked = row_of(design, "imaging") if service == "occupational_physical_therapy" else own
        for place, ending in (
            ("outpatient_facility", "OP Facility"),
            ("outpatient_professional", "OP Prof."),
        ):
            takes = row_of(design, place)
            row = takes if takes["special"] and not asked["special"] else own
            found.append(([f"{cost} - {ending}"], [f"Avg. {number} - {ending} Freq"], row))
    if row_of(design, "x_ray")["special"]:
        found.append(([X_RAY[0]], [X_RAY[1]], row_of(design, "x_ray")))
    else:
        for service, name in X_RAYS.items():
            row = later_visits(row_of(design, service), design.coinsurance)
            found.append(([f"X-rays ({name})"], [f"Avg. X-rays Freq ({name})"], row))
    return found


def later_visits(row, g):
    """What is left of a row once its first visits are over: after copays, deductible and coinsurance alone."""
    if not row["first"]:
        return row
    rate = row["rate"] if row["coinsurance"] else g
    return {**row, "copay": 0.0, "after": False, "coinsurance": True, "rate": rate}


def visits_of(row, cost, number, g):
    def beyond(visits):
        s = "" if visits == 1 else "s"
        return f"Primary Care >{visits} Visit{s}", f"Primary Care >{visits} Visit{s} Freq."

    bands, start = [], (cost, number)
    for visits, price in ((row["free"], free()), (row["first"], free(row["copay"]))):
        if visits and not (price["copay"] and visits <= row["free"]):
            end = beyond(visits)
            bands.append(([start[0], end[0]], [start[1], end[1]], price))
            start = end
    return [*bands, ([start[0]], [start[1]], later_visits(row, g))]


def amounts(table, component, spend):
    costs, numbers, row = component
    cost = look_up(table, costs[0], spend) - (look_up(table, costs[1], spend) if costs[1:] else 0.0)
    number = look_up(table, numbers[0], spend) - (look_up(table, numbers[1], spend) if numbers[1:] else 0.0)
    return cost, number, row


def phase_1(table, parts, target, is_new_rule):
    """Spend at which `target` counts to the deductible; plan's and counted share of cost; copays of other rows."""
    w = 1.0
    for i in range(ROUNDS):
        s = target / w if w else math.inf
        total = plan = counted = accrued = 0.0
        for part in parts:
            cost, number, row = amounts(table, part, s)
            total += cost
            beyond = max(0.0, cost - number * row["copay"])
            copays = min(cost, number * row["copay"])
            if row["after"]:
                counted += cost
            elif row["deductible"]:
                counted += beyond
                accrued += copays
            else:
                plan += beyond
                counted += 0.0 if is_new_rule else copays
        measured = counted / total if total else 1.0
        if abs(measured - w) < TOLERANCE:
            break
        fade = math.exp(-i / 5)
        w = measured * fade + (w + measured) / 2 * (1 - fade)
    else:
        raise UnsettledError
    share = plan / total if total else 0.0
    if is_new_rule:
        accrued = s * round(1 - share - measured, 5)
    return s, share, accrued


def anything_counts(table, parts, is_new_rule):
    """Whether a deductible plays a part: something that is not waived has a cost."""
    counted = 0.0
    for cost, number, row in (amounts(table, part, math.inf) for part in parts):
        if row["after"]:
            counted += cost
        elif row["deductible"]:
            counted += max(0.0, cost - number * row["copay"])
        elif not is_new_rule:
            counted += min(cost, number * row["copay"])
    return counted > 0


def member_pays(cost, number, row):
    if row["coinsurance"]:
        return min(cost * row["rate"], number * row["most"]) if row["most"] < math.inf else cost * row["rate"]
    return min(cost, number * row["copay"])


def phase_2(table, parts, s, room):
    """The plan's share between the limits, and the spend at the maximum."""
    everything = [amounts(table, part, math.inf) for part in parts]
    all_cost = look_up(table, MAXD, math.inf)
    x = min(1.0, sum(cost - member_pays(cost, number, row) for cost, number, row in everything) / all_cost)
    tried = []
    for i in range(ROUNDS):
        top = s if x == 1 or room <= 0 else s + room / (1 - x)
        member = cost_between = 0.0
        for part in parts:
            low, high = amounts(table, part, s), amounts(table, part, top)
            member += member_pays(*high) - member_pays(*low)
            cost_between += high[0] - low[0]
        if not cost_between:
            return x, top
        measured = 1 - member / cost_between
        fade = math.exp(-i / 5)
        damped = measured * fade + (x + measured) / 2 * (1 - fade)
        tried.append((damped, top))
        if abs(measured - x) < TOLERANCE:
            return damped, top
        x = damped

    def pays(end):
        share, top = end
        beyond = look_up(table, MAXD, top)
        return share * (beyond - look_up(table, MAXD, s)) + all_cost - beyond

    return min(tried[-2:], key=pays)


def plan_pays(tables, deductibles, maximum, design, is_new_rule, end_table):
    """Dollars per enrollee, of limits over one table or over a medical and a drug table that end in a combined one."""
    priced = {kind: components_of(table, design) for kind, table in tables.items()}
    deductibles = {
        kind: deductible if anything_counts(tables[kind], priced[kind], is_new_rule) else 0.0
        for kind, deductible in deductibles.items()
    }
    whole = sum(deductibles.values())
    target, is_reached, rounds = whole, False, 0
    while True:
        plan = spent = member = accrued = 0.0
        for kind, table in tables.items():
            part = target * deductibles[kind] / whole if whole else 0.0
            s, share, other = phase_1(table, priced[kind], part, is_new_rule)
            capped = look_up(table, MAXD, s)
            spent, plan = spent + capped, plan + capped * share
            member, accrued = member + s * (1 - share), accrued + other
        over = member - maximum
        rounds += 1
        if not is_new_rule or not (over > 0.01 or (is_reached and over < -0.01)):
            break
        if rounds == TARGETS:
            raise UnsettledError
        is_reached = True
        target *= min(max(1 - over / (2 * target), 0.25), 2.0)
    if len(tables) > 1:
        s = spend_at(end_table, spent)
    total = look_up(end_table, MAXD, math.inf)
    at_s = look_up(end_table, MAXD, s)
    if is_reached:
        return plan + total - at_s
    room = max(maximum - accrued, whole) - whole
    x, top = phase_2(end_table, components_of(end_table, design), s, room)
    at_top = look_up(end_table, MAXD, top)
    return plan + (at_top - at_s) * x + total - at_top


def spend_at(table, capped):
    maxd = [max(table.maxd[: row + 1]) for row in range(len(table.maxd) - 1)]
    for row in range(len(maxd) - 1):
        if maxd[row] <= capped < maxd[row + 1]:
            gap = table.up_to[row + 1] - table.up_to[row]
            return table.up_to[row] + gap * (capped - maxd[row]) / (maxd[row + 1] - maxd[row])
    return table.up_to[-2]


def value(tables, design, *, is_new_rule):
    """Return the actuarial value of a design on "combined", "medical" and "drugs"."""
    combined = tables["combined"]
    total = look_up(combined, MAXD, math.inf)
    own = {"medical": design.deductible, "drugs": design.drug_deductible}
    if design.drug_out_of_pocket_maximum is not None:
        maxima = {"medical": design.out_of_pocket_maximum, "drugs": design.drug_out_of_pocket_maximum}
        paid = sum(
            plan_pays(
                {kind: tables[kind]}, {kind: own[kind]}, maxima[kind], design, is_new_rule, tables[kind]
            )
            for kind in maxima
        )
    elif design.drug_deductible is not None:
        apart = {kind: tables[kind] for kind in own}
        paid = plan_pays(apart, own, design.out_of_pocket_maximum, design, is_new_rule, combined)
    else:
        whole = {"combined": design.deductible}
        paid = plan_pays(
            {"combined": combined}, whole, design.out_of_pocket_maximum, design, is_new_rule, combined
        )
    found = min(paid / total, 1.0)
    h, members = design.account_contribution, 1 - found
    if h and members > 0:
        found += min(members * total, look_up(combined, MAXD, h / members) * members) / total
    return found
