"""The public names of pricing.aca and where they live; `__init__` offers these and nothing else."""

from pricing.aca.corridor import aca_risk_corridor as aca_risk_corridor
from pricing.aca.enrollees import enrollees_of_scores as enrollees_of_scores
from pricing.aca.enrollees import market_of_scores as market_of_scores
from pricing.aca.index_rate import Projection as Projection
from pricing.aca.index_rate import projected_index_rate as projected_index_rate
from pricing.aca.market import HighCostPool as HighCostPool
from pricing.aca.market import high_cost_pool as high_cost_pool
from pricing.aca.market import market_of_enrollees as market_of_enrollees
from pricing.aca.mlr import LossRatio as LossRatio
from pricing.aca.mlr import loss_ratio as loss_ratio
from pricing.aca.rate_tables import RateTable as RateTable
from pricing.aca.rate_tables import rate_table as rate_table
from pricing.aca.rate_walk import Calibration as Calibration
from pricing.aca.rate_walk import PoolAdjustments as PoolAdjustments
from pricing.aca.rate_walk import csr_load as csr_load
from pricing.aca.rate_walk import induced_demand as induced_demand
from pricing.aca.rate_walk import plan_rates as plan_rates
from pricing.aca.rating import Premiums as Premiums
from pricing.aca.rating import member_rates as member_rates
from pricing.aca.rating import out_of_pocket_limit as out_of_pocket_limit
from pricing.aca.rating import premiums as premiums
from pricing.aca.simulate import read_scenarios as read_scenarios
from pricing.aca.state_rating import RatingRules as RatingRules
from pricing.aca.state_rating import rating_rules as rating_rules
from pricing.aca.transfer import RiskTransfer as RiskTransfer
from pricing.aca.transfer import risk_transfer as risk_transfer
