"""Claim lines under a plan design, one by one: dictionaries and fractions, read top to bottom."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import floor, inf

PARTS = ("plan_paid", "deductible", "copay", "coinsurance", "not_covered")


def cents(dollars):
    return inf if dollars in (None, inf) else round(dollars * 100)


def net_lines(rows):
    """Rows (dicts) of an extract -> one per claim and line number, reversals taken off."""
    groups = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        groups[row["claim_id"], row["claim_line_number"]].append({**row, "row_number": number})
    kept = []
    for group in groups.values():
        net = sum(cents(row["allowed_amount"]) for row in group)
        if net == 0 and len(group) > 1:
            continue
        stands = max(
            group, key=lambda row: (row["allowed_amount"] > 0, row["paid_date"], row["allowed_amount"])
        )
        kept.append({**stands, "cents": net})
    return kept


def adjudicate(rows, design):
    """Return {row number: parts in cents} for every line that is left after netting."""
    lines = net_lines(rows)
    for line in lines:
        line["year"] = line["service_date"].year
        line["family"] = ("family", line["family_id"]) if line["family_id"] else ("person", line["member_id"])
    lines.sort(key=lambda line: (line["service_date"], line["claim_id"], line["claim_line_number"]))
    people = defaultdict(set)
    for line in lines:
        people[line["family"], line["year"]].add(line["member_id"])
    book = Book(design)
    return {line["row_number"]: book.enter(line, len(people[line["family"], line["year"]])) for line in lines}


class Book:
    """What has been paid so far, by everyone, to every limit."""

    def __init__(self, design):
        self.design = design
        self.paid = defaultdict(int)  # (who, year, network, drugs or medical, limit) -> cents
        self.units = defaultdict(list)  # (member, year, service, tier) -> visits or stays begun
        self.copay_left, self.days_left, self.most_left = {}, {}, {}

    def enter(self, line, family_size):
        parts = dict.fromkeys(PARTS, 0)
        amount, service, tier = line["cents"], line["service_category"], line["network_tier"]
        outside = tier == "out"
        design = self.design.out_of_network if outside else self.design
        if design is None:
            return parts | {"not_covered": amount}
        terms = design.terms(service)
        plan_coinsurance = design.coinsurance
        if tier == "tier_2":
            terms = design.tier_2_services.get(service, terms)
            if design.tier_2_coinsurance is not None:
                plan_coinsurance = design.tier_2_coinsurance
        if not terms.is_covered:
            return parts | {"not_covered": amount}
        if amount <= 0:
            return parts | {"plan_paid": amount}

        which, unit = self.unit_of(line, terms)
        if which <= terms.free_visits:
            return parts | {"plan_paid": amount}
        copay_only = which <= terms.copay_visits
        copay_left = self.copay_left[unit] if not terms.copay_visits or copay_only else 0
        copay_left = min(copay_left, self.most_left[unit])
        coinsurance_rate = terms.coinsurance
        if coinsurance_rate is None:
            coinsurance_rate = plan_coinsurance
            if not terms.copay_visits and (terms.copay or not terms.deductible_applies):
                coinsurance_rate = 0
        if copay_only:
            coinsurance_rate = 0
        waived = copay_only or not terms.deductible_applies

        left = amount
        copay = deductible = 0
        if waived or terms.copay_before_deductible:
            copay = min(left, copay_left)
            left -= copay
        if not waived:
            deductible = min(left, self.deductible_room(line, design, outside, family_size))
            left -= deductible
            if not terms.copay_before_deductible:
                copay = min(left, copay_left)
                left -= copay
        exact = left * Fraction(round(coinsurance_rate * 1_000_000), 1_000_000)
        coinsurance = min(floor(exact + Fraction(1, 2)), self.most_left[unit] - copay)
        self.copay_left[unit] -= copay
        self.most_left[unit] -= copay + coinsurance

        if terms.counts_to_maximum:
            room = self.maximum_room(line, design, outside, family_size)
            deductible = min(deductible, room)
            copay = min(copay, room - deductible)
            coinsurance = min(coinsurance, room - deductible - copay)
            if self.counts_to_combined(service, design):
                self.pay_combined(line, deductible + copay + coinsurance)
        for who in (("member", line["member_id"]), line["family"]):
            kind = self.kind(service, design.drug_deductible)
            self.paid[who, line["family"], line["year"], outside, kind, "deductible"] += deductible
            if terms.counts_to_maximum:
                kind = self.kind(service, design.drug_out_of_pocket_maximum)
                owed = deductible + copay + coinsurance
                self.paid[who, line["family"], line["year"], outside, kind, "maximum"] += owed
        return {
            "plan_paid": amount - deductible - copay - coinsurance,
            "deductible": deductible,
            "copay": copay,
            "coinsurance": coinsurance,
            "not_covered": 0,
        }

    def unit_of(self, line, terms):
        """Return which visit or stay of the year it is, and its name; a new one owes a new copay."""
        slot = (
            line["member_id"],
            line["family"],
            line["year"],
            line["service_category"],
            line["network_tier"],
        )
        if terms.copay_per == "script":
            name, which = (slot, line["row_number"]), 1
            is_new = True
        else:
            key = line["service_date"] if terms.copay_per == "visit" else line["claim_id"]
            is_new = key not in self.units[slot]
            if is_new:
                self.units[slot].append(key)
            name, which = (slot, key), self.units[slot].index(key) + 1
        if is_new:
            self.copay_left[name] = 0 if terms.copay_per == "day" else cents(terms.copay)
            self.days_left[name] = inf if terms.copay_days is None else terms.copay_days
            self.most_left[name] = cents(terms.max_per_unit)
        if terms.copay_per == "day":
            days = min(max(line["units"], 1), self.days_left[name])
            self.days_left[name] -= days
            self.copay_left[name] += days * cents(terms.copay)
        return which, name

    def kind(self, service, own_limit):
        return "drugs" if own_limit is not None and service in self.design.drug_services else "medical"

    def spent(self, who, line, outside, kind, limit):
        return self.paid[who, line["family"], line["year"], outside, kind, limit]

    def deductible_room(self, line, design, outside, family_size):
        kind = self.kind(line["service_category"], design.drug_deductible)
        own = cents(design.drug_deductible if kind == "drugs" else design.deductible)
        shared = design.family_drug_deductible if kind == "drugs" else design.family_deductible
        room = own - self.spent(("member", line["member_id"]), line, outside, kind, "deductible")
        if family_size > 1 and shared is not None:
            left = cents(shared) - self.spent(line["family"], line, outside, kind, "deductible")
            room = left if design.family_kind == "aggregate" else min(room, left)
        return max(room, 0)

    def maximum_room(self, line, design, outside, family_size):
        kind = self.kind(line["service_category"], design.drug_out_of_pocket_maximum)
        own, shared = design.out_of_pocket_maximum, design.family_out_of_pocket_maximum
        if kind == "drugs":
            own, shared = design.drug_out_of_pocket_maximum, design.family_drug_out_of_pocket_maximum
        rooms = [cents(own) - self.spent(("member", line["member_id"]), line, outside, kind, "maximum")]
        if family_size > 1:
            rooms.append(cents(shared) - self.spent(line["family"], line, outside, kind, "maximum"))
        if self.counts_to_combined(line["service_category"], design):
            limits = [(("member", line["member_id"]), self.design.combined_out_of_pocket_maximum)]
            if family_size > 1:
                limits.append((line["family"], self.design.family_combined_out_of_pocket_maximum))
            rooms += [
                cents(limit) - self.spent(who, line, "anywhere", "medical", "maximum")
                for who, limit in limits
            ]
        return min(rooms)

    def counts_to_combined(self, service, design):
        """Everything that counts to a maximum, but drugs that have one of their own."""
        return self.kind(service, design.drug_out_of_pocket_maximum) == "medical"

    def pay_combined(self, line, owed):
        for who in (("member", line["member_id"]), line["family"]):
            self.paid[who, line["family"], line["year"], "anywhere", "medical", "maximum"] += owed
