"""A plan's cost sharing as a frozen value: what members pay, service by service, up to which limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pricing.errors import InputError, no_choice
from pricing.toml_files import read_tables, typed
from riskadj.errors import nearest

COPAY_UNITS = ("visit", "day", "stay", "script")
FAMILY_KINDS = ("embedded", "aggregate")
ACCOUNTS = ("hsa", "hra")


@dataclass(frozen=True)
class CostSharing:
    """What a member pays for one category of service.

    Attributes
    ----------
    copay : float
        Dollars per `copay_per`.
    coinsurance : float, optional
        The member's share of the allowed amount, 0 to 1; None: the plan's own where there is no copay, else nothing.
    deductible_applies : bool
        False: the deductible is waived for this service.
    copay_before_deductible : bool
        The copay is owed from the first visit on, and the rest counts to the deductible; False: only once the
        deductible is met. Without meaning where the deductible is waived.
    copay_per : {"visit", "day", "stay", "script"}
        A visit is a day's lines of the service, a stay a claim's lines, a script a line; days are the line's units.
    copay_days : int, optional
        A copay per day is owed for this many days of a stay at most.
    free_visits : int
        The first visits of the year that cost the member nothing.
    copay_visits : int
        The first visits of the year that cost the copay alone, before the deductible; later ones have no copay and
        fall under the deductible and coinsurance (the plan's own, unless `coinsurance` is given).
    max_per_unit : float, optional
        The most that copay and coinsurance come to for one visit, stay (also where the copay is per day) or script, as
        `copay_per` says [dollars].
    counts_to_maximum : bool
        False: paid for ever, whatever the out-of-pocket maximum (a carve-out).
    is_covered : bool
        False: the plan pays nothing, and nothing counts to any limit.
    """

    copay: float = 0.0
    coinsurance: float | None = None
    deductible_applies: bool = True
    copay_before_deductible: bool = False
    copay_per: str = "visit"
    copay_days: int | None = None
    free_visits: int = 0
    copay_visits: int = 0
    max_per_unit: float | None = None
    counts_to_maximum: bool = True
    is_covered: bool = True

    @property
    def is_plain(self) -> bool:
        """True if the service falls under the plan's deductible and coinsurance and nothing else."""
        return self == CostSharing()

    @property
    def copay_after_deductible(self) -> bool:
        """True if there is a copay and it is owed only once the deductible is met."""
        return self.copay > 0 and self.deductible_applies and not self.copay_before_deductible

    def share(self, plan_coinsurance: float) -> float:
        """Return the member's coinsurance, 0 to 1: its own, the plan's, or none beside a copay."""
        if self.coinsurance is not None:
            return self.coinsurance
        if self.copay_visits:
            return plan_coinsurance
        return 0.0 if self.copay > 0 or not self.deductible_applies else plan_coinsurance

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        if not self.copay >= 0:
            yield f"copay {self.copay} is negative"
        if self.coinsurance is not None and not 0 <= self.coinsurance <= 1:
            yield f"coinsurance {self.coinsurance} is not between 0 and 1 (it is the member's share)"
        if self.copay_per not in COPAY_UNITS:
            yield no_choice("copay_per", self.copay_per, COPAY_UNITS)
        if self.copay_days is not None and (self.copay_per != "day" or self.copay_days < 1):
            yield "copay_days needs copay_per = 'day' and at least one day"
        if self.free_visits < 0 or self.copay_visits < 0:
            yield "free_visits and copay_visits cannot be negative"
        if self.copay_visits and not self.copay:
            yield "copay_visits needs a copay"
        if self.copay_per == "script" and (self.free_visits or self.copay_visits):
            yield "free_visits and copay_visits count visits and stays, not scripts"
        if self.max_per_unit is not None and not self.max_per_unit >= 0:
            yield f"max_per_unit {self.max_per_unit} is negative"


@dataclass(frozen=True)
class PlanDesign:
    """A plan's benefits, as `adjudicate` and `actuarial_value` read them.

    Attributes
    ----------
    deductible, out_of_pocket_maximum : float
        Of one person [dollars a year]; medical and drugs together unless the drug limits are given.
    coinsurance : float
        The member's share after the deductible, 0 to 1, of services without terms of their own.
    services : mapping of str to CostSharing
        Terms by service category; a category that is not named is plain.
    family_deductible, family_out_of_pocket_maximum : float, optional
        Of a family [dollars a year]; None: each person stands alone.
    family_kind : {"embedded", "aggregate"}
        "embedded": a person's own limits hold within the family's; "aggregate": in a family only the family's
        deductible counts (a person's out-of-pocket maximum still holds). Of drugs too.
    drug_deductible, drug_out_of_pocket_maximum : float, optional
        Separate limits for drugs, of one person [dollars a year]; None: drugs share the medical ones.
    family_drug_deductible, family_drug_out_of_pocket_maximum : float, optional
        A family's separate limits for drugs [dollars a year]; None: each person stands alone.
    drug_services : tuple of str
        Categories that are drugs; name those of the claims, such as ``("pharmacy",)``, where they differ.
    tier_2_services : mapping of str to CostSharing
        Terms of the network's second tier where they differ; it shares the first tier's limits.
    tier_2_coinsurance : float, optional
        The second tier's coinsurance [the member's share]; None: the first's.
    out_of_network : PlanDesign, optional
        Terms and limits of its own for lines out of the network; None: such lines are not covered.
    combined_out_of_pocket_maximum : float, optional
        What one person pays in and out of the network together, beside the maximum of each (Medicare Advantage's
        catastrophic limit) [dollars a year]; None: nothing is added up across them. Drugs with a maximum of their own
        do not count.
    family_combined_out_of_pocket_maximum : float, optional
        The same of a family [dollars a year].
    account : {"hsa", "hra"}, optional
        Kind of the employer's account; into an HSA no more than the deductible is paid.
    account_contribution : float
        What the employer pays into it [dollars a year].

    Raises
    ------
    InputError
        At once, if anything is impossible; the message names every fault.

    Examples
    --------
    >>> visit = CostSharing(copay=40, deductible_applies=False)
    >>> silver = PlanDesign("silver", deductible=4500, out_of_pocket_maximum=9100, coinsurance=0.3,
    ...     services={"professional": visit}, drug_services=("pharmacy",))
    >>> silver.terms("professional").copay, silver.terms("inpatient") == CostSharing()
    (40, True)
    """

    name: str = "plan"
    deductible: float = 0.0
    out_of_pocket_maximum: float = float("inf")
    coinsurance: float = 0.0
    services: Mapping[str, CostSharing] = field(default_factory=dict)
    family_deductible: float | None = None
    family_out_of_pocket_maximum: float | None = None
    family_kind: str = "embedded"
    drug_deductible: float | None = None
    drug_out_of_pocket_maximum: float | None = None
    family_drug_deductible: float | None = None
    family_drug_out_of_pocket_maximum: float | None = None
    drug_services: tuple[str, ...] = ("generic", "preferred_brand", "nonpreferred_brand", "specialty_drug")
    tier_2_services: Mapping[str, CostSharing] = field(default_factory=dict)
    tier_2_coinsurance: float | None = None
    out_of_network: PlanDesign | None = None
    combined_out_of_pocket_maximum: float | None = None
    family_combined_out_of_pocket_maximum: float | None = None
    account: str | None = None
    account_contribution: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is impossible."""
        for name in _SERVICES:
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        faults = [*self._faults(), *self._faults_of_services()]
        if faults:
            raise InputError(f"plan design '{self.name}': {'; '.join(faults)}.")

    def terms(self, service: str) -> CostSharing:
        """Return the terms of a service category; plain where the design does not name it."""
        return self.services.get(service, CostSharing())

    @property
    def second_tier(self) -> PlanDesign:
        """The design as it stands in the second tier of the network."""
        own = self.tier_2_coinsurance
        coinsurance = self.coinsurance if own is None else own
        services = {**self.services, **self.tier_2_services}
        return replace(self, coinsurance=coinsurance, services=services)

    def to_dict(self) -> dict[str, Any]:
        """Return the design as plain values; `design_from_dict` reads them back."""
        result: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _SERVICES:
                result[item.name] = {name: _changed(terms) for name, terms in value.items()}
            elif item.name == "out_of_network":
                result |= {} if value is None else {item.name: value.to_dict()}
            elif value is not None and not (item.name == "out_of_pocket_maximum" and value == float("inf")):
                result[item.name] = list(value) if isinstance(value, tuple) else value
        return result

    def _faults(self) -> Iterator[str]:
        for name in ("deductible", "out_of_pocket_maximum", "account_contribution", *_OPTIONAL_LIMITS):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                yield f"{name} {value} is negative"
        for name in ("coinsurance", "tier_2_coinsurance"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                yield f"{name} {share} is not between 0 and 1 (it is the member's share)"
        if self.deductible > self.out_of_pocket_maximum:
            yield f"deductible {self.deductible:,.0f} is above out_of_pocket_maximum {self.out_of_pocket_maximum:,.0f}"
        for family, person in _FAMILY_AND_PERSON:
            shared, own = getattr(self, family), getattr(self, person)
            if shared is not None and own is None:
                yield f"{family} needs {person}"
            elif shared is not None and shared < own:
                yield f"{family} is below {person}"
        yield from self._faults_of_combined()
        drugs: object = self.drug_services
        if isinstance(drugs, str):
            yield f"drug_services is one text; write ('{drugs}',)"
        if self.family_kind not in FAMILY_KINDS:
            yield no_choice("family_kind", self.family_kind, FAMILY_KINDS)
        if self.account is not None and self.account not in ACCOUNTS:
            yield no_choice("account", self.account, ACCOUNTS)
        if self.account == "hsa" and self.account_contribution > self.deductible:
            yield "an HSA contribution above the deductible"

    def _faults_of_combined(self) -> Iterator[str]:
        combined, other = self.combined_out_of_pocket_maximum, self.out_of_network
        if other is not None and other.combined_out_of_pocket_maximum is not None:
            yield "combined_out_of_pocket_maximum stands inside out_of_network; give it to the plan itself"
        if combined is None:
            return
        if other is None:
            yield "combined_out_of_pocket_maximum needs out_of_network"
        least, name = self.deductible, "deductible"
        if self.out_of_pocket_maximum != float("inf"):
            least, name = self.out_of_pocket_maximum, "out_of_pocket_maximum"
        if combined < least:
            yield f"combined_out_of_pocket_maximum is below {name}"

    def _faults_of_services(self) -> Iterator[str]:
        for name, terms in [*self.services.items(), *self.tier_2_services.items()]:
            yield from (f"{name}: {fault}" for fault in terms.faults())


_SERVICES = ("services", "tier_2_services")
_OPTIONAL_LIMITS = (
    "family_deductible",
    "family_out_of_pocket_maximum",
    "drug_deductible",
    "drug_out_of_pocket_maximum",
    "family_drug_deductible",
    "family_drug_out_of_pocket_maximum",
    "combined_out_of_pocket_maximum",
    "family_combined_out_of_pocket_maximum",
)
_FAMILY_AND_PERSON = tuple(
    (name, name.removeprefix("family_"))
    for name in ("family_deductible", *_OPTIONAL_LIMITS)
    if "family_" in name
)


def _changed(terms: CostSharing) -> dict[str, Any]:
    default = CostSharing()
    return {
        item.name: getattr(terms, item.name)
        for item in fields(terms)
        if getattr(terms, item.name) != getattr(default, item.name)
    }


def design_from_dict(values: Mapping[str, Any], *, name: str = "plan") -> PlanDesign:
    """Return the design that plain values describe, such as a table of a TOML file.

    Raises
    ------
    InputError
        A name is not known, a value is of the wrong kind, or the design is impossible.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{name} is no table; give its limits and services, as in [[design]].")
    values = {"name": name, **values}
    where = f"plan design '{values['name']}'"
    _check_names(values, PlanDesign, where)
    other, inside = values.get("out_of_network"), f"{values['name']}, out of network"
    parts = {
        **{name: _terms_from_dict(values.get(name, {}), f"{where}, {name}") for name in _SERVICES},
        "drug_services": tuple(values.get("drug_services", PlanDesign.drug_services)),
        "out_of_network": None if other is None else design_from_dict(other, name=inside),
    }
    return PlanDesign(**{**values, **parts})


def _terms_from_dict(services: Any, where: str) -> dict[str, CostSharing]:
    if not isinstance(services, Mapping):
        raise InputError(f"{where}: give a table of service categories.")
    for service, cells in services.items():
        if not isinstance(cells, Mapping):
            raise InputError(f"{where}: {service} must be a table such as {{ copay = 40 }}.")
        _check_names(cells, CostSharing, f"{where}, {service}")
    return {service: CostSharing(**cells) for service, cells in services.items()}


#: How the type of a field begins -> what its value has to be.
_WORDS = {
    "float": "a number",
    "int": "a number",
    "bool": "true or false",
    "str": "text",
    "tuple": "a list of texts",
}


def _check_names(values: Mapping[str, Any], kind: type, where: str) -> None:
    known = {item.name: str(item.type) for item in fields(kind)}
    for name, value in values.items():
        if name not in known:
            raise InputError(f"{where}: '{name}' is not known{nearest(name, known)}.")
        for type_name, words in _WORDS.items():
            if known[name].startswith(type_name):
                typed(value, words, f"{where}: {name}")


def read_designs(path: str | Path) -> list[PlanDesign]:
    """Return the designs of a TOML file: one ``[[design]]`` table each, in order.

    Parameters
    ----------
    path : path

    Returns
    -------
    list of PlanDesign

    Raises
    ------
    InputError
        The file is no TOML, holds no design, or a design is impossible.
    """
    designs = read_tables(path, "design")
    return [
        design_from_dict(design, name=f"design {number}") for number, design in enumerate(designs, start=1)
    ]
