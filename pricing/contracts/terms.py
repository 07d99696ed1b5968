"""The terms of a provider contract as frozen values: what is expected, how a gap is shared, what is paid in advance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pricing.contracts.curves import Points, faults_of_curve
from pricing.errors import InputError, no_choice
from pricing.inputs import AS_RATE, MOST_RATE

BASES = ("history", "loss_ratio", "pmpm")
CREDIBILITIES = ("full", "limited_fluctuation", "buhlmann_straub")


@dataclass(frozen=True)
class Truncation:
    """What a member's amounts of one period count up to; nothing given: all of them count.

    Attributes
    ----------
    level : float, optional
        Dollars a year.
    percentile : float, optional
        Instead: the level is this quantile of the members' yearly amounts of the period, everybody in the panel taken
        together; 0.99 is the 99th percentile.
    is_prorated : bool
        A member of six months has half the level.
    """

    level: float | None = None
    percentile: float | None = None
    is_prorated: bool = True

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        if self.level is not None and self.percentile is not None:
            yield "truncation has level or percentile, not both"
        if self.level is not None and not self.level > 0:
            yield "truncation level must be above 0"
        if self.percentile is not None and not 0 < self.percentile <= 1:
            yield "truncation percentile must lie above 0 and at most 1"


@dataclass(frozen=True)
class Benchmark:
    """What the members of a group are expected to cost in the performance period.

    Attributes
    ----------
    basis : {"history", "loss_ratio", "pmpm"}
        The group's own baseline periods; a share of the premium (a medical-loss target); or a rate of the contract.
    weights : tuple of float
        Of the baseline periods, oldest first, in proportion; empty: alike. [any unit]
    trend_annual : float
        Growth a year from each baseline period to the performance period (periods are years).
    trend_factors : tuple of float
        Instead: the growth of each baseline period to the performance period, oldest first.
    is_risk_adjusted : bool
        Amounts are taken per unit of risk score, and the benchmark moves with the members' scores.
    risk_growth_limit, risk_decline_limit : float, optional
        By how much the mean risk score may rise or fall since the latest baseline period [share];
        0.03 is 3 percent.
    credibility : {"full", "limited_fluctuation", "buhlmann_straub"}
        How far a group's own history is believed; the rest is the history of all groups together.
    full_credibility : float, optional
        Member months of the baseline that are fully credible, for limited fluctuation.
    discount : float
        Share taken off the benchmark, what is added to it (adjustment_pmpm) included.
    pmpm : float, optional
        Rate at a risk score of 1.000, for basis "pmpm" [dollars per member and month].
    loss_ratio : float, optional
        Share of premium, for basis "loss_ratio".
    is_limit_above_demographic : bool
        `risk_growth_limit` is counted from the growth of the group's demographic risk scores, which comes with the
        groups (demographic_growth); where that leaves less than no growth, growth is taken away and no more.
    """

    basis: str = "history"
    weights: tuple[float, ...] = ()
    trend_annual: float = 0.0
    trend_factors: tuple[float, ...] = ()
    is_risk_adjusted: bool = True
    risk_growth_limit: float | None = None
    risk_decline_limit: float | None = None
    credibility: str = "full"
    full_credibility: float | None = None
    discount: float = 0.0
    pmpm: float | None = None
    loss_ratio: float | None = None
    is_limit_above_demographic: bool = False

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        yield from _one_of("basis", self.basis, BASES)
        yield from _one_of("credibility", self.credibility, CREDIBILITIES)
        if any(not weight >= 0 for weight in self.weights) or (self.weights and not sum(self.weights) > 0):
            yield "weights must not be negative, and one must be above 0"
        if not -1 < self.trend_annual <= MOST_RATE or any(not factor > 0 for factor in self.trend_factors):
            yield f"trend_annual must be {AS_RATE}; trend_factors must be above 0"
        if self.trend_annual and self.trend_factors:
            yield "give trend_annual or trend_factors, not both"
        if not 0 <= self.discount < 1:
            yield "discount must lie from 0 to below 1"
        for name in ("risk_growth_limit", "risk_decline_limit"):
            limit = getattr(self, name)
            if limit is not None and not 0 <= limit <= 1:
                yield f"{name} must lie between 0 and 1"
        if self.is_limit_above_demographic and (self.basis != "history" or self.risk_growth_limit is None):
            yield "is_limit_above_demographic needs basis 'history' and a risk_growth_limit"
        yield from self._faults_of_basis()

    def _faults_of_basis(self) -> Iterator[str]:
        if (self.basis == "pmpm") != (self.pmpm is not None) or (self.pmpm is not None and not self.pmpm > 0):
            yield "basis 'pmpm', and no other, needs a pmpm above 0"
        if (self.basis == "loss_ratio") != (self.loss_ratio is not None):
            yield "basis 'loss_ratio', and no other, needs a loss_ratio"
        if self.loss_ratio is not None and not 0 < self.loss_ratio <= 1:
            yield "loss_ratio must lie above 0 and at most 1"
        wants = self.credibility == "limited_fluctuation"
        if wants != (self.full_credibility is not None):
            yield "credibility 'limited_fluctuation', and no other, needs full_credibility"
        if self.full_credibility is not None and not self.full_credibility > 0:
            yield "full_credibility must be above 0 member months"
        if self.basis != "history" and (self.weights or self.trend_factors or self.credibility != "full"):
            yield "weights, trend_factors and credibility belong to basis 'history'"


@dataclass(frozen=True)
class Sharing:
    """How the gap between benchmark and expenditure is shared; payer and group are treated alike unless said.

    Attributes
    ----------
    sharing_rate : float
        The group's share of savings, before quality.
    loss_rate : float
        The group's share of losses; 0: one-sided.
    is_loss_rate_from_quality : bool
        The loss rate is instead 1 less the final sharing rate, within `loss_rate_limits`.
    loss_rate_limits : tuple of two floats
        Least and most that a loss rate made of quality may be.
    bands : tuple of (start, share)
        Instead of the two rates: corridors; the part of the gap from `start` (a share of the benchmark) up to the next
        band is shared at `share`, on both sides.
    minimum_savings_rate, minimum_loss_rate : float
        A gap smaller than this share of the benchmark is not shared; loss None: the same as for savings.
    minimum_rate_by_members : tuple of (members, rate)
        Instead: the minimum rate by the number of members, linear between points.
    is_first_dollar : bool
        A gap that passes the minimum rate is shared whole; False: only what lies beyond the minimum.
    savings_cap, loss_cap : float, optional
        The most that is paid or owed, as a share of the benchmark.
    loss_cap_revenue : float, optional
        The most that is owed, as a share of the group's revenue; the smaller of the two caps holds.
    quality : tuple of (score, share)
        What share of the sharing rate a quality score earns; empty: quality does not matter.
    """

    sharing_rate: float = 0.5
    loss_rate: float = 0.0
    is_loss_rate_from_quality: bool = False
    loss_rate_limits: tuple[float, float] = (0.0, 1.0)
    bands: Points = ()
    minimum_savings_rate: float = 0.0
    minimum_loss_rate: float | None = None
    minimum_rate_by_members: Points = ()
    is_first_dollar: bool = True
    savings_cap: float | None = None
    loss_cap: float | None = None
    loss_cap_revenue: float | None = None
    quality: Points = ()

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        for name in ("sharing_rate", "loss_rate", "minimum_savings_rate", "minimum_loss_rate"):
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate <= 1:
                yield f"{name} must lie between 0 and 1"
        for name in ("savings_cap", "loss_cap", "loss_cap_revenue"):
            cap = getattr(self, name)
            if cap is not None and not cap >= 0:
                yield f"{name} must not be negative"
        if self.is_loss_rate_from_quality and self.loss_rate:
            yield "give loss_rate or is_loss_rate_from_quality, not both"
        limits = self.loss_rate_limits
        if not 0 <= limits[0] <= limits[1] <= 1:
            yield "loss_rate_limits must be two shares, the lower first"
        if self.minimum_rate_by_members and (self.minimum_savings_rate or self.minimum_loss_rate):
            yield "give minimum_rate_by_members or minimum rates, not both"
        if self.bands and self.bands[0][0] != 0:
            yield "the first of bands must start at 0"
        if self.bands and not self.is_first_dollar:
            yield "bands say themselves what is shared; leave is_first_dollar true"
        for name in ("bands", "minimum_rate_by_members", "quality"):
            yield from faults_of_curve(name, getattr(self, name))


@dataclass(frozen=True)
class CapitationCell:
    """A rate for members of one age, sex and risk: ages and scores from the first up to, not including, the last.

    Attributes
    ----------
    pmpm : float
        [dollars per member and month]
    sex : {"F", "M", ""}
        Empty: both.
    age_from, age_below, risk_from, risk_below : float
        [years; risk score]
    """

    pmpm: float
    sex: str = ""
    age_from: float = 0.0
    age_below: float = float("inf")
    risk_from: float = 0.0
    risk_below: float = float("inf")

    @property
    def label(self) -> str:
        """The cell in words, such as ``"F, 65 to below 75"``."""
        age = _range(self.age_from, self.age_below, "age")
        risk = _range(self.risk_from, self.risk_below, "risk score")
        return ", ".join(part for part in (self.sex, age, risk) if part) or "everybody"

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        if not self.pmpm >= 0:
            yield f"capitation cell {self.label}: pmpm is negative"
        if self.sex not in ("F", "M", ""):
            yield f"capitation cell {self.label}: sex must be F, M or empty"
        if not (self.age_from < self.age_below and self.risk_from < self.risk_below):
            yield f"capitation cell {self.label} holds nobody"


@dataclass(frozen=True)
class Withhold:
    """A share of claims paid that the payer keeps back, and gives back by quality.

    Attributes
    ----------
    rate : float
        Share of the claims paid, not truncated.
    quality : tuple of (score, share)
        What share comes back at a quality score.
    """

    rate: float
    quality: Points = ((0.0, 0.0), (1.0, 1.0))

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        if not 0 <= self.rate <= 1:
            yield "the rate of withhold must lie between 0 and 1"
        yield from faults_of_curve("the quality of withhold", self.quality)


@dataclass(frozen=True)
class QualityBonus:
    """A payment per member and month, earned by quality.

    Attributes
    ----------
    pmpm : float
        At most [dollars per member and month].
    quality : tuple of (score, share)
        What share of it a quality score earns.
    """

    pmpm: float
    quality: Points = ((0.0, 0.0), (1.0, 1.0))

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        if not self.pmpm >= 0:
            yield "the pmpm of quality_bonus is negative"
        yield from faults_of_curve("the quality of quality_bonus", self.quality)


#: Of an episode: everything is shared from the first dollar.
_WHOLE = Sharing(sharing_rate=1.0, loss_rate=1.0)


@dataclass(frozen=True)
class Bundle:
    """One price for an episode of care.

    Attributes
    ----------
    trigger : tuple of str
        Codes that start an episode.
    trigger_column : str
        Column of the claims that holds them, such as procedure_code, drg or service_category.
    days_before, days_after : int
        Window around the day of the trigger; claims of the member in it belong to the episode.
    excluded_services : tuple of str
        Service categories that are left out of the episode.
    target_price : float
        Dollars an episode, at a risk score of 1.000 if `is_risk_adjusted`.
    is_risk_adjusted : bool
        The price of an episode is the target price x the member's risk score.
    discount : float
        Share taken off the target price.
    truncation : float, optional
        An episode counts up to this many dollars.
    sharing : Sharing
        How the gap of all the group's episodes is shared; its caps are the stop-gain and the stop-loss.
    """

    name: str
    trigger: tuple[str, ...]
    target_price: float
    trigger_column: str = "procedure_code"
    days_before: int = 0
    days_after: int = 90
    excluded_services: tuple[str, ...] = ()
    is_risk_adjusted: bool = False
    discount: float = 0.0
    truncation: float | None = None
    sharing: Sharing = _WHOLE

    def faults(self) -> Iterator[str]:
        """Yield what is impossible, a phrase each."""
        where = f"bundle '{self.name}'"
        yield from self.faults_of_episodes()
        if not self.target_price > 0 or not 0 <= self.discount < 1:
            yield f"{where}: target_price must be above 0, discount from 0 to below 1"
        if self.truncation is not None and not self.truncation > 0:
            yield f"{where}: truncation must be above 0"
        yield from (f"{where}: {fault}" for fault in self.sharing.faults())

    def faults_of_episodes(self) -> Iterator[str]:
        """Yield what is impossible of the episodes themselves, whatever their price."""
        where = f"bundle '{self.name}'"
        if not self.trigger:
            yield f"{where} has no trigger"
        for name in ("trigger", "excluded_services"):
            if isinstance(codes := getattr(self, name), str):
                yield f"{where}: {name} is one text; write ('{codes}',)"
        if self.days_before < 0 or self.days_after < 0:
            yield f"{where}: days must not be negative"


@dataclass(frozen=True)
class Contract:
    """A contract between a payer and provider groups; what it does not name is not part of it.

    Attributes
    ----------
    benchmark, sharing : Benchmark and Sharing, optional
        Shared savings or a medical-loss target; both or neither.
    truncation : Truncation
        Of members' amounts, wherever they meet a benchmark.
    capitation : tuple of CapitationCell
        Every member of the period must be in exactly one of them. What is paid so counts as expenditure.
    withhold : Withhold, optional
    quality_bonus : QualityBonus, optional
    bundles : tuple of Bundle

    Raises
    ------
    InputError
        At once, if anything is impossible; the message names every fault.
    """

    name: str = "contract"
    benchmark: Benchmark | None = None
    sharing: Sharing | None = None
    truncation: Truncation = Truncation()
    capitation: tuple[CapitationCell, ...] = ()
    withhold: Withhold | None = None
    quality_bonus: QualityBonus | None = None
    bundles: tuple[Bundle, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is impossible."""
        faults = list(self._faults())
        if faults:
            raise InputError(f"contract '{self.name}': {'; '.join(faults)}.")

    def _faults(self) -> Iterator[str]:
        if (self.benchmark is None) != (self.sharing is None):
            yield "benchmark and sharing belong together; give both or neither"
        names = [bundle.name for bundle in self.bundles]
        if len(set(names)) < len(names):
            yield "bundles need different names"
        parts = (self.truncation, self.benchmark, self.sharing, self.withhold, self.quality_bonus)
        for part in (*parts, *self.capitation, *self.bundles):
            if part is not None:
                yield from part.faults()
        if not any((self.benchmark, self.capitation, self.withhold, self.quality_bonus, self.bundles)):
            yield "it has no arrangement; give benchmark and sharing, capitation, bundles, withhold or quality_bonus"


def _one_of(name: str, value: str, known: tuple[str, ...]) -> Iterator[str]:
    if value not in known:
        yield no_choice(name, value, known)


def _range(first: float, below: float, what: str) -> str:
    if below == float("inf"):
        return f"{what} {first:g} and over" if first else ""
    return f"{what} {first:g} to below {below:g}"
