"""The public names of pricing.medicaid and where they live; `__init__` offers these and nothing else."""

from pricing.medicaid.capitation import CapitationRates as CapitationRates
from pricing.medicaid.capitation import capitation_rates as capitation_rates
from pricing.medicaid.rate_cells import average_scores as average_scores
from pricing.medicaid.rate_cells import rate_cells_of as rate_cells_of
from pricing.medicaid.risk_adjustment import RiskAdjustedRates as RiskAdjustedRates
from pricing.medicaid.risk_adjustment import risk_adjusted_rates as risk_adjusted_rates
from pricing.medicaid.settlements import Settlement as Settlement
from pricing.medicaid.settlements import medicaid_loss_ratio as medicaid_loss_ratio
from pricing.medicaid.settlements import medicaid_risk_corridor as medicaid_risk_corridor
