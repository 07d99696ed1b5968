"""A forecast in few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pricing.revenue.factors import COMPONENTS

if TYPE_CHECKING:
    import pandas as pd

    from pricing.revenue.revenue_forecast import RevenueForecast


def yearly(forecast: RevenueForecast) -> pd.DataFrame:
    """Return one row per payment year.

    Columns: member_months; part_c_score, part_d_score (means by member months, final run); part_c, part_d,
    member_premium [dollars]; revenue; revenue_pmpm; settled_later [dollars that the months themselves were not paid].
    """
    import pandas as pd

    months = forecast.to_pandas()
    later = forecast.to_pandas("service_months")["accrued"]
    year = pd.to_datetime(months["month"]).dt.year.rename("payment_year")
    weighted = {name: months[name] * months["members"] for name in ("part_c_score", "part_d_score")}
    part_c = [name for name in COMPONENTS if name.startswith("part_c")]
    part_d = [name for name in COMPONENTS if name.startswith("part_d")]
    frame = pd.DataFrame(
        {
            "member_months": months["members"],
            **weighted,
            "part_c": months[part_c].sum(axis=1),
            "part_d": months[part_d].sum(axis=1),
            "member_premium": months["member_premium"],
            "revenue": months["revenue"],
            "settled_later": later,
        }
    )
    sums = frame.groupby(year).sum()
    for name in weighted:
        sums[name] = sums[name] / sums["member_months"]
    place = list(sums.columns).index("revenue") + 1
    sums.insert(place, "revenue_pmpm", sums["revenue"] / sums["member_months"])
    dollars = ["part_c", "part_d", "member_premium", "revenue", "settled_later"]
    sums[dollars] = sums[dollars].round(2)
    return sums
