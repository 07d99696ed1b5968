"""Files damaged byte by byte and given to the readers: each is read or refused in words, none quotes a member.

python -m tests.stress.damage --times 3000
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from riskadj.errors import RiskAdjError
from tests.stress.inputs import MARK, Reader, Sources, sources


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with something wrong: flipped, cut, doubled, moved, or replaced by what often hurts."""
    at = chance.randrange(len(content) + 1)
    length = chance.choice((1, 1, 2, 8, 64, 512))
    match chance.randrange(8):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + content[at + length :]
        case 2:
            return content[:at] + content[at : at + length] + content[at:]
        case 3:
            return content[:at] + chance.randbytes(length) + content[at + length :]
        case 4:
            return content[:at] + chance.choice(HURTFUL) + content[at + chance.choice((0, 1, 4)) :]
        case 5:
            return content.partition(b"\n")[2]
        case 6:
            return _reworded(content, chance)
        case _:
            other = chance.randrange(len(content) + 1)
            return content[:at] + content[other : other + length] + content[at + length :]


def _reworded(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with a cell or value replaced by another of the file, or by what often hurts."""
    words = [word.span() for word in _WORD.finditer(content)] or [(0, 0)]
    start, end = chance.choice(words)
    other = content[slice(*chance.choice(words))]
    return content[:start] + chance.choice((other, chance.choice(HURTFUL))) + content[end:]


_WORD = re.compile(rb"""[^\s,;|=[\]{}"']+|"[^"\n]*"|'[^'\n]*'""")
HURTFUL = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b",", b"\n", b"\r", b"-1", b"1e999", b"nan", b"[[", b"]",
    b"\xc3", b"\x80\x80", b"9" * 40, b"0", b"0.5", b"true", b"[]", b"{}", b'""', b'"x"', b"[1]", b'["x"]', b"{x=1}",
    b"9" * 400, b"2026-01-01", b"-0", b"\xc2\xb2",
)  # fmt: skip


def trial(path: Path, read: Reader, content: bytes) -> tuple[str, str]:
    """Return how a reader takes a file with this content, "read" or "refused", or what is wrong with its answer."""
    path.write_bytes(content)
    try:
        read(path)
    except RiskAdjError as error:
        return ("refused", "") if MARK not in str(error) else ("quotes a member", str(error))
    except Exception as error:  # noqa: BLE001  (what the trial looks for)
        return f"{type(error).__name__}", traceback.format_exc()
    return "read", ""


def damage_all(
    found: Sources, folder: Path, *, times: int, seed: int
) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Damage every kind of file so many times; return the outcomes by kind, and what should not have happened."""
    outcomes: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    for name, (good, read) in found.items():
        chance, content, path = random.Random(f"{seed} {name}"), good.read_bytes(), folder / good.name
        kind, text = trial(path, read, content)
        assert kind == "read", f"{name} itself: {text}"
        for number in range(times):
            kind, text = trial(path, read, damaged(content, chance))
            outcomes[name, kind] += 1
            if kind not in ("read", "refused"):
                wrong.append(f"{name}, damage {number} of seed {seed}: {kind}\n{text}")
    return outcomes, wrong


def main() -> None:
    """Damage files and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="riskadj-damage-") as good, tempfile.TemporaryDirectory() as hurt:
        found = {name: one for name, one in sources(Path(good)).items() if asked.only in (None, name)}
        outcomes, wrong = damage_all(found, Path(hurt), times=asked.times, seed=asked.seed)
    for (name, kind), times in sorted(outcomes.items()):
        sys.stdout.write(f"{times:6,} {name} {kind}\n")
    sys.stdout.write("\n".join(wrong[:20]) + f"\n{len(wrong)} answers that should not have been\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
