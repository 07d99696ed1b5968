"""Plan designs from the exchange's public use files: Plan Attributes, and Benefits and Cost Sharing."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pricing.benefits.design import CostSharing, PlanDesign
from pricing.errors import InputError
from pricing.parameters import RATES
from riskadj.errors import nearest
from riskadj.tables.manifest import read_sources, read_table_entries, read_toml, sealed_content

_FOLDER = "exchange_puf"
_AMOUNT = re.compile(r"\$?\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*%?\s*(.*)", re.DOTALL)
_PLAN, _BENEFIT = "PlanId", "BenefitName"
_NONE = "Not Applicable"
_DRUGS = PlanDesign.drug_services


class _Rule(NamedTuple):
    has_copay: bool
    has_coinsurance: bool
    deductible_applies: bool
    copay_before_deductible: bool
    counts_to_maximum: bool


def designs_from_puf(
    attributes: str | Path, benefits: str | Path, *, plan_ids: Iterable[str]
) -> list[PlanDesign]:
    """Return the designs of some plans, from the two public use files as CMS publishes them (CSV).

    Parameters
    ----------
    attributes, benefits : path
        Plan Attributes; Benefits and Cost Sharing.
    plan_ids : iterable of str
        Of column PlanId, variant included, such as ``"12345AZ0010001-01"``.

    Returns
    -------
    list of PlanDesign
        In the order of `plan_ids`.

    Raises
    ------
    InputError
        A file lacks a column, a plan is not in it, or cost sharing is worded as no rule knows it.
    """
    wanted = list(plan_ids)
    plans = {row[_PLAN]: row for row in _rows_of(attributes, wanted, (_PLAN,))}
    services: dict[str, list[dict[str, str]]] = {name: [] for name in wanted}
    for row in _rows_of(benefits, wanted, (_PLAN, _BENEFIT)):
        services[row[_PLAN]].append(row)
    missing = [name for name in wanted if name not in plans or not services[name]]
    if missing:
        raise InputError(
            f"the public use files lack plan {', '.join(missing[:5])}; give PlanId with its variant."
        )
    return [design_from_puf(plans[name], services[name]) for name in wanted]


def design_from_puf(
    attributes: Mapping[str, str], benefits: Iterable[Mapping[str, str]], *, name: str | None = None
) -> PlanDesign:
    """Return the design of one plan, from its row of Plan Attributes and its rows of Benefits and Cost Sharing.

    Parameters
    ----------
    attributes : mapping of str to str
        Column -> value. Limits of the first network tier; whether medical and drug limits are integrated; special cost
        sharing of primary care, inpatient days and specialty drugs.
    benefits : iterable of mappings of str to str
        BenefitName, CopayInnTier1, CoinsInnTier1, IsCovered. Benefits unknown to the AV Calculator are left out.
    name : str, optional
        Default: the PlanId.

    Returns
    -------
    PlanDesign

    Raises
    ------
    InputError
        Cost sharing is worded as no rule knows it, or the design is impossible.

    References
    ----------
    .. [1] `oopc` in pricing/rates/exchange_puf/manifest.toml.
    """
    name = name or attributes.get("PlanId") or "plan"
    known = _benefits()
    named = ((_plain(row[_BENEFIT]), row) for row in benefits)
    services = {
        known[benefit]: _terms(row, known[benefit], name) for benefit, row in named if benefit in known
    }
    for service, changes in _special(attributes).items():
        if service in services:
            services[service] = CostSharing(**{**_fields(services[service]), **changes})  # type: ignore[arg-type]
    return PlanDesign(name=name, services=services, **_limits(attributes))  # type: ignore[arg-type]


def _terms(row: Mapping[str, str], service: str, name: str) -> CostSharing:
    if _plain(row.get("IsCovered", "")) == "not covered":
        return CostSharing(is_covered=False)
    copay, copay_option = _split(row.get("CopayInnTier1", ""))
    rate, coinsurance_option = _split(row.get("CoinsInnTier1", ""))
    rules = _rules()
    rule = rules.get((copay_option.lower(), coinsurance_option.lower()))
    if rule is None:
        wording = f"{copay_option}|{coinsurance_option}"
        close = nearest(wording, ["|".join(each) for each in rules])
        raise InputError(f"plan '{name}', {service}: no rule for cost sharing worded '{wording}'{close}.")
    copay = copay if rule.has_copay else 0.0
    coinsurance = rate / 100 if rule.has_coinsurance else None if copay else 0.0
    return CostSharing(
        copay=copay,
        coinsurance=coinsurance,
        deductible_applies=rule.deductible_applies,
        copay_before_deductible=rule.copay_before_deductible,
        copay_per=_unit(copay_option, service),
        counts_to_maximum=rule.counts_to_maximum,
    )


def _unit(copay_option: str, service: str) -> str:
    wording = copay_option.lower()
    if service in _DRUGS:
        return "script"
    return "day" if "per day" in wording else "stay" if "per stay" in wording else "visit"


def _special(attributes: Mapping[str, str]) -> dict[str, dict[str, float | int]]:
    """Return special cost sharing by service; 0 and blank mean none."""
    places = (
        ("primary_care", "free_visits", "BeginPrimaryCareCostSharingAfterNumberOfVisits"),
        ("primary_care", "copay_visits", "BeginPrimaryCareDeductibleCoinsuranceAfterNumberOfCopays"),
        ("inpatient", "copay_days", "InpatientCopaymentMaximumDays"),
        ("specialty_drug", "max_per_unit", "SpecialtyDrugMaximumCoinsurance"),
    )
    changes: dict[str, dict[str, float | int]] = {}
    for service, term, column in places:
        amount = _dollars(attributes.get(column, ""))
        if amount:
            changes.setdefault(service, {})[term] = amount if term == "max_per_unit" else int(amount)
    return changes


def _fields(terms: CostSharing) -> dict[str, object]:
    return {name: getattr(terms, name) for name in CostSharing.__dataclass_fields__}


def _limits(attributes: Mapping[str, str]) -> dict[str, float | str | None]:
    """Return the limits: of medical and drugs together (TEHB), or apart (MEHB and DEHB) where not integrated."""
    deductible = "T" if _is_yes(attributes, "MedicalDrugDeductiblesIntegrated") else "M"
    maximum = "T" if _is_yes(attributes, "MedicalDrugMaximumOutofPocketIntegrated") else "M"

    def amount(column: str) -> float | None:
        return _dollars(attributes.get(column, ""))

    family, person = (amount(f"{deductible}EHBDedInnTier1FamilyPer{who}") for who in ("Group", "Person"))
    most = amount(f"{maximum}EHBInnTier1IndividualMOOP")
    rate = _split(attributes.get(f"{deductible}EHBDedInnTier1Coinsurance", ""))[0]
    is_aggregate = family is not None and (person is None or person == family)
    return {
        "deductible": amount(f"{deductible}EHBDedInnTier1Individual") or 0.0,
        "out_of_pocket_maximum": float("inf") if most is None else most,
        "coinsurance": rate / 100,
        "family_deductible": family,
        "family_out_of_pocket_maximum": amount(f"{maximum}EHBInnTier1FamilyPerGroupMOOP"),
        "family_kind": "aggregate" if is_aggregate else "embedded",
        **_drug_limits(attributes, deductible == "M", maximum == "M"),
    }


def _drug_limits(
    attributes: Mapping[str, str], own_deductible: bool, own_maximum: bool
) -> dict[str, float | None]:
    """Return a person's limits of drugs and, where a person has one, the family's."""
    columns = {
        "drug_deductible": "DEHBDedInnTier1Individual" if own_deductible else "",
        "drug_out_of_pocket_maximum": "DEHBInnTier1IndividualMOOP" if own_maximum else "",
    }
    own = {name: _dollars(attributes.get(column, "")) for name, column in columns.items()}
    families = {
        "drug_deductible": "DEHBDedInnTier1FamilyPerGroup",
        "drug_out_of_pocket_maximum": "DEHBInnTier1FamilyPerGroupMOOP",
    }
    shared = {
        f"family_{name}": None if own[name] is None else _dollars(attributes.get(column, ""))
        for name, column in families.items()
    }
    return {**own, **shared}


def _is_yes(attributes: Mapping[str, str], column: str) -> bool:
    answer = _plain(attributes.get(column, ""))
    if answer not in ("yes", "no"):
        raise InputError(f"Plan Attributes, column '{column}': neither Yes nor No.")
    return answer == "yes"


def _dollars(text: str) -> float | None:
    """Return the first amount of ``"$12,000 per group"``; None where there is none."""
    match = _AMOUNT.match(text.strip())
    return _number(match[1]) if match else None


def _split(text: str) -> tuple[float, str]:
    """Return amount and wording of ``"$40.00 Copay after deductible"``; blank is not applicable."""
    text = text.strip() or _NONE
    match = _AMOUNT.fullmatch(text)
    return (_number(match[1]), match[2].strip()) if match else (0.0, text)


def _number(digits: str) -> float:
    number = float(digits.replace(",", ""))
    if not math.isfinite(number):
        raise InputError(f"an amount has {len(digits):,} digits; give dollars or percent.")
    return number


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _rows_of(path: str | Path, plan_ids: list[str], needed: tuple[str, ...]) -> list[dict[str, str]]:
    label = Path(path).name
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.DictReader(file, restval="")
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f"{label} lacks the column '{missing[0]}'; give a public use file of the exchange."
                )
            return [row for row in reader if row[_PLAN] in plan_ids]
    except OSError as error:
        raise InputError(f"{label} cannot be read: {error.strerror or 'input/output error'}.") from None
    except csv.Error as error:
        raise InputError(f"{label} cannot be read as CSV: {error}.") from None


@lru_cache(maxsize=1)
def _rules() -> dict[tuple[str, str], _Rule]:
    return {
        (row["copay_option"].lower(), row["coinsurance_option"].lower()): _Rule(
            *(row[name] == "1" for name in _Rule._fields)
        )
        for row in _sealed_rows("cost_sharing_rules")
    }


@lru_cache(maxsize=1)
def _benefits() -> dict[str, str]:
    return {_plain(row["benefit"]): row["service"] for row in _sealed_rows("benefits")}


def _sealed_rows(name: str) -> list[dict[str, str]]:
    folder = RATES / _FOLDER
    document = read_toml(folder / "manifest.toml")
    sources = read_sources(document, folder / "manifest.toml")
    entry = read_table_entries(document, sources, folder / "manifest.toml")[name]
    content = sealed_content(folder / f"{name}.csv", entry).decode("utf-8")
    return list(csv.DictReader(io.StringIO(content, newline="")))
