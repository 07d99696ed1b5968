"""The wheel in clean environments: each Python with the oldest and the newest pandas, all lower bounds, the sdist.

python -m tests.stress.installs --python python3.11 --python python3.13

In each the doctor has to find nothing wrong, every public name has to import without a warning, and the demo, run
outside the source tree, has to give the scores that the source tree gives.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
PYTHONS = ("python3.11", "python3.12", "python3.13")
OLDEST_PANDAS, NEWEST_PANDAS = "pandas==2.2.*", "pandas"
_DEMO = ("demo", "--members", "1000", "--output")
_IMPORTS = """
import pricing, riskadj
for package in (riskadj, pricing):
    for name in package.__all__:
        public = getattr(package, name)
        [getattr(public, inner) for inner in getattr(public, "__all__", ())]
"""


class CallError(Exception):
    """A call that should have gone well did not."""


@dataclass(frozen=True)
class Install:
    """What is installed where: an interpreter, and for pip a distribution beside other requirements."""

    python: str
    name: str
    requirements: tuple[str, ...]

    def check(self, place: Path, expected: Path) -> None:
        """Install it and see that it works.

        Raises
        ------
        CallError
            It cannot be installed, a command fails, or its scores are not those expected.
        """
        programs = place / "environment" / "bin"
        _call([self.python, "-m", "venv", place / "environment"])
        _call([programs / "python", *_PIP, *self.requirements])
        _call([programs / "riskadj", "doctor"], cwd=place)
        _call([programs / "riskadj", *_DEMO, place / "scores"], cwd=place)
        _call([programs / "pricing", "--help"], cwd=place)
        _call([programs / "python", "-W", "error", "-c", _IMPORTS], cwd=place)
        unlike = differences(place / "scores", expected)
        if unlike:
            raise CallError(f"other scores than the source tree: {', '.join(unlike)}")


_PIP = ("-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")


def _call(words: Sequence[str | Path], *, cwd: Path = ROOT) -> None:
    """Run a program that sees nothing of the source tree but what its words name."""
    own = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "NUMBA_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise CallError(f"{' '.join(map(str, words))[:200]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def differences(found: Path, expected: Path) -> list[str]:
    """Return the tables of scores that are not the same in two directories, or missing in one."""
    names = sorted({path.name for folder in (found, expected) for path in folder.glob("*.parquet")})
    return [name for name in names or ["no table"] if not _same(found / name, expected / name)]


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and bool(pq.read_table(one).equals(pq.read_table(other)))


def installs(pythons: Sequence[str], wheel: Path, sdist: Path) -> Iterator[Install]:
    """Yield every installation that has to work."""
    named = {python: f"Python {version_of(python)}" for python in pythons}
    for python, name in named.items():
        yield Install(python, f"{name}, pandas 2.2", (str(wheel), OLDEST_PANDAS))
        yield Install(python, f"{name}, newest pandas", (str(wheel), NEWEST_PANDAS))
    first, last = pythons[0], pythons[-1]
    yield Install(first, f"{named[first]}, all lower bounds", (str(wheel), *lower_bounds()))
    yield Install(last, f"{named[last]}, from the sdist", (str(sdist),))


def lower_bounds() -> list[str]:
    """Return the dependencies, each pinned to the lowest version that is allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [line.replace(">=", "==") for line in project["dependencies"]]


def distributions(place: Path) -> tuple[Path, Path]:
    """Build wheel and sdist of the source tree and have twine check them; return both."""
    tools = place / "tools" / "bin" / "python"
    _call([sys.executable, "-m", "venv", place / "tools"])
    _call([tools, *_PIP, "build", "twine"])
    _call([tools, "-m", "build", "--outdir", place / "dist", ROOT])
    (wheel,), (sdist,) = (place / "dist").glob("*.whl"), (place / "dist").glob("*.tar.gz")
    _call([tools, "-m", "twine", "check", "--strict", wheel, sdist])
    return wheel, sdist


def version_of(python: str) -> str | None:
    """Return major.minor of an interpreter that can make environments; None if there is none of that name."""
    words = [python, "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"]
    done = subprocess.run(words, capture_output=True, text=True) if shutil.which(python) else None
    return done.stdout.strip() if done and not done.returncode and re.match(r"3\.\d+", done.stdout) else None


def main() -> None:
    """Build, install and check; say what works and what does not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="append", help=f"default: those there are of {', '.join(PYTHONS)}")
    asked = parser.parse_args().python or [python for python in PYTHONS if version_of(python)]
    missing = [python for python in asked if version_of(python) is None]
    if missing or not asked:
        parser.error(f"no Python with venv: {', '.join(missing or PYTHONS)}")
    n_failed = 0
    with tempfile.TemporaryDirectory(prefix="riskadj-installs-") as place:
        wheel, sdist = distributions(Path(place))
        _call([sys.executable, "-m", "riskadj", *_DEMO, Path(place) / "expected"])
        for number, install in enumerate(installs(asked, wheel, sdist)):
            folder = Path(place) / str(number)
            folder.mkdir()
            try:
                install.check(folder, Path(place) / "expected")
                verdict = "ok"
            except CallError as error:
                n_failed, verdict = n_failed + 1, f"FAILED\n{error}"
            sys.stdout.write(f"{install.name}: {verdict}\n")
            sys.stdout.flush()
            shutil.rmtree(folder)
    raise SystemExit(bool(n_failed))


if __name__ == "__main__":
    main()
