"""The rooms of pricing and the names that all of them share; `__init__` offers these and nothing else."""

from pricing import aca as aca
from pricing import benefits as benefits
from pricing import contracts as contracts
from pricing import experience as experience
from pricing import medicaid as medicaid
from pricing import medicare as medicare
from pricing import revenue as revenue
from pricing import worksheets as worksheets
from pricing.build_up import BuildUp as BuildUp
from pricing.build_up import Step as Step
from pricing.corridor import Band as Band
from pricing.corridor import corridor_payment as corridor_payment
from pricing.errors import PricingError as PricingError
from pricing.parameters import Parameter as Parameter
from pricing.parameters import Rates as Rates
from pricing.parameters import load_rates as load_rates
