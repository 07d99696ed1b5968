"""riskadj as `riskadj score` runs it; unlike its peers it also writes the lists of HCCs and variables."""

from __future__ import annotations

from benchmarks.workload import Workload


def score(work: Workload, **options: bool) -> dict[str, float]:
    """Score a workload into a directory; return the seconds of each phase."""
    from riskadj.front_door import make_options, score_to_directory

    options = make_options(
        payment_year=work.payment_year,
        program=work.program,
        diagnosis_filter=work.diagnosis_filter,
        rejects="write",
        threads=work.threads,
        **options,
    )
    report = score_to_directory(work.enrollment, work.diagnoses, work.output, options=options, overwrite=True)
    return report["seconds"]  # type: ignore[no-any-return]
