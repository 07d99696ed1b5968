"""The plain-Python reference scorer: loops and sets, to be read from top to bottom.

It reads the tables of a model folder and the numbers of a payment year straight from their files and shares no line
with riskadj. Sums are exact decimals. It is slow on purpose; the engine must give the same numbers.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path

#: Status of a member of whom nothing special is known.
PLAIN_STATUS = {
    "orec": "0",
    "dual": "none",
    "is_new_enrollee": "0",
    "is_long_term_institutional": "0",
    "is_c_snp": "0",
    "is_pace": "0",
    "is_hospice": "0",
    "is_low_income": "0",
    "ltimcaid": "0",
    "nemcaid": "0",
    "mcaid": "0",
    "is_esrd": "0",
    "esrd_status": "none",
    "graft_duration": "none",
    "part_d_plan_type": "mapd",
    "metal_level": "silver",
    "csr_indicator": "1",
    "enrollment_duration": "12",
}

FULL_DUAL_CODES = ("02", "04", "08")
PARTIAL_DUAL_CODES = ("01", "03", "05", "06")


# --- reading ---------------------------------------------------------------------------------------------------------


def rows_of(folder, table):
    """Return the rows of one table as dicts; a table that the folder lacks has no rows."""
    path = Path(folder) / f"{table}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=64)
def read_model(folder):
    """Read a model folder once: its tables, diagnosis rows by code, factors by (variable, segment)."""
    model = {"manifest": tomllib.loads((Path(folder) / "model.toml").read_text(encoding="utf-8"))["model"]}
    for table in (
        "drug_mappings",
        "requirements",
        "hierarchies",
        "exclusions",
        "labels",
        "groups",
        "demographics",
        "interactions",
        "counts",
    ):
        model[table] = rows_of(folder, table)
    model["segments"] = rows_of(folder, "segments")
    model["diagnoses"] = defaultdict(list)
    for row in rows_of(folder, "mappings"):
        model["diagnoses"][row["icd10"]].append(row)
    model["factors"] = {
        (row["variable"], row["segment"]): Decimal(row["factor"])
        for row in rows_of(folder, "relative_factors")
    }
    model["drugs"] = defaultdict(list)
    for row in model["drug_mappings"]:
        model["drugs"][row["code_system"], row["code"]].append(row)
    model["divisors"] = {row["segment"]: Decimal(row["divisor"]) for row in rows_of(folder, "adjustments")}
    return model


@lru_cache(maxsize=64)
def read_payment_year(folder):
    """Read the payment_year.toml of a folder."""
    return tomllib.loads((Path(folder) / "payment_year.toml").read_text(encoding="utf-8"))


# --- the member ------------------------------------------------------------------------------------------------------


def age_on(birth_date, as_of):
    """Completed years; somebody not yet born is 0."""
    had_birthday = (as_of.month, as_of.day) >= (birth_date.month, birth_date.day)
    return max(0, as_of.year - birth_date.year - (0 if had_birthday else 1))


def age_in(payment_year_folder, birth_date):
    """Age on the day that the payment year names."""
    return age_on(
        birth_date, date.fromisoformat(read_payment_year(str(payment_year_folder))["age_as_of"]["value"])
    )


def status_of_dual_code(dual_status_code):
    """Return what a dual status code says, as status codes."""
    if dual_status_code in FULL_DUAL_CODES:
        return {"dual": "full", "ltimcaid": "1", "nemcaid": "1", "mcaid": "1"}
    if dual_status_code in PARTIAL_DUAL_CODES:
        return {"dual": "partial", "ltimcaid": "1", "nemcaid": "1", "mcaid": "1"}
    return {"dual": "none", "ltimcaid": "0", "nemcaid": "0", "mcaid": "0"}


def fits(condition, age, status):
    """Does a member fit all cells of a condition? A blank cell asks nothing; ``|`` separates what is allowed."""
    for field, cell in condition.items():
        if cell == "":
            continue
        if field == "age_min":
            if age < int(cell):
                return False
        elif field == "age_max":
            if age > int(cell):
                return False
        elif status[field] not in cell.split("|"):
            return False
    return True


# --- one model -------------------------------------------------------------------------------------------------------


def clean_code(code):
    """Return a diagnosis code as the tables write it."""
    return "".join(code.split()).replace(".", "").upper()


def drug_hccs(model, drugs, age):
    """Drug categories that (code system, code) pairs give a member of this age."""
    found = set()
    for drug in drugs:
        for row in model["drugs"].get(drug, ()):
            if fits({"age_min": row["age_min"], "age_max": row["age_max"]}, age, {}):
                found.add(row["hcc"])
    return found


def mapped_hccs(model, codes, sex, age, edits):
    """HCCs that the diagnoses give this member; a code may come with its service date, as (code, date)."""
    hccs = set()
    for item in codes:
        code, day = item if isinstance(item, tuple) else (item, None)
        for row in model["diagnoses"].get(clean_code(code), ()):
            if day and row.get("valid_from") and day.isoformat() < row["valid_from"]:
                continue
            if day and row.get("valid_to") and day.isoformat() > row["valid_to"]:
                continue
            if row["sex"] and sex not in row["sex"].split("|"):
                continue
            if row["age_min"] and age < int(row["age_min"]):
                continue
            if row["age_max"] and age > int(row["age_max"]):
                continue
            if edits == "default" and row["mce_age_min"] and age < int(row["mce_age_min"]):
                continue
            if edits == "default" and row["mce_age_max"] and age > int(row["mce_age_max"]):
                continue
            hccs.add(row["hcc"])
    return hccs


def meet_requirements(model, hccs):
    """Drop HCCs that lack every HCC they need, in table order: one dropped earlier helps no later one."""
    left = set(hccs)
    for row in model["requirements"]:
        if not left & set(row["needs_any"].split("|")):
            left.discard(row["hcc"])
    return left


def apply_hierarchies(model, hccs):
    """Drop HCCs that a higher one removes."""
    drops = defaultdict(set)
    for row in model["hierarchies"]:
        drops[row["hcc"]].add(row["drops"])
    if model["manifest"]["hierarchy_manner"] == "simultaneous":
        dropped = set()
        for hcc in hccs:
            dropped |= drops[hcc]
        return hccs - dropped
    left = set(hccs)
    for hcc in (row["hcc"] for row in model["labels"]):  # ascending HCC number
        if hcc in left:
            left -= drops[hcc]
    return left


def leave_out(model, hccs, age, status):
    """Drop the HCCs that members of this status do not have, after the hierarchies."""
    left = set(hccs)
    for row in model["exclusions"]:
        condition = {field: cell for field, cell in row.items() if field != "hcc"}
        if fits(condition, age, status):
            left.discard(row["hcc"])
    return left


def groups_on(model, hccs, age):
    """Groups that are on, each with the HCCs that turned it on; and those that count in place of their HCCs."""
    groups, counted = defaultdict(set), set()
    for row in model["groups"]:
        ages = {"age_min": row.get("age_min", ""), "age_max": row.get("age_max", "")}
        if row["hcc"] in hccs and fits(ages, age, {}):
            groups[row["group"]].add(row["hcc"])
            if row.get("counted") == "1":
                counted.add(row["group"])
    return groups, counted


def number_counted(model, hccs, groups, counted):
    """How many HCCs the member has: a counted group counts once, in place of its HCCs."""
    number = len(counted)
    grouped = {hcc for group in counted for hcc in groups[group]}
    for row in model["labels"]:
        if row.get("counted", row["payment"]) == "1" and row["hcc"] in hccs and row["hcc"] not in grouped:
            number += 1
    return number


def variables_on(model, hccs, sex, age, status):
    """Every variable that is on: HCCs, groups, demographics, counts, interactions; and which are demographic."""
    groups, counted = groups_on(model, hccs, age)
    on = set(hccs) | set(groups)
    demographics = set()
    for row in model["demographics"]:
        condition = {field: cell for field, cell in row.items() if field != "variable"}
        if fits(condition, age, status | {"sex": sex}):
            demographics.add(row["variable"])
    on |= demographics
    number = number_counted(model, hccs, groups, counted)
    for row in model["counts"]:
        upper = int(row["hccs_max"]) if row["hccs_max"] else number
        if int(row["hccs_min"]) <= number <= upper:
            on.add(row["variable"])
    needed, banned = defaultdict(set), defaultdict(set)
    for row in model["interactions"]:
        (banned if row.get("absent") == "1" else needed)[row["interaction"]].add(row["term"])
    of_status = {row["variable"] for row in model["demographics"]}
    for interaction in dict.fromkeys(row["interaction"] for row in model["interactions"]):  # published order
        if needed[interaction] <= of_status:  # needs no diagnosis: counts as demographic
            of_status.add(interaction)
        if needed[interaction] <= on and not banned[interaction] & on:
            on.add(interaction)
    return on, of_status & on


def segment_of(model, age, status, sex):
    """Return the one segment whose row the member fits."""
    found = []
    for row in model["segments"]:
        condition = {field: cell for field, cell in row.items() if field not in ("segment", "factor_column")}
        if fits(condition, age, status | {"sex": sex}):
            found.append(row["segment"])
    assert len(found) == 1, f"{len(found)} segments fit"
    return found[0]


def factor_column_of(model, segment, age, status):
    """Return the name under which the factors of a segment stand: its own, unless its row says otherwise.

    Where a segment has several rows, age and dual status choose among them, whoever is scored under it.
    """
    rows = [row for row in model["segments"] if row["segment"] == segment]
    for row in rows:
        choice = {field: row[field] for field in ("age_min", "age_max", "dual") if field in row}
        if len(rows) == 1 or fits(choice, age, status):
            return row.get("factor_column") or segment
    raise LookupError(f"no row of {segment} fits")


def score_member(folder, *, sex, age, status, codes, drugs=(), edits="default", segment=None, without=()):
    """Score one member in one model.

    Parameters
    ----------
    folder : path
        The model folder.
    sex : "M" or "F"
    age : int
        Whole years on the day that the payment year names.
    status : dict of str to str
        Status codes; fields not given are those of `PLAIN_STATUS`.
    codes : iterable of str
        Diagnosis codes as they come, or (code, service date).
    drugs : iterable of (code system, code)
    edits : "default" or "none"
    segment : str, optional
        Score this segment instead of the member's own.
    without : collection of str
        HCCs that are taken from those the codes give: a what-if.

    Returns
    -------
    dict
        segment, demographic, disease, raw (Decimals, not rounded), hccs (payment HCCs left after hierarchies, in table
        order), variables (set of those whose non-zero factor was added).
    """
    known = {"sex": sex, "age": age, "status": status, "codes": codes, "drugs": drugs, "edits": edits}
    return score_in_model(read_model(str(folder)), **known, segment=segment, without=without)


def score_in_model(model, *, sex, age, status, codes, drugs=(), edits="default", segment=None, without=()):
    """Score one member under tables as `read_model` returns them, or as somebody changed them."""
    status = PLAIN_STATUS | dict(status)
    hccs = mapped_hccs(model, codes, sex, age, edits) | drug_hccs(model, set(drugs), age)
    hccs -= set(without)
    hccs = meet_requirements(model, hccs)
    hccs = apply_hierarchies(model, hccs)
    hccs = leave_out(model, hccs, age, status | {"sex": sex})
    payment_hccs = [row["hcc"] for row in model["labels"] if row["payment"] == "1" and row["hcc"] in hccs]
    on, demographics = variables_on(model, hccs, sex, age, status)
    if segment is None:
        segment = segment_of(model, age, status, sex)
    column = factor_column_of(model, segment, age, status)
    demographic, disease, scored = Decimal(0), Decimal(0), set()
    for variable in on:
        factor = model["factors"].get((variable, column), Decimal(0))
        if factor == 0:
            continue
        scored.add(variable)
        if variable in demographics:
            demographic += factor
        else:
            disease += factor
    divisor = model["divisors"].get(segment, Decimal(1))
    return {
        "segment": segment,
        "demographic": demographic / divisor,
        "disease": disease / divisor,
        "raw": (demographic + disease) / divisor,
        "hccs": payment_hccs,
        "variables": scored,
    }


def segments_of(folder):
    """Names of the segments of a model, in table order."""
    return list(dict.fromkeys(row["segment"] for row in read_model(str(folder))["segments"]))


# --- payment ---------------------------------------------------------------------------------------------------------


def rounded(value, year, step):
    """Round half away from zero, if the year rounds after this step."""
    if step not in year["rounding"]["after"]:
        return value
    return value.quantize(Decimal(1).scaleb(-year["rounding"]["decimals"]), rounding=ROUND_HALF_UP)


def number_for(entries, model_id, segment, age, status):
    """Return the number that the year gives for this model, segment and member; None where it gives none."""
    for entry in entries:
        if entry["model"] != model_id:
            continue
        if entry.get("segments") and segment not in entry["segments"].split("|"):
            continue
        if fits(entry.get("when", {}), age, status):
            return Decimal(entry["value"])
    return None


def model_payment_score(payment_year_folder, model_id, raw, *, segment, sex, age, status):
    """One model's raw, normalized and coding-intensity adjusted score, each rounded as the year says.

    Without a normalization factor or a coding intensity there is no payment score: never a factor of 1.
    """
    year = read_payment_year(str(payment_year_folder))
    status = PLAIN_STATUS | dict(status) | {"sex": sex}
    exact, raw = raw, rounded(raw, year, "raw")
    normalization = number_for(year.get("normalization", ()), model_id, segment, age, status)
    coding_intensity = number_for(year.get("coding_intensity", ()), model_id, segment, age, status)
    if normalization is None:
        return {"raw": raw, "normalized": None, "payment": None}
    normalized = rounded(raw / normalization, year, "normalization")
    if year.get("cost_sharing"):  # on the sum before it is rounded
        factor = number_for(year["cost_sharing"], model_id, segment, age, status)
        payment = None if factor is None else rounded(exact * factor, year, "cost_sharing")
        return {"raw": raw, "normalized": normalized, "payment": payment}
    if coding_intensity is None:
        return {"raw": raw, "normalized": normalized, "payment": None}
    adjusted = rounded(normalized * (1 - coding_intensity), year, "coding_intensity")
    return {"raw": raw, "normalized": normalized, "payment": adjusted}


def policy_of(payment_year_folder, program, *, sex, age, status):
    """Return the blend, (model id, weight) pairs, of the first policy that the member fits."""
    status = PLAIN_STATUS | dict(status) | {"sex": sex}
    for policy in read_payment_year(str(payment_year_folder)).get("policy", ()):
        if policy["program"] == program and fits(policy.get("when", {}), age, status):
            return [(part["model"], Decimal(part["weight"])) for part in policy["blend"]]
    raise LookupError(f"no policy of {program} fits")


def payment_score(payment_year_folder, program, *, sex, age, status, codes, drugs=(), edits="default"):
    """Score a member as paid: every model of the policy, then the blend.

    Returns
    -------
    dict
        payment (Decimal), models (model id to what `score_member` and `model_payment_score` return, with its weight).
    """
    folder = Path(payment_year_folder)
    total, models = Decimal(0), {}
    for model_id, weight in policy_of(folder, program, sex=sex, age=age, status=status):
        known = {"sex": sex, "age": age, "status": status, "codes": codes, "drugs": drugs}
        score = score_member(folder / model_id, **known, edits=edits)
        paid = model_payment_score(
            folder, model_id, score["raw"], segment=score["segment"], sex=sex, age=age, status=status
        )
        models[model_id] = score | paid | {"weight": weight, "exact_raw": score["raw"]}
        total += weight * paid["payment"]
    return {"payment": rounded(total, read_payment_year(str(folder)), "blend"), "models": models}
