"""The public names of riskadj and where they live; `__init__` offers these and nothing else."""

from riskadj.calibration.calibration import Calibration as Calibration
from riskadj.cms_reports.mao004 import read_mao004 as read_mao004
from riskadj.cms_reports.mao004 import standing_diagnoses as standing_diagnoses
from riskadj.cms_reports.mmr import read_mmr as read_mmr
from riskadj.cms_reports.mor import read_mor as read_mor
from riskadj.cms_reports.net import net_member_months as net_member_months
from riskadj.cms_reports.raps import read_raps as read_raps
from riskadj.errors import RiskAdjError as RiskAdjError
from riskadj.front_door import calibrate as calibrate
from riskadj.front_door import encounters as encounters
from riskadj.front_door import explain as explain
from riskadj.front_door import gaps as gaps
from riskadj.front_door import score as score
from riskadj.programs import score_programs as score_programs
from riskadj.results.compare.compare import Comparison as Comparison
from riskadj.results.compare.compare import compare as compare
from riskadj.results.encounters.encounters import Encounters as Encounters
from riskadj.results.explain.explanation import Explanation as Explanation
from riskadj.results.gaps.gaps import Gaps as Gaps
from riskadj.results.impact.impact import Impact as Impact
from riskadj.results.impact.impact import impact as impact
from riskadj.results.scores import Scores as Scores
from riskadj.synthetic.extracts import make_synthetic as make_synthetic
from riskadj.tables.model import (
    ModelTables as ModelTables,
)
from riskadj.tables.model import (
    list_models as list_models,
)
from riskadj.tables.model import (
    load_model as load_model,
)
from riskadj.tables.payment_year import PaymentYear as PaymentYear
from riskadj.tables.payment_year import load_payment_year as load_payment_year
