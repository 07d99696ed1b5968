"""The public names of pricing.worksheets and where they live; `__init__` offers these and nothing else."""

from pricing.worksheets.benefits import write_comparison as write_comparison
from pricing.worksheets.bid import bid_from_workbook as bid_from_workbook
from pricing.worksheets.bid import write_bid as write_bid
from pricing.worksheets.designs import write_designs as write_designs
from pricing.worksheets.part_d_bid import part_d_bid_from_workbook as part_d_bid_from_workbook
from pricing.worksheets.part_d_bid import write_part_d_bid as write_part_d_bid
from pricing.worksheets.rate_build_up import with_inputs as with_inputs
from pricing.worksheets.rate_build_up import write_rate_build_up as write_rate_build_up
from pricing.worksheets.rate_table import rate_table_from_workbook as rate_table_from_workbook
from pricing.worksheets.rate_table import write_rate_table as write_rate_table
from pricing.worksheets.read import read_inputs as read_inputs
from pricing.worksheets.read_designs import read_design_workbook as read_design_workbook
from pricing.worksheets.revenue import revenue_from_workbook as revenue_from_workbook
from pricing.worksheets.revenue import write_forecast as write_forecast
