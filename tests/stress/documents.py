"""Good files of what people write and pricing reads: designs, contracts, scenarios, rates, claims, spans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pricing import aca, revenue
from pricing.aca.rate_tables import read_areas
from pricing.benefits.design import read_designs
from pricing.benefits.exchange_puf import designs_from_puf
from pricing.claim_lines import read_claim_lines
from pricing.contracts.contract_files import read_contracts
from pricing.experience.spans import read_spans
from pricing.medicare.drug_designs import read_tiers
from pricing.medicare.ratebook import read_ratebook
from pricing.parameters import load_rates
from pricing.worksheets import read_design_workbook, write_designs

Reader = Callable[[Path], object]


def documents(folder: Path, year: int, mark: str) -> dict[str, tuple[Path, Reader]]:
    """Write one good file of every kind; `mark` stands in member ids."""
    written: dict[str, tuple[str, str, Reader]] = {
        "designs": ("designs.toml", _DESIGNS, read_designs),
        "contracts": ("contracts.toml", _CONTRACTS, read_contracts),
        "revenue_scenarios": ("scenarios.toml", _REVENUE_SCENARIOS, revenue.read_scenarios),
        "uncertain": ("uncertain.toml", _UNCERTAIN, revenue.read_uncertain),
        "settlements": ("settlements.toml", _SETTLEMENTS, revenue.read_settlements),
        "transfer_scenarios": ("transfers.toml", _TRANSFER_SCENARIOS, aca.read_scenarios),
        "rates": (
            "rates.csv",
            _RATES.format(year),
            lambda path: load_rates("medicare", year, overrides=path),
        ),
        "ratebook": (
            "ratebook.csv",
            _RATEBOOK.format(year),
            lambda path: read_ratebook(path, payment_year=year),
        ),
        "areas": ("areas.csv", _AREAS, read_areas),
        "tiers": ("tiers.csv", _TIERS, read_tiers),
        "claim_lines": (
            "claims.csv",
            _CLAIMS.format(mark),
            lambda path: read_claim_lines(path, amount="paid_amount", header_amounts=True),
        ),
        "spans": ("spans.csv", _SPANS.format(mark), lambda path: read_spans(path, by=("plan",))),
    }
    found = {}
    for name, (file, text, read) in written.items():
        (folder / file).write_text(text, encoding="utf-8")
        found[name] = folder / file, read
    found |= _puf(folder)
    return found | {"design_workbook": (write_designs(folder / "designs.xlsx"), read_design_workbook)}


def _puf(folder: Path) -> dict[str, tuple[Path, Reader]]:
    """The exchange's two public use files, of one plan."""
    attributes, benefits = folder / "attributes.csv", folder / "benefits.csv"
    attributes.write_text(_ATTRIBUTES, encoding="utf-8")
    benefits.write_text(_BENEFITS, encoding="utf-8")
    plan = ["12345AZ0010001-01"]
    return {
        "attributes": (attributes, lambda path: designs_from_puf(path, benefits, plan_ids=plan)),
        "benefits": (benefits, lambda path: designs_from_puf(attributes, path, plan_ids=plan)),
    }


_ATTRIBUTES = """\
PlanId,MedicalDrugDeductiblesIntegrated,MedicalDrugMaximumOutofPocketIntegrated,TEHBDedInnTier1Individual,\
TEHBDedInnTier1Coinsurance,TEHBInnTier1IndividualMOOP,InpatientCopaymentMaximumDays
12345AZ0010001-01,Yes,No,"$6,000",40.00%,"$8,900",3
"""
_BENEFITS = """\
PlanId,BenefitName,CopayInnTier1,CoinsInnTier1,IsCovered
12345AZ0010001-01,Specialist Visit,$80.00 Copay after deductible,Not Applicable,Covered
12345AZ0010001-01,"Inpatient Hospital Services (e.g., Hospital Stay)",$500.00 Copay per Day,No Charge,Covered
12345AZ0010001-01,Skilled Nursing Facility,,,Not Covered
"""
_DESIGNS = """\
[[design]]
name = "today"
deductible = 1500
out_of_pocket_maximum = 6000
coinsurance = 0.2
family_deductible = 3000
family_kind = "aggregate"
drug_deductible = 100
drug_services = ["generic"]
account = "hsa"
account_contribution = 500
[design.services.professional]
copay = 40
deductible_applies = false
copay_per = "visit"
[design.services.inpatient]
copay = 300
copay_per = "day"
copay_days = 3
[design.out_of_network]
deductible = 3000
coinsurance = 0.4
"""
_CONTRACTS = """\
[[contract]]
name = "two-sided"
benchmark = { weights = [0.3, 0.7], trend_annual = 0.05, risk_growth_limit = 0.03 }
sharing = { sharing_rate = 0.5, loss_rate = 0.4, loss_cap = 0.1, minimum_rate_by_members = [[5000.0, 0.039]] }
truncation = { percentile = 0.99 }
capitation = [{ pmpm = 10.5, sex = "F", age_from = 0, age_below = 65 }]
[[contract.bundles]]
name = "knee"
trigger = ["a", "b"]
target_price = 20000.0
"""
_REVENUE_SCENARIOS = """\
[[scenario]]
name = "budget"
retroactive_lag_months = 2
[[scenario.assume]]
parameter = "coding_trend"
value = 0.03
where = { status = ["non_dual", "full_dual"] }
first_month = "2026-01"
calendar_months = [1, 7]
"""
_UNCERTAIN = """\
[[uncertain]]
parameter = "coding_trend"
distribution = "normal"
values = [0.03, 0.01]
[[uncertain]]
parameter = "lapse"
distribution = "triangular"
values = [0.0, 0.05, 0.1]
where = { status = "non_dual" }
[[correlation]]
pair = ["coding_trend", "lapse, status non_dual"]
value = 0.5
"""
_SETTLEMENTS = """\
[high_cost.individual]
payment = 100
charge_rate = 0.01
[loss_ratio.individual]
claims = 2000.0
quality = 100.0
taxes_and_fees = 1000
average_deductible = 0.0
"""
_TRANSFER_SCENARIOS = """\
[[scenario]]
name = "healthier"
where = { issuer_id = ["11111", "22222"] }
multiply = { payment_risk_score = 0.9 }
share = 0.5
"""
_RATES = """\
parameter,key,first_year,last_year,value,unit,source,where,verified
sequestration,1,{0},{0},0.02,share of plan payment,ours,page 1,no
"""
_RATEBOOK = """\
Medicare Advantage Monthly Capitation Rates for {0},,,,,,
Code,State,County Name,Parts A&B 5% Bonus {0} Rate,Parts A&B 3.5% Bonus {0} Rate,\
Parts A&B 0% Bonus {0} Rate,Parts A&B ESRD {0} Rate
01000,ALABAMA,AUTAUGA,"1,369.86","1,336.99","1,260.27","8,984.56"
1010,ALABAMA,BALDWIN,1200.5,1180,1100,#N/A
"""
_AREAS = "rating_area,factor\nRating Area 1,1.0\nRating Area 2,0.9\n"
_TIERS = "plan_id,tier,copay,coinsurance,is_deductible_exempt\nA,generic,10,0,1\nA,specialty,0,0.3,0\n"
_CLAIMS = """\
claim_id,claim_line_number,member_id,service_date,service_category,paid_amount
c1,1,{0}01,2026-01-05,inpatient,1200.50
c1,2,{0}01,2026-01-05,inpatient,1200.50
c2,1,{0}02,2026-02-05,,-10
"""
_SPANS = """\
member_id,enrollment_start_date,enrollment_end_date,plan
{0}01,2026-01-01,2026-06-30,A
{0}02,2026-01-01,,
"""
