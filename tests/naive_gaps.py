"""Gaps the slow way: one member, one model at a time, with sets, the naive scorer and nothing of riskadj."""

from __future__ import annotations

from decimal import Decimal

from tests import naive


def hccs_of(folder, codes, sex, age):
    """HCCs that diagnoses give before requirements and hierarchies."""
    return naive.mapped_hccs(naive.read_model(str(folder)), codes, sex, age, "default")


def left_of(folder, hccs):
    """HCCs that are left of mapped ones."""
    model = naive.read_model(str(folder))
    return naive.apply_hierarchies(model, naive.meet_requirements(model, set(hccs)))


def had_of(folder, hccs, sex, age, status):
    """HCCs that the member has of mapped ones: those left, but for the ones that nobody of this status has."""
    model, status = naive.read_model(str(folder)), naive.PLAIN_STATUS | dict(status) | {"sex": sex}
    return naive.leave_out(model, left_of(folder, hccs), age, status)


def payment_hccs_of(folder, hccs, sex, age, status):
    """Payment HCCs that the member has of mapped ones."""
    model = naive.read_model(str(folder))
    payment = {row["hcc"] for row in model["labels"] if row["payment"] == "1"}
    return payment & had_of(folder, hccs, sex, age, status)


def score_of(folder, hccs, sex, age, status):
    """Payment risk score of one model, if the mapped HCCs were these: sums of factors, then the year's arithmetic."""
    model = naive.read_model(str(folder))
    status = naive.PLAIN_STATUS | dict(status)
    on, _ = naive.variables_on(model, had_of(folder, hccs, sex, age, status), sex, age, status)
    segment = naive.segment_of(model, age, status, sex)
    column = naive.factor_column_of(model, segment, age, status)
    total = sum((model["factors"].get((name, column), Decimal(0)) for name in on), Decimal(0))
    raw = total / model["divisors"].get(segment, Decimal(1))
    return naive.model_payment_score(
        folder.parent, folder.name, raw, segment=segment, sex=sex, age=age, status=status
    )["payment"]


def droppers_of(folder, hcc, hccs):
    """HCCs of this year that drop `hcc`; none, unless it would be there by its requirement and is not left."""
    model = naive.read_model(str(folder))
    if hcc not in naive.meet_requirements(model, set(hccs) | {hcc}) or hcc in left_of(
        folder, set(hccs) | {hcc}
    ):
        return set()
    met = naive.meet_requirements(model, set(hccs))
    return {row["hcc"] for row in model["hierarchies"] if row["drops"] == hcc and row["hcc"] in met}


def first_date(folder, hcc, dated, sex, age):
    """First service date of a diagnosis that gives the HCC."""
    return min((day for code, day in dated if hcc in hccs_of(folder, [code], sex, age)), default=None)


def value_of_last_date(folder, hcc, rows, sex, age):
    """The value of the diagnoses that give the HCC on the last day on which any does; rows are code, day, value."""
    behind = [(day, value) for code, day, value in rows if hcc in hccs_of(folder, [code], sex, age)]
    values = {value or "(none)" for day, value in behind if day == max(day for day, _ in behind)}
    return values.pop() if len(values) == 1 else "(several)"


def prices_hccs(folder, sex, age, status):
    """Whether the member's segment prices any payment HCC."""
    model = naive.read_model(str(folder))
    status = naive.PLAIN_STATUS | dict(status)
    column = naive.factor_column_of(model, naive.segment_of(model, age, status, sex), age, status)
    payment = {row["hcc"] for row in model["labels"] if row["payment"] == "1"}
    priced = {name for (name, segment), factor in model["factors"].items() if segment == column and factor}
    return bool(priced & payment)


def gaps_of(folder, *, sex, age, status, prior, now):
    """Gaps of one member: HCC to status, date seen, last prior date and change of the payment score.

    `prior` and `now` are lists of (code, service date) of the two windows.
    """
    before = hccs_of(folder, [code for code, _ in prior], sex, age)
    mapped = hccs_of(folder, [code for code, _ in now], sex, age)
    found = {}
    had = had_of(folder, mapped, sex, age, status)
    for hcc in payment_hccs_of(folder, before, sex, age, status):
        higher = droppers_of(folder, hcc, mapped)
        seen = None
        if not prices_hccs(folder, sex, age, status):
            what = "not_applicable"
        elif hcc in had:
            what = "closed"
        elif higher:
            what = "superseded"
        else:
            what = "open"
        if hcc in had:
            seen = first_date(folder, hcc, now, sex, age)
        elif higher:
            seen = min(first_date(folder, one, now, sex, age) for one in higher)
        found[hcc] = {
            "status": what,
            "recaptured_on": seen,
            "last_prior_service_date": max(
                day for code, day in prior if hcc in hccs_of(folder, [code], sex, age)
            ),
            "change": score_of(folder, mapped | {hcc}, sex, age, status)
            - score_of(folder, mapped - {hcc}, sex, age, status),
        }
    return found
