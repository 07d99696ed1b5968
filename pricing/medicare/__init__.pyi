"""The public names of pricing.medicare and where they live; `__init__` offers these and nothing else."""

from pricing.medicare.benchmark import bonus_percentage as bonus_percentage
from pricing.medicare.benchmark import county_benchmarks as county_benchmarks
from pricing.medicare.bid import BidResult as BidResult
from pricing.medicare.bid import bid_result as bid_result
from pricing.medicare.bid import part_c_payment as part_c_payment
from pricing.medicare.bid import rebate_percentage as rebate_percentage
from pricing.medicare.bid import sequestration as sequestration
from pricing.medicare.bid_checks import Check as Check
from pricing.medicare.bid_flow import BidFlow as BidFlow
from pricing.medicare.part_d import DefinedStandard as DefinedStandard
from pricing.medicare.part_d import base_beneficiary_premium as base_beneficiary_premium
from pricing.medicare.part_d import basic_premium as basic_premium
from pricing.medicare.part_d import defined_standard as defined_standard
from pricing.medicare.part_d import direct_subsidy as direct_subsidy
from pricing.medicare.part_d import gross_at_threshold as gross_at_threshold
from pricing.medicare.part_d import late_enrollment_penalty as late_enrollment_penalty
from pricing.medicare.part_d import part_d_risk_corridor as part_d_risk_corridor
from pricing.medicare.ratebook import county_rates as county_rates
from pricing.medicare.ratebook import read_ratebook as read_ratebook
from pricing.medicare.smoothing import smoothed_payments as smoothed_payments
