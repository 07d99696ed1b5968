"""The recipe of the individual and small-group markets: areas, plans, families, age curve, drugs, as arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from riskadj.synthetic.randomness import ONE, Ints, spread
from riskadj.synthetic.recipe import Choices, read_rows
from riskadj.tables.model import load_model
from riskadj.tables.payment_year import load_payment_year

FOLDER = "hhs"
CODE_SYSTEMS = ("ndc", "hcpcs")
#: Labeler 00000 is issued to nobody: such drug codes name no product.
_NO_PRODUCT = "00000{:04d}{:02d}"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Plans:
    """Plans in the order of plans.csv; arrays of shape (n_plans,)."""

    ids: tuple[str, ...]
    issuers: tuple[str, ...]
    metals: tuple[str, ...]
    pool: Ints  # position in Market.pools
    base_cents: Ints
    log_weight: Ints  # thousandths
    need_slope: Ints  # thousandths of a logarithm of weight per logarithm of use
    cost_sharing: npt.NDArray[np.uint8]  # shape (n_plans, 65,536): positions in Market.cost_sharing


@dataclass(frozen=True)
class Treatment:
    """Drugs that members with a condition take."""

    condition: str
    share: float
    monthly: float  # chance of a fill in a month
    drugs: Choices  # positions in Market.drugs


@dataclass(frozen=True)
class Market:
    """All tables of one benefit year."""

    pools: tuple[tuple[str, str], ...]  # state and market whose plans compete
    areas: tuple[str, ...]
    area_pool: Ints
    area_factor: Ints  # thousandths
    area_choices: Choices
    plans: Plans
    cost_sharing: tuple[str | None, ...]
    families: Choices  # shape (n_pools, 65,536): positions in adults and children
    adults: Ints
    children: Ints
    age_factor: Ints  # by age, thousandths; the last one stands for all above it
    treatments: tuple[Treatment, ...]
    drugs: tuple[tuple[str, str], ...]  # code system, code


def _of_year(rows: Iterable[Row], year: int) -> list[Row]:
    return [row for row in rows if int(row["first_year"]) <= year <= int(row["last_year"] or year)]


def _read(name: str) -> list[dict[str, str]]:
    return read_rows(FOLDER, name)


def _weights(rows: Iterable[Row]) -> list[float]:
    return [float(row["weight"]) for row in rows]


def _thousandths(rows: Iterable[Row], column: str) -> Ints:
    return np.array([round(float(row[column]) * ONE) for row in rows], dtype=np.int64)


def _cost_sharing(
    rows: list[Row], plans: list[dict[str, str]]
) -> tuple[tuple[str | None, ...], npt.NDArray[np.uint8]]:
    """Return the indicators, and the choices of each plan; a metal level without rows has no indicator."""
    indicators = (None, *dict.fromkeys(row["csr_indicator"] for row in rows if row["csr_indicator"]))
    choices = np.zeros((len(plans), 65536), dtype=np.uint8)
    for number, plan in enumerate(plans):
        own = [row for row in rows if all(row[name] == plan[name] for name in ("market", "metal_level"))]
        if own:
            found = np.array([indicators.index(row["csr_indicator"] or None) for row in own], dtype=np.uint8)
            choices[number] = found[spread(_weights(own))]
    return indicators, choices


def _plans(
    rows: list[dict[str, str]], pools: tuple[tuple[str, str], ...], choices: npt.NDArray[np.uint8]
) -> Plans:
    return Plans(
        ids=tuple(row["plan_id"] for row in rows),
        issuers=tuple(row["issuer_id"] for row in rows),
        metals=tuple(row["metal_level"] for row in rows),
        pool=np.array([pools.index((row["state"], row["market"])) for row in rows]),
        base_cents=np.array([round(float(row["base_rate"]) * 100) for row in rows]),
        log_weight=np.array([round(ONE * math.log(weight)) for weight in _weights(rows)]),
        need_slope=_thousandths(rows, "need_slope"),
        cost_sharing=choices,
    )


def _families(rows: list[dict[str, str]], pools: tuple[tuple[str, str], ...]) -> Choices:
    parts = []
    for _, market in pools:
        own = [number for number, row in enumerate(rows) if row["market"] == market]
        parts.append(np.array(own, dtype=np.uint16)[spread(_weights(rows[number] for number in own))])
    return np.stack(parts)


def products(year: int) -> dict[tuple[str, str], list[str]]:
    """Return the drug codes that the model of a benefit year maps, by category and code system, sorted."""
    found: dict[tuple[str, str], list[str]] = {}
    for model_id, _ in load_payment_year(FOLDER, year).policies[0].blend:
        for row in load_model(model_id, payment_year=year).records("drug_mappings"):
            found.setdefault((row["hcc"], row["code_system"]), []).append(row["code"])
    return {key: sorted(set(codes)) for key, codes in found.items()}


def _evenly(codes: list[str], n: int) -> list[str]:
    return [codes[number * len(codes) // n] for number in range(n)] if len(codes) > n else codes


def _pairs_of(
    number: int, row: Row, known: Mapping[tuple[str, str], list[str]]
) -> list[tuple[str, str, float]]:
    """Return code system, code and weight of the drugs of a treatment; those of no category name no product."""
    n, category, hcpcs_share = int(row["products"]), row["category"], float(row["hcpcs_share"])
    if not category:
        return [("ndc", _NO_PRODUCT.format(5000 + 50 * number + i, 10), 1 / n) for i in range(n)]
    shares = dict(zip(CODE_SYSTEMS, (1 - hcpcs_share, hcpcs_share), strict=True))
    chosen = {system: _evenly(known.get((category, system), []), n) for system in CODE_SYSTEMS}
    return [
        (system, code, shares[system] / len(codes))
        for system, codes in chosen.items()
        for code in codes
        if shares[system]
    ]


def _treatments(year: int) -> tuple[tuple[Treatment, ...], tuple[tuple[str, str], ...]]:
    """Return the treatments and their drugs; a category that the year's model lacks is not prescribed."""
    known, rows = products(year), _read("treatments")
    drugs = [_pairs_of(number, row, known) for number, row in enumerate(rows)]
    codes = tuple(dict.fromkeys((system, code) for pairs in drugs for system, code, _ in pairs))
    position = {code: number for number, code in enumerate(codes)}
    return tuple(
        Treatment(
            condition=row["condition"],
            share=float(row["share"]),
            monthly=float(row["fills_per_year"]) / 12,
            drugs=np.array([position[system, code] for system, code, _ in pairs], dtype=np.uint16)[
                spread([100 * weight for _, _, weight in pairs])
            ],
        )
        for row, pairs in zip(rows, drugs, strict=True)
        if pairs
    ), codes


@cache
def load_market(year: int) -> Market:
    """Return the recipe of the markets in a benefit year.

    Raises
    ------
    UnknownPaymentYearError
        The year has no HHS-HCC model, whose drugs the members take.
    """
    treatments, drugs = _treatments(year)
    areas, plans, families = _read("areas"), _read("plans"), _read("families")
    pools = tuple(dict.fromkeys((row["state"], row["market"]) for row in areas))
    indicators, choices = _cost_sharing(_of_year(_read("csr"), year), plans)
    return Market(
        pools=pools,
        areas=tuple(row["rating_area"] for row in areas),
        area_pool=np.array([pools.index((row["state"], row["market"])) for row in areas]),
        area_factor=_thousandths(areas, "area_factor"),
        area_choices=spread(_weights(areas)),
        plans=_plans(plans, pools, choices),
        cost_sharing=indicators,
        families=_families(families, pools),
        adults=np.array([int(row["adults"]) for row in families]),
        children=np.array([int(row["children"]) for row in families]),
        age_factor=_thousandths(
            sorted(_of_year(_read("age_curve"), year), key=lambda row: int(row["age"])), "factor"
        ),
        treatments=treatments,
        drugs=drugs,
    )
