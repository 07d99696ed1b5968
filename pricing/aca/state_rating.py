"""How a State rates: its age curve, or its family tiers, and its limit on tobacco (45 CFR 147.102-147.103)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pricing.errors import InputError, check_choice
from pricing.inputs import Array, Column, Columns, Numbers, read_columns
from pricing.parameters import Rates, load_rates
from pricing.rows import rows_in_words

MARKETS = ("individual", "small_group", "merged")
#: Columns of an age curve of the caller's own: one row for each age from 0 to the oldest rated one.
AGE_CURVE = (Column("age_years", "integer", minimum=0, maximum=130), Column("factor", above=0.0))
_OF_EVERY_STATE = (
    "age_factor", "oldest_rated_age", "first_adult_age", "most_rated_children", "tobacco_limit", "tobacco_age",
)  # fmt: skip
_OF_TIERS = ("tobacco_limit", "tier_child_age", "first_adult_age")
_OF_A_STATE = ("state_age_curve", "state_age_factor", "state_tobacco_limit", "family_tier")


@dataclass(frozen=True)
class RatingRules:
    """How a market of a State rates its members.

    Attributes
    ----------
    state : str
        Two letters; empty for the federal rules.
    market : {"individual", "small_group", "merged"}
    curve : ndarray of float64, shape (oldest rated age + 1,)
        Factor of each age; all 1 where families are rated by tiers.
    tiers : mapping of str to float
        Family tier -> times the rate of one adult; empty where members are rated one by one.
    tobacco_limit : float
        Highest factor for tobacco.
    rates : Rates
        All parameters of the year.
    used : Rates
        The parameters that these rules come from.
    """

    state: str
    market: str
    curve: Numbers
    tiers: Mapping[str, float]
    tobacco_limit: float
    rates: Rates = field(repr=False)
    used: Rates = field(repr=False)

    @property
    def assumptions(self) -> pa.Table:
        """The parameters that these rules come from, each with its source and whether it was verified."""
        return self.used.assumptions(name for name, _ in self.used.parameters)

    def factors(self, age_years: Any) -> Numbers:
        """Return the factor of each age; the oldest rated age stands for all above it.

        Raises
        ------
        InputError
            An age is negative, or no whole number.
        """
        ages = np.asarray(age_years)
        if not ((ages >= 0) & (ages == np.floor(ages))).all():
            raise InputError("ages are whole years from 0 up.")
        factors: Numbers = self.curve[np.minimum(ages, len(self.curve) - 1).astype(np.int64)]
        return factors

    def check_tobacco(self, tobacco_factor: Any, *, age_years: Any) -> None:
        """Raise InputError if a factor is below 1, above the limit, or for an age that may not use tobacco."""
        tobacco, age = np.broadcast_arrays(np.atleast_1d(tobacco_factor), np.atleast_1d(age_years))
        bad = ~((tobacco >= 1) & (tobacco <= self.tobacco_limit))
        if bad.any():
            limit = f"{self.tobacco_limit:g}{f' in {self.state}' if self.state else ''}"
            raise InputError(
                f"tobacco_factor must lie between 1 and {limit}; it does not in {rows_in_words(bad)}."
            )
        legal = self.rates.number("tobacco_age")
        young = (tobacco > 1) & (age < legal)
        if young.any():
            raise InputError(
                f"tobacco_factor above 1 for ages below {legal:g}, who may not use tobacco, in {rows_in_words(young)}."
            )


def rating_rules(
    state: str = "",
    *,
    benefit_year: int | None = None,
    market: str = "individual",
    age_curve: Any = None,
    rates: Rates | None = None,
) -> RatingRules:
    """Return how a State rates: with its own curve, limit or tiers where it has them, else by the federal rules.

    Parameters
    ----------
    state : str
        Two letters; empty for the federal rules.
    benefit_year : int, optional
        Needed unless `rates` are given.
    market : {"individual", "small_group", "merged"}
    age_curve : path, DataFrame, Arrow table, mapping, optional
        A curve of one's own, such as a State's newest: age_years, factor, one row for each age (`AGE_CURVE`).
    rates : Rates, optional

    Returns
    -------
    RatingRules

    Raises
    ------
    InputError
        The State is not written in two letters, or has an age curve that is not held entirely (New Jersey's small
        groups; some before 2018): bring it with `age_curve`. Or that curve lacks ages, or the State rates by family
        tiers, to which no ages matter.
    UnknownRateError
        The year has no parameters.

    References
    ----------
    .. [1] `cfr147_102`, `state_ratings`, `state_curves` in pricing/rates/aca/manifest.toml.

    Examples
    --------
    >>> rating_rules("MA", benefit_year=2026).factors([8, 21, 70]).tolist()
    [0.751, 1.183, 2.365]
    """
    if rates is None:
        if benefit_year is None:
            raise InputError("rating rules need benefit_year= or rates=.")
        rates = load_rates("aca", benefit_year)
    check_choice("market", market, MARKETS)
    state = state.strip().upper()
    if state and not (len(state) == len("NY") and state.isalpha()):
        raise InputError(f"state '{state}' is not written in two letters, such as NY.")
    limit = _of_state(rates, "state_tobacco_limit", state, market)
    tiers = {key.partition(" ")[2]: value for key, value in _keyed(rates, "family_tier", state).items()}
    oldest = int(rates.number("oldest_rated_age"))
    if tiers and age_curve is not None:
        raise InputError(f"{state} rates by family tiers; leave out age_curve.")
    if tiers:
        curve = np.ones(oldest + 1)
    elif age_curve is not None:
        curve = _own_curve(age_curve, oldest)
    else:
        curve = _curve(rates, state, market, oldest)
    return RatingRules(
        state, market, curve, tiers, rates.number("tobacco_limit") if limit is None else limit, rates,
        _used(rates, state, is_tiered=bool(tiers), has_own_curve=age_curve is not None),
    )  # fmt: skip


def state_factors(columns: Columns, rates: Rates) -> Numbers:
    """Return the factor of each row by its own State's and market's curve (columns state, market, age_years)."""
    return factors_of_states(columns["age_years"], columns["state"], columns["market"], rates)


def factors_of_states(age_years: Array, states: Array, markets: Array, rates: Rates) -> Numbers:
    """Return age factors, each by the curve of its row's State and market; shape (n_rows,)."""
    pairs = np.array([f"{state} {market}" for state, market in zip(states, markets, strict=True)])
    found = np.empty(len(pairs))
    for pair in np.unique(pairs):
        state, _, market = str(pair).rpartition(" ")
        rows = pairs == pair
        found[rows] = rating_rules(state, market=market, rates=rates).factors(age_years[rows])
    return found


def _of_state(rates: Rates, name: str, state: str, market: str) -> float | None:
    """Return a parameter of a State's market, else of the State, else None."""
    for key in (f"{state} {market}", state):
        if rates.has(name, key):
            return rates.number(name, key)
    return None


def _keyed(rates: Rates, name: str, state: str) -> dict[str, float]:
    """Return the values of a parameter whose keys begin with a State."""
    return {
        key: float(entry.value)
        for (other, key), entry in rates.parameters.items()
        if other == name and key.startswith(f"{state} ")
    }


def _curve(rates: Rates, state: str, market: str, oldest: int) -> Numbers:
    if _of_state(rates, "state_age_curve", state, market) is None:
        return np.array([rates.number("age_factor", age) for age in range(oldest + 1)])
    own = _keyed(rates, "state_age_factor", state)
    missing = [age for age in range(oldest + 1) if f"{state} {age}" not in own]
    if missing:
        raise InputError(
            f"{state} has an age curve of its own for the {market} market of {rates.year}, which is not held "
            f"entirely ({len(missing)} of {oldest + 1} ages missing); bring it with age_curve= (age_years, factor)."
        )
    return np.array([own[f"{state} {age}"] for age in range(oldest + 1)])


def _own_curve(source: Any, oldest: int) -> Numbers:
    table = read_columns(source, AGE_CURVE, role="age curve", key=("age_years",))
    if sorted(table["age_years"].tolist()) != list(range(oldest + 1)):
        raise InputError(
            f"{table.label}: an age curve needs one row for each age from 0 to {oldest}, and none above."
        )
    return table["factor"][np.argsort(table["age_years"])].astype(np.float64)


def _used(rates: Rates, state: str, *, is_tiered: bool, has_own_curve: bool) -> Rates:
    names = set(_OF_TIERS if is_tiered else _OF_EVERY_STATE)
    own = {place for place in rates.parameters if place[0] in _OF_A_STATE and place[1].split(" ")[0] == state}
    if has_own_curve or any(name == "state_age_factor" for name, _ in own):
        names.discard("age_factor")
    used = {
        place: entry
        for place, entry in rates.parameters.items()
        if place[0] in names or (place in own and not (has_own_curve and place[0] == "state_age_factor"))
    }
    return replace(rates, parameters=used)
