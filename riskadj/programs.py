"""Several programs in one pass over the extracts: Part C (with ESRD) and Part D of the same members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from riskadj.errors import OptionError
from riskadj.extracts.write import OutputDirectory, write_json
from riskadj.results.scores import Scores, collect, write_run
from riskadj.scoring.opening import open_extracts
from riskadj.scoring.options import ScoreOptions, make_options
from riskadj.scoring.reading import read_runs
from riskadj.scoring.run import Progress


def score_programs(
    enrollment: Any,
    diagnoses: Any,
    *,
    programs: Sequence[str],
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Scores]:
    """Score a population under several programs, such as Part C (with ESRD) and Part D, in one pass over the extracts.

    Parameters
    ----------
    enrollment, diagnoses, layout, columns, **options
        As `score` takes them, without program.
    programs : sequence of str
        Programs that share a payment year's tables, such as ``("medicare_part_c", "medicare_part_d")``.

    Returns
    -------
    dict of str to Scores
        By program, each as `score` would return it by itself; but a diagnosis is rejected as that of a member without
        enrollment only if none of the programs scores the member.

    Raises
    ------
    OptionError
        The programs do not share the tables of a payment year, or one is named twice.
    RiskAdjError
        As `score`.
    """
    every = options_of_programs(programs, **options)
    runs = read_runs(*open_extracts(enrollment, diagnoses, layout, columns), every)
    return {run.options.program: collect(run, (enrollment, diagnoses)) for run in runs}


def options_of_programs(programs: Sequence[str], **options: Any) -> list[ScoreOptions]:
    """Return the options of each program's run, all alike but for the program.

    Raises
    ------
    OptionError
        A program is named twice, or an option cannot be had for several.
    """
    if len(set(programs)) != len(programs) or not programs:
        raise OptionError("name each program once, such as medicare_part_c,medicare_part_d.")
    if options.get("models") or options.get("memory"):
        raise OptionError("models and memory are for one program at a time; score the programs one by one.")
    return [make_options(program=program, **options) for program in programs]


def score_programs_to_directory(
    enrollment: Any,
    diagnoses: Any,
    output: str | Path,
    *,
    every: Sequence[ScoreOptions],
    layout: str = "riskadj",
    columns: Mapping[str, str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """Score several programs in one pass into files, a directory for each; return the run reports."""
    with OutputDirectory(output, overwrite=overwrite) as path:
        runs = read_runs(*open_extracts(enrollment, diagnoses, layout, columns), every, progress=progress)
        runs, reports = tuple(run.without_ids() for run in runs), {}
        for run in runs:
            folder = path / run.options.program
            folder.mkdir()
            reports[run.options.program] = write_run(run, folder, progress)
        write_json(path / "run.json", {"programs": {name: f"{name}/run.json" for name in reports}})
        return reports
