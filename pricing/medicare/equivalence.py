"""Whether a Part D design is worth what the law asks, on a distribution of drug claims (42 USC 1395w-102(c))."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from pricing import results
from pricing.medicare.drug_claims import DrugClaims, read_drug_claims
from pricing.medicare.drug_coverage import PARAMETERS, DrugCoverage, cover_drugs
from pricing.medicare.drug_designs import ENHANCED, EQUIVALENT, DrugDesign
from pricing.medicare.drug_kernel import ENROLLEE
from pricing.parameters import Rates, load_rates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: What a value may miss its target by and still count as equal [share of the target].
TOLERANCE = 0.001
_SHARE, _DOLLARS = "share of cost", "dollars a year and enrollee"
_SCHEMA = pa.schema(
    [("test", pa.string()), ("value", pa.float64()), ("limit", pa.float64()), ("unit", pa.string()),
     ("rule", pa.string()), ("is_met", pa.bool_())]
)  # fmt: skip


@dataclass(frozen=True)
class EquivalenceTest:
    """One test of a design.

    Attributes
    ----------
    value, limit : float [`unit`]
    is_at_most : bool
        Whether the value may not be above the limit; else it may not be below.
    rule : str
        Where it stands in the law.
    is_met : bool
    """

    name: str
    value: float
    limit: float
    is_at_most: bool
    unit: str
    rule: str
    is_met: bool


@dataclass(frozen=True)
class Equivalence:
    """A design against the defined standard on the same claims.

    Attributes
    ----------
    design, standard : DrugCoverage
        The claims under each.
    tests : tuple of EquivalenceTest
    """

    design: DrugCoverage
    standard: DrugCoverage = field(repr=False)
    tests: tuple[EquivalenceTest, ...]

    TABLES: ClassVar[Mapping[str, str]] = {"table": "drug_equivalence", "assumptions": "assumptions"}
    to_pandas = results.to_pandas
    write = results.write
    __repr__ = results.shown

    @property
    def run(self) -> dict[str, Any]:
        """What was tested: the design, the year, and whether every test is met."""
        rates = self.design.rates
        return {
            "design": self.design.design.name,
            "payment_year": rates.year,
            "parameters_sha256": rates.sha256,
            "is_met": self.is_met,
        }

    @property
    def is_met(self) -> bool:
        """Whether every test of the design's kind is met."""
        return all(test.is_met for test in self.tests)

    @property
    def supplemental_value(self) -> float:
        """Value above the standard's [dollars a year and enrollee]; negative where the design is worth less."""
        return _value(self.design) - _value(self.standard)

    def table(self) -> pa.Table:
        """Return one row per test: test, value, limit, unit, rule, is_met."""
        rows = [
            {"test": test.name, **{name: getattr(test, name) for name in _SCHEMA.names[1:]}}
            for test in self.tests
        ]
        return pa.Table.from_pylist(rows, _SCHEMA)

    def summary(self) -> pd.DataFrame:
        """Return `table` as a pandas DataFrame."""
        return self.to_pandas()

    def plot(self) -> Figure:
        """Return a figure: each test's value as a share of its limit, met or not."""
        from pricing.medicare.side_plots import plot_equivalence

        return plot_equivalence(self)

    @property
    def assumptions(self) -> pa.Table:
        """Every yearly parameter used, with its source and whether it was verified."""
        return self.design.rates.assumptions(PARAMETERS)


def drug_equivalence(
    claims: Any,
    *,
    design: DrugDesign,
    payment_year: int,
    rates: Rates | None = None,
    tolerance: float = TOLERANCE,
) -> Equivalence:
    """Return whether a design is worth what its kind must be worth, against the defined standard on the same claims.

    Parameters
    ----------
    claims : path, DataFrame, Arrow table, mapping, or DrugClaims
        An actuarially representative pattern of use, as `read_drug_claims` reads it.
    design : DrugDesign
    payment_year : int
        With three phases.
    rates : Rates, optional
        Of program "medicare"; default: those that ship for the year.
    tolerance : float
        What a value may miss its target by and still count as equal: a share of the target.

    Returns
    -------
    Equivalence
        Value: cost less what enrollees pay, before low-income subsidies. Unsubsidized value: less reinsurance too (the
        direct subsidy is the same under both). Where total cost equals the out-of-pocket threshold, every enrollee's
        own mix of drugs is scaled to it, and the payments averaged.

    Raises
    ------
    InputError
        As `cover_drugs`.

    References
    ----------
    .. [1] 42 USC 1395w-102(b)(2)(A)(ii), (c)(1)-(3): `usc1395w102`; `cfr423_104` (d)(2), (e), (f) in
       pricing/rates/medicare/manifest.toml.
    """
    rates = rates or load_rates("medicare", payment_year)
    read = read_drug_claims(claims)
    own = cover_drugs(read, design=design, payment_year=payment_year, rates=rates)
    standard = cover_drugs(
        read, design=DrugDesign("defined standard"), payment_year=payment_year, rates=rates
    )
    return Equivalence(own, standard, tuple(_tests(own, standard, tolerance)))


def _tests(own: DrugCoverage, standard: DrugCoverage, tolerance: float) -> Iterator[EquivalenceTest]:
    rates, design = own.rates, own.design
    least, most = 1 - tolerance, 1 + tolerance
    deductible = design.deductible_of(rates), rates.number("part_d_deductible")
    yield EquivalenceTest(
        "deductible", *deductible, True, "dollars a year", "1395w-102(c)(2): at most the standard's",
        deductible[0] <= deductible[1],
    )  # fmt: skip
    if design.kind == EQUIVALENT:
        share, limit = _initial_share(own), rates.number("part_d_initial", "enrollee")
        yield EquivalenceTest(
            "average cost sharing between deductible and threshold", share, limit, True, _SHARE,
            "1395w-102(b)(2)(A)(ii): equivalent to the standard's coinsurance", share <= limit * most,
        )  # fmt: skip
    value, worth = _value(own), _value(standard)
    yield EquivalenceTest(
        "value of total coverage", value, worth, False, _DOLLARS, "1395w-102(c)(1)(A)", value >= worth * least
    )
    value, worth = (_unsubsidized(coverage) for coverage in (own, standard))
    yield EquivalenceTest(
        "unsubsidized value", value, worth, False, _DOLLARS, "1395w-102(c)(1)(B)", value >= worth * least
    )
    value, worth = _payment_at_threshold(own), _least_payment(rates)
    yield EquivalenceTest(
        "payment where cost equals the threshold", value, worth, False, _DOLLARS, "1395w-102(c)(1)(C)",
        value >= worth * least,
    )  # fmt: skip
    if design.kind == ENHANCED:
        value, worth = _value(own), _value(standard)
        yield EquivalenceTest(
            "enhanced: worth more than the standard", value, worth, False, _DOLLARS, "42 CFR 423.104(f)(1)",
            value > worth * most,
        )  # fmt: skip
    else:
        value, worth = _value(own), _value(standard)
        yield EquivalenceTest(
            "basic: worth no more than the standard", value, worth, True, _DOLLARS, "1395w-102(a)(3)(B)",
            value <= worth * most,
        )  # fmt: skip


def _per_enrollee(coverage: DrugCoverage, dollars: float) -> float:
    return dollars / float(coverage.claims.weight.sum())


def _value(coverage: DrugCoverage) -> float:
    totals = coverage.totals
    return _per_enrollee(coverage, totals["gross"] - totals["enrollee"])


def _unsubsidized(coverage: DrugCoverage) -> float:
    totals = coverage.totals
    return _per_enrollee(coverage, totals["gross"] - totals["enrollee"] - totals["reinsurance"])


def _initial_share(coverage: DrugCoverage) -> float:
    totals = coverage.totals
    cost = totals["initial_phase"]
    return totals["initial_paid"] / cost if cost else 0.0


def _least_payment(rates: Rates) -> float:
    above = rates.number("part_d_threshold") - rates.number("part_d_deductible")
    return above * (1 - rates.number("part_d_initial", "enrollee"))


def _payment_at_threshold(coverage: DrugCoverage) -> float:
    """Return the mean payment for enrollees whose cost is scaled to the out-of-pocket threshold."""
    claims, rates = coverage.claims, coverage.rates
    target = rates.number("part_d_threshold")
    gross = claims.per_enrollee(claims.cost)
    factor = np.divide(target, gross, out=np.zeros_like(gross), where=gross > 0)[claims.enrollee]
    scaled = _scaled(claims, factor)
    found = cover_drugs(scaled, design=coverage.design, payment_year=rates.year, rates=rates)
    paid = target - claims.per_enrollee(found.parts[:, ENROLLEE])
    counts = claims.weight * (gross > 0)
    return float(counts @ paid / counts.sum()) if counts.any() else 0.0


def _scaled(claims: DrugClaims, factor: Any) -> DrugClaims:
    return claims.scaled(factor, factor)
