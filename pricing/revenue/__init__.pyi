"""The public names of pricing.revenue and where they live; `__init__` offers these and nothing else."""

from pricing.revenue.assumptions import Assume as Assume
from pricing.revenue.assumptions import Scenario as Scenario
from pricing.revenue.assumptions import parameters_table as parameters_table
from pricing.revenue.calculation import forecast as forecast
from pricing.revenue.comparison import RevenueComparison as RevenueComparison
from pricing.revenue.comparison import compare as compare
from pricing.revenue.completion import Completion as Completion
from pricing.revenue.completion import score_completion as score_completion
from pricing.revenue.members import Membership as Membership
from pricing.revenue.members import members_of_scores as members_of_scores
from pricing.revenue.projection import simulate_members as simulate_members
from pricing.revenue.revenue_forecast import RevenueForecast as RevenueForecast
from pricing.revenue.runs import payment_calendar as payment_calendar
from pricing.revenue.scenario_files import read_scenarios as read_scenarios
from pricing.revenue.scenario_files import scenarios_to_toml as scenarios_to_toml
from pricing.revenue.sensitivity import Sensitivity as Sensitivity
from pricing.revenue.sensitivity import Tornado as Tornado
from pricing.revenue.sensitivity import around as around
from pricing.revenue.sensitivity import tornado as tornado
from pricing.revenue.terms import terms_of_bids as terms_of_bids
