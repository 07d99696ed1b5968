"""What every command that reads extracts is asked: which files, and how to score them; none can miss an option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from riskadj.commands import options
from riskadj.terminal import takes


@dataclass(frozen=True)
class Reading:
    """The extracts that a command reads and the options of its run, as the command line gave them."""

    enrollment: options.Enrollment
    diagnoses: options.Diagnoses
    payment_year: options.PaymentYear
    program: options.Program = options.PROGRAM
    models: options.Models = None
    drugs: options.Drugs = None
    diagnosis_filter: options.DiagnosisFilter = "none"
    eligible_procedures: options.EligibleProcedures = None
    edits: options.Edits = "default"
    rejects: options.RejectsMode = "stop"
    collection: options.Collection = None
    layout: options.Layout = "riskadj"
    columns: options.Columns = None
    threads: options.Threads = None
    maps_dir: options.MapsDir = None

    @property
    def extracts(self) -> dict[str, Any]:
        """The extracts and how to read them, in the words of `riskadj.score`.

        Raises
        ------
        OptionError
            --columns is not OURS=THEIRS.
        """
        return {
            "enrollment": options.source_of(self.enrollment),
            "diagnoses": options.source_of(self.diagnoses),
            "drugs": options.source_of(self.drugs),
            "layout": self.layout,
            "columns": options.parse_columns(self.columns),
        }

    @property
    def scoring(self) -> dict[str, Any]:
        """How to score, in the words of `riskadj.score`."""
        return {name: getattr(self, name) for name in SCORING}


#: Options of scoring, which the library takes by the same names.
SCORING = (
    "payment_year", "program", "models", "diagnosis_filter", "eligible_procedures", "edits", "rejects", "collection",
    "threads", "maps_dir",
)  # fmt: skip


def reads_extracts(**others: tuple[Any, Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command every option of `Reading`, in place of its parameter `reading`; `others` as `takes` has them."""
    return takes(Reading, "reading", others=others)
