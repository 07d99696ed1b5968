"""`riskadj doctor`: is this installation able to score, and with which versions, tables, threads and places."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from riskadj.commands import options as shared
from riskadj.errors import RiskAdjError
from riskadj.terminal import count, guarded, make_console, print_table

OK, NOTE, PROBLEM = "ok", "note", "problem"


class Finding(NamedTuple):
    """One line of the report: what was looked at, what was found, and whether that is well."""

    what: str
    found: str
    verdict: str = OK


@guarded
def doctor(
    maps_dir: shared.MapsDir = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the tables and the trial score.")] = False,
) -> None:
    """Look the installation over: versions, model tables, threads, compiled code, a trial score.

    Exit status 2 if anything is a problem. The report holds no member's data and can be pasted into an issue.
    """
    findings = [*versions(), *extras(), *machine(), *places()]
    if not quick:
        findings += [*tables(maps_dir), *trial()]
    print_table(make_console(), ("what", "found", ""), findings, justify="lll")
    problems = [finding.what for finding in findings if finding.verdict == PROBLEM]
    if problems:
        raise RiskAdjError(f"not as it should be: {', '.join(problems)}; see the lines marked '{PROBLEM}'.")


def versions() -> Iterator[Finding]:
    """The interpreter, the library and what it depends on."""
    from packaging.requirements import Requirement

    yield Finding("riskadj", metadata.version("riskadj"))
    yield Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for line in metadata.requires("riskadj") or ():
        needed = Requirement(line)
        if needed.marker is None:
            yield _version(needed.name, str(needed.specifier))


def _version(name: str, bounds: str) -> Finding:
    from packaging.specifiers import SpecifierSet

    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, f"missing; riskadj needs {name}{bounds}", PROBLEM)
    if SpecifierSet(bounds).contains(found, prereleases=True):
        return Finding(name, found)
    return Finding(name, f"{found}; riskadj needs {bounds}", PROBLEM)


def extras() -> Iterator[Finding]:
    """Which optional parts are installed, and how to install the others."""
    for extra, module, what in (("worksheets", "xlsxwriter", "workbooks"), ("spark", "pyspark", "Spark")):
        there = util.find_spec(module) is not None
        found = f"installed: {what}" if there else f"not installed: pip install 'riskadj[{extra}]' for {what}"
        yield Finding(f"extra {extra}", found, OK if there else NOTE)


def machine() -> Iterator[Finding]:
    """Processors that will be used, and memory."""
    from riskadj.scoring.options import default_threads

    yield Finding("threads", f"{default_threads()} of {os.cpu_count()} processors")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        yield Finding("memory", f"{size / 2**30:,.1f} GB")


def places() -> Iterator[Finding]:
    """Where compiled code is kept, and where temporary files go."""
    from riskadj.jit import cache_folder

    folder = cache_folder()
    if folder is None:
        advice = (
            "nowhere: each process compiles for itself, which takes a while; set NUMBA_CACHE_DIR to a folder"
        )
        yield Finding("compiled code", advice, NOTE)
    else:
        yield _space(folder)
    temporary = Path(tempfile.gettempdir())
    writable = os.access(temporary, os.W_OK)
    yield Finding("temporary files", str(temporary), OK if writable else PROBLEM)


def _space(folder: Path) -> Finding:
    """Whether compiled code fits where it is kept; what does not fit, each process compiles for itself."""
    free_bytes = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
    if free_bytes >= _COMPILED_BYTES:
        return Finding("compiled code", f"kept in {folder}")
    return Finding(
        "compiled code",
        f"{folder} has {free_bytes / 2**20:.1f} MB left: each process compiles what is not kept there; make room, or "
        "set NUMBA_CACHE_DIR to another folder",
        NOTE,
    )


#: All kernels, compiled for a few kinds of arrays.
_COMPILED_BYTES = 20 << 20


def tables(maps_dir: Path | None) -> Iterator[Finding]:
    """Seals and laws of the model tables; seals of the yearly parameters of pricing."""
    from riskadj.tables.check import check_all
    from riskadj.tables.model import list_models, maps_root

    models, problems = list_models(maps_dir=maps_dir), check_all(maps_dir)
    years = len({(model.program, model.payment_year) for model in models})
    found = f"{count(len(models))} models of {years} payment years in {maps_root(maps_dir)}"
    if problems:
        found += f"; {count(len(problems))} problems, `riskadj maps check` lists them"
    yield Finding("model tables", found, PROBLEM if problems else OK)
    yield rates()


def rates() -> Finding:
    """The sealed parameters of the package beside this one."""
    from riskadj.tables.seal import broken_seals

    beside = util.find_spec("pricing")
    if beside is None or not beside.submodule_search_locations:
        return Finding("pricing parameters", "the package pricing is missing; install riskadj again", PROBLEM)
    folder = Path(beside.submodule_search_locations[0]) / "rates"
    broken = broken_seals(folder)
    if broken:
        return Finding("pricing parameters", f"changed since they were sealed: {', '.join(broken)}", PROBLEM)
    return Finding("pricing parameters", f"sealed, in {folder}")


def trial() -> Iterator[Finding]:
    """Score a few invented members and see that every row arrives."""
    from time import perf_counter

    from riskadj.commands.demo import find_extract
    from riskadj.front_door import score

    with ExitStack() as stack:
        folder, year = find_extract(_TRIAL_MEMBERS, None, stack)
        start = perf_counter()
        scores = score(
            folder / "enrollment.parquet", folder / "diagnoses.parquet", payment_year=year, rejects="write"
        )
        seconds = perf_counter() - start
    rows = scores.run["counts"]["enrollment"]
    adds_up = rows["rows_read"] == rows["rows_used"] + rows["rows_rejected"]
    found = f"{count(rows['rows_used'])} rows of payment year {year} in {seconds:.1f} s"
    yield Finding("trial score", found, OK if adds_up and rows["rows_used"] else PROBLEM)


_TRIAL_MEMBERS = 200
