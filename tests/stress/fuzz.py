"""Readers fuzzed with files that reach ever more of their code; atheris (the extra `fuzz`) leads, on Linux.

python -m tests.stress.fuzz --seconds 60 --only mmr

Each kind of file has a process and a folder of its own below --output: the inputs that reached something new, from
which the next call goes on; those with a wrong answer, one for each place in the code; the log.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Numba compiles these from their bytecode, which instruments would change.
COMPILED = ["riskadj.kernels", "riskadj.jit"] + [
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.glob("pricing/*/*_kernel.py")
]
#: Beyond these an input hangs, or takes memory without bound.
SECONDS, MEGABYTES = 60, 3000


def load() -> None:
    """Import the readers with what tells atheris how far an input comes; any other import of them has to come later."""
    import atheris

    with atheris.instrument_imports(include=["riskadj", "pricing"], exclude=COMPILED):
        from tests.stress import inputs  # noqa: F401


def fuzz(kind: str, folder: Path, seconds: int) -> list[Path]:
    """Fuzz one kind of file in a process of its own; return the inputs whose answer is wrong."""
    with tempfile.TemporaryDirectory(prefix="riskadj-fuzz-") as place:
        child = os.fork()
        if child == 0:
            _become(kind, folder, Path(place), seconds)
        os.waitpid(child, 0)
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != ".log")


def _become(kind: str, folder: Path, place: Path, seconds: int) -> None:
    """Never return: atheris ends the process."""
    import atheris

    from tests.stress.damage import HURTFUL, trial
    from tests.stress.inputs import sources

    reached = folder / "reached"
    reached.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "fuzz.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    good, read = sources(place)[kind]
    content = good.read_bytes()
    (reached / "good").write_bytes(content)
    known = place / "known"
    known.write_text("".join(f'"{_escaped(word)}"\n' for word in HURTFUL))
    hurt = place / "hurt" / good.name
    hurt.parent.mkdir()
    assert trial(hurt, read, content)[0] == "read"  # and what is compiled is compiled

    def one(data: bytes) -> None:
        outcome, text = trial(hurt, read, data)
        if outcome not in ("read", "refused"):
            (folder / _name(outcome, text)).write_bytes(data)
            sys.stderr.write(f"{outcome}\n{text}\n")

    options = {
        "max_total_time": seconds, "timeout": SECONDS, "report_slow_units": SECONDS, "rss_limit_mb": MEGABYTES,
        "max_len": 4 * len(content), "dict": known, "artifact_prefix": f"{folder}/",
    }  # fmt: skip
    words = [kind, *(f"-{name}={value}" for name, value in options.items()), str(reached)]
    atheris.Setup(words, one, custom_mutator=_changed)
    atheris.Fuzz()


def _changed(data: bytes, most_bytes: int, seed: int) -> bytes:
    """Change an input, every other time as `damaged` does: it knows what a word is, atheris what was compared."""
    import atheris

    from tests.stress.damage import damaged

    if seed % 2:
        return atheris.Mutate(data, most_bytes)
    return damaged(data, random.Random(seed))[:most_bytes]


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _name(outcome: str, text: str) -> str:
    """Return a name that is the same for all inputs that fail at the same place."""
    places = re.findall(r'([^/"]+)\.py", line (\d+)', text)
    return "-".join([outcome.replace(" ", "-"), *(places[-1] if places else ())])


def main() -> None:
    """Fuzz every kind of file, or one, and say which inputs have a wrong answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each kind of file")
    parser.add_argument("--only")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "fuzz")
    asked = parser.parse_args()
    load()
    from tests.stress.inputs import sources

    with tempfile.TemporaryDirectory() as place:
        kinds = [kind for kind in sources(Path(place)) if asked.only in (None, kind)]
    n_wrong = 0
    for kind in kinds:
        wrong = fuzz(kind, asked.output / kind, asked.seconds)
        done = re.findall(r"Done (\d+) runs", (asked.output / kind / "fuzz.log").read_text(errors="replace"))
        n_wrong += len(wrong) + (not done)
        runs = f"{int(done[0]):,} runs" if done else f"stopped; see {asked.output / kind / 'fuzz.log'}"
        sys.stdout.write("\n  ".join([f"{kind}: {runs}, {len(wrong)} wrong", *map(str, wrong)]) + "\n")
        sys.stdout.flush()
    raise SystemExit(bool(n_wrong))


if __name__ == "__main__":
    main()
