"""Claims adjudicated again under plan designs: who pays what, line by line, with every limit and accumulator."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pricing import results
from pricing.benefits import adjudication_kernel as kernel
from pricing.benefits.claims import Claims, read_claims
from pricing.benefits.design import COPAY_UNITS, PlanDesign
from pricing.benefits.design_notes import notes_on
from pricing.benefits.together_kernel import LANES, MOST, adjudicate_together
from pricing.errors import InputError
from riskadj.extracts.write import write_tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_NO_LIMIT = 1 << 60
#: Simple designs fewer than this are done sooner one after another than in vectors.
_FEW = 8
_NOTHING_COVERED = PlanDesign()
PARTS = ("plan_paid", "deductible", "copay", "coinsurance", "not_covered")
Cents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Adjudication:
    """Claims under designs.

    Attributes
    ----------
    claims : Claims
    designs : tuple of PlanDesign
    totals : ndarray of int64, shape (n_designs, n_member_years, 5)
        What the plan pays, deductible, copay, coinsurance, not covered. They add up to the allowed amount. [cents]
    line_parts : ndarray of int64, shape (n_lines, 5) or (0, 5)
        The same, by line, of the last design, where asked for. [cents]
    """

    claims: Claims
    designs: tuple[PlanDesign, ...]
    totals: Cents
    line_parts: Cents

    TABLES: ClassVar[Mapping[str, str]] = {"members": "adjudicated_members", "lines": "adjudicated_lines"}
    to_pandas = results.to_pandas

    @cached_property
    def members(self) -> pa.Table:
        """One row per design, member and year: allowed, plan_paid, member_paid and its parts [dollars]."""
        return pa.concat_tables(map(self._members_under, range(len(self.designs))))

    def _members_under(self, number: int) -> pa.Table:
        """Return the rows of `members` of one design."""
        people = self.claims.member_years
        every = np.full(people.num_rows, number, np.int32)
        design = pa.DictionaryArray.from_arrays(pa.array(every), [design.name for design in self.designs])
        columns = {"design": design, "member_id": people["member_id"], "year": people["year"]}
        return pa.table({**columns, **_dollars(self.totals[number])})

    @cached_property
    def _sums(self) -> Cents:
        return np.array([part_sums(totals) for totals in self.totals])

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of it: amounts that look wrong, services nobody used, care out of the network not covered."""
        return notes_on(self.claims, self.designs)

    @cached_property
    def lines(self) -> pa.Table:
        """One row per claim line of the last design, in the order of adjudication: row_number of the extract, amounts.

        Raises
        ------
        InputError
            Lines were not asked for.
        """
        if len(self.line_parts) != self.claims.n_lines:
            raise InputError("lines were not kept; call adjudicate with keep_lines=True.")
        return pa.table({"row_number": pa.array(self.claims.row_numbers), **_dollars(self.line_parts)})

    def summary(self) -> pd.DataFrame:
        """Return one row per design: allowed, plan paid, member paid and its parts [dollars], and the plan's share."""
        import pandas as pd

        sums = {name: column.to_numpy() for name, column in _dollars(self._sums).items()}
        frame = pd.DataFrame({"design": [design.name for design in self.designs], **sums})
        frame["actuarial_value"] = frame["plan_paid"] / frame["allowed"]
        return frame

    def plot(self) -> Figure:
        """Return a figure: who pays what under each design."""
        from pricing.benefits.plots import plot_adjudication

        return plot_adjudication(self)

    def write(self, directory: str | Path, *, chart: bool = False, overwrite: bool = False) -> Path:
        """Write adjudicated_members (adjudicated_lines, if kept; a chart) and run.json into `directory`."""
        under = (
            batch for number in range(len(self.designs)) for batch in self._members_under(number).to_batches()
        )
        schema = self._members_under(0).schema
        tables = {"adjudicated_members": pa.RecordBatchReader.from_batches(schema, under)}
        if len(self.line_parts):
            tables["adjudicated_lines"] = self.lines
        report = {
            "designs": [design.to_dict() for design in self.designs],
            "counts": dict(self.claims.counts),
            "notes": list(self.notes),
        }
        charts = {"adjudicated_members": self.plot()} if chart else {}
        return write_tables(directory, tables, report, charts=charts, overwrite=overwrite)

    def __repr__(self) -> str:
        """Return what was adjudicated, without any member's data."""
        return f"<Adjudication: {self.claims.n_lines:,} lines under {len(self.designs)} designs>"


def adjudicate(
    claims: Any,
    designs: PlanDesign | Sequence[PlanDesign],
    *,
    keep_lines: bool = False,
    threads: int | None = None,
) -> Adjudication:
    """Adjudicate a claims extract again under one or many designs, in one pass over the lines.

    Parameters
    ----------
    claims : Claims, or what `read_claims` reads
    designs : PlanDesign or sequence of PlanDesign
    keep_lines : bool
        Keep what every line comes to; for one design.
    threads : int, optional
        Default: every processor. Never changes a result.

    Returns
    -------
    Adjudication

    Raises
    ------
    InputError
        The claims cannot be used, or lines are asked for of several designs.

    Notes
    -----
    Each line, in order of date (lines of a day by claim and line number): first free visits; then a copay owed before
    the deductible; then the deductible (of the person within the family's, or the family's alone); then a copay owed
    after it; then coinsurance, at most `max_per_unit` together with the copay; and in all no more than the
    out-of-pocket maximum has room for: of the person and of the family, there and (where the design says so) in and out
    of the network together. What the maximum cuts off is taken from coinsurance first, then from the copay. Coinsurance
    is rounded to the cent, halves up. Limits start again each calendar year; a family's hold where two or more are
    covered (without a table of members: have claims). Lines of 0 or less use up no visit; a negative one is a credit to
    the plan.

    A richer design (each number lower or equal) never costs a person more if nobody shares a family limit and every
    service falls under deductible and coinsurance, or has the deductible waived, in both designs. In a family it can:
    a person whose own deductible falls leaves more of the family's to the others.
    """
    every = (designs,) if isinstance(designs, PlanDesign) else tuple(designs)
    if not every:
        raise InputError("adjudicate needs at least one design.")
    if keep_lines and len(every) > 1:
        raise InputError("lines are kept for one design at a time; call adjudicate once for each.")
    ready = claims if isinstance(claims, Claims) else read_claims(claims)
    limits = np.array([_limits(design) for design in every], np.int64)
    terms = np.array([_terms(design, ready.service_names) for design in every], np.int64)
    by_design = np.zeros((len(every), ready.member_years.num_rows, kernel.N_PARTS), np.int64)
    totals = by_design.transpose(1, 0, 2)
    lines = np.zeros((ready.n_lines if keep_lines else 0, kernel.N_PARTS), np.int64)

    is_simple = _simple(terms) & (not keep_lines)
    together = _Together.of(ready, limits, terms, is_simple)

    def work(begin: int, end: int) -> None:
        if together is not None:
            adjudicate_together(
                begin, end, ready.families, ready.allowed, ready.slots, ready.first_member,
                together.limits, together.terms, together.designs, totals,
            )  # fmt: skip
        else:
            kernel.adjudicate_persons(
                begin, end, ready.families, ready.allowed, ready.slots, ready.first_member,
                limits, terms, is_simple, totals,
            )  # fmt: skip
        kernel.adjudicate(
            begin, end, ready.families, ready.allowed, ready.slots, ready.members, ready.days, ready.unit_begins,
            ready.unit_numbers, ready.first_member, limits, terms, is_simple, totals, lines,
        )  # fmt: skip

    n_threads = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(n_threads) as pool:
        for done in [pool.submit(work, *part) for part in _shares(ready.families, 4 * n_threads)]:
            done.result()
    return Adjudication(ready, every, by_design, lines)


@dataclass(frozen=True)
class _Together:
    """Simple designs as `together_kernel` takes them."""

    limits: npt.NDArray[np.float64]
    terms: npt.NDArray[np.float64]
    designs: Cents

    @classmethod
    def of(
        cls, claims: Claims, limits: Cents, terms: Cents, is_simple: npt.NDArray[np.bool_]
    ) -> _Together | None:
        """Put simple designs side by side; None where they are few, or amounts too large to be exact."""
        designs = np.flatnonzero(is_simple)
        largest = max(int(claims.allowed.max(initial=0)), -int(claims.allowed.min(initial=0)))
        most_lines = int(np.diff(claims.families).max(initial=0))
        if len(designs) < _FEW or largest * max(most_lines, kernel.MILLION) >= MOST:
            return None
        own, price = limits[designs, 0, 0], terms[designs]
        fields = (
            price[..., kernel.SHARE],
            price[..., kernel.DEDUCTIBLE_ACCOUNT] != kernel.NO_ACCOUNT,
            np.where(price[..., kernel.MAXIMUM_ACCOUNT] == kernel.NO_ACCOUNT, _NO_LIMIT, 0),
            price[..., kernel.IS_COVERED],
        )
        return cls(
            _in_lanes(own[:, [kernel.DEDUCTIBLE, kernel.MAXIMUM]]),
            _in_lanes(np.stack(fields, axis=-1)),
            designs,
        )


def _in_lanes(numbers: Cents) -> npt.NDArray[np.float64]:
    """Return numbers by design as blocks of LANES designs, the lanes innermost, flat; lanes left over hold 0."""
    n_blocks = -(-len(numbers) // LANES)
    padded = np.zeros((n_blocks * LANES, *numbers.shape[1:]))
    padded[: len(numbers)] = numbers
    return np.moveaxis(padded.reshape(n_blocks, LANES, *numbers.shape[1:]), 1, -1).ravel()


def _shares(families: Cents, n_parts: int) -> list[tuple[int, int]]:
    """Return ranges of families with about the same number of lines."""
    n_families = len(families) - 1
    cuts = np.searchsorted(families, np.linspace(0, families[-1], n_parts + 1)[1:-1])
    edges = [0, *np.unique(np.clip(cuts, 0, n_families)).tolist(), n_families]
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]


def _cents(dollars: float | None) -> int:
    return _NO_LIMIT if dollars is None or np.isinf(dollars) else round(dollars * 100)


def _limits(design: PlanDesign) -> list[list[list[int]]]:
    """Return the limits of a person alone and of one in a family, by account."""
    return [_limits_of(design, in_family) for in_family in (False, True)]


def _limits_of(design: PlanDesign, in_family: bool) -> list[list[int]]:
    """Return the limits by account: a person's deductible and maximum, then the family's."""
    networks = (design, design.out_of_network or design)
    combined = [_NO_LIMIT, *_pair(design, "combined_out_of_pocket_maximum", in_family)]
    combined.insert(2, _NO_LIMIT)  # nobody has a deductible in and out of the network together
    none = [0, _NO_LIMIT, _NO_LIMIT, _NO_LIMIT]
    accounts = [_account(part, kind, in_family) for part in networks for kind in ("", "drug_")]
    return [*accounts, combined, none]


def _account(design: PlanDesign, kind: str, in_family: bool) -> list[int]:
    own, shared = _pair(design, f"{kind}deductible", in_family)
    maximum, shared_maximum = _pair(design, f"{kind}out_of_pocket_maximum", in_family)
    if design.family_kind == "aggregate" and shared != _NO_LIMIT:
        own = _NO_LIMIT
    return [own, maximum, shared, shared_maximum]


def _pair(design: PlanDesign, name: str, in_family: bool) -> tuple[int, int]:
    """Return a person's limit and the family's, which one alone does not have."""
    shared = getattr(design, f"family_{name}") if in_family else None
    return _cents(getattr(design, name)), _cents(shared)


def _terms(design: PlanDesign, services: Sequence[str]) -> list[list[int]]:
    """Return the terms of a design by slot: tier of the network (first, second, outside) and service."""
    tiers = ((design, 0), (design.second_tier, 0), (design.out_of_network or _NOTHING_COVERED, 2))
    combined = kernel.NO_ACCOUNT if design.combined_out_of_pocket_maximum is None else kernel.COMBINED
    return [_terms_of(part, service, (account, combined)) for part, account in tiers for service in services]


def _terms_of(design: PlanDesign, service: str, accounts: tuple[int, int]) -> list[int]:
    """Return the terms of a service; `accounts` are the medical one, with that of drugs behind it, and the combined."""
    account, combined = accounts
    terms = design.terms(service)
    is_drug = service in design.drug_services
    own_deductible = int(is_drug and design.drug_deductible is not None)
    own_maximum = int(is_drug and design.drug_out_of_pocket_maximum is not None)
    plain = replace(terms, coinsurance=None, deductible_applies=True, counts_to_maximum=True)
    return [
        round(terms.share(design.coinsurance) * kernel.MILLION),
        account + own_deductible if terms.deductible_applies else kernel.NO_ACCOUNT,
        account + own_maximum if terms.counts_to_maximum else kernel.NO_ACCOUNT,
        combined if terms.counts_to_maximum and not own_maximum else kernel.NO_ACCOUNT,
        int(terms.is_covered and design is not _NOTHING_COVERED),
        int(not plain.is_plain),
        round(terms.copay * 100),
        int(terms.copay_before_deductible),
        COPAY_UNITS.index(terms.copay_per),
        _NO_LIMIT if terms.copay_days is None else terms.copay_days,
        terms.free_visits,
        terms.copay_visits,
        _cents(terms.max_per_unit),
    ]


def _simple(terms: Cents) -> npt.NDArray[np.bool_]:
    """Return which designs need no more than one deductible and one maximum, shape (n_designs,)."""
    accounts = terms[:, :, [kernel.DEDUCTIBLE_ACCOUNT, kernel.MAXIMUM_ACCOUNT, kernel.COMBINED_ACCOUNT]]
    is_medical = (accounts == 0) | (accounts == kernel.NO_ACCOUNT)
    is_simple = is_medical.all(axis=2) & (terms[:, :, kernel.HAS_UNITS] == 0)
    result: npt.NDArray[np.bool_] = (is_simple | (terms[:, :, kernel.IS_COVERED] == 0)).all(axis=1)
    return result


def _dollars(parts: Cents) -> dict[str, pa.Array]:
    """Return allowed, plan_paid, member_paid and its parts in dollars, from cents of shape (n, 5)."""
    columns = {name: parts[:, number] / 100 for number, name in enumerate(PARTS)}
    member = reduce(np.add, parts.T[1:])
    return {
        "allowed": pa.array((member + parts[:, kernel.PLAN_PAID]) / 100),
        "plan_paid": pa.array(columns["plan_paid"]),
        "member_paid": pa.array(member / 100),
        **{name: pa.array(columns[name]) for name in PARTS[1:]},
    }


def part_sums(parts: Cents) -> Cents:
    """Return the sum of each part, shape (5,), of parts of shape (n, 5); NumPy itself is slow over such short rows."""
    return np.array([column.sum() for column in parts.T])
