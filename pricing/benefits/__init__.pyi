"""The public names of pricing.benefits and where they live; `__init__` offers these and nothing else."""

from pricing.benefits.adjudication import Adjudication as Adjudication
from pricing.benefits.adjudication import adjudicate as adjudicate
from pricing.benefits.av_calculator import ActuarialValue as ActuarialValue
from pricing.benefits.av_calculator import actuarial_value as actuarial_value
from pricing.benefits.av_calculator import metal_levels as metal_levels
from pricing.benefits.claims import Claims as Claims
from pricing.benefits.claims import read_claims as read_claims
from pricing.benefits.claims_continuance import ClaimsValue as ClaimsValue
from pricing.benefits.claims_continuance import continuance_of_claims as continuance_of_claims
from pricing.benefits.claims_continuance import value_on_claims as value_on_claims
from pricing.benefits.continuance import ContinuanceTable as ContinuanceTable
from pricing.benefits.continuance import continuance_table as continuance_table
from pricing.benefits.continuance import read_av_workbook as read_av_workbook
from pricing.benefits.design import CostSharing as CostSharing
from pricing.benefits.design import PlanDesign as PlanDesign
from pricing.benefits.design import read_designs as read_designs
from pricing.benefits.design_files import designs_to_toml as designs_to_toml
from pricing.benefits.exchange_puf import design_from_puf as design_from_puf
from pricing.benefits.exchange_puf import designs_from_puf as designs_from_puf
from pricing.benefits.induced_demand import InducedDemand as InducedDemand
from pricing.benefits.induced_demand import federal_induced_demand as federal_induced_demand
from pricing.benefits.scenarios import Comparison as Comparison
from pricing.benefits.scenarios import compare as compare
from pricing.benefits.solve import frontier as frontier
from pricing.benefits.solve import solve_for as solve_for
