"""Blocks of the README that results make: between `<!-- name -->` and `<!-- /name -->`."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def read_block(name: str, path: Path = README) -> str:
    """Return what stands in a block."""
    return _parts(name, path)[1].strip()


def write_block(name: str, text: str, path: Path = README) -> None:
    """Put `text` into a block; everything around it stays as it is."""
    before, _, after = _parts(name, path)
    path.write_text(f"{before}\n{text}\n{after}", encoding="utf-8")


def _parts(name: str, path: Path) -> tuple[str, str, str]:
    """Return the text up to the block, the block, and the text from its end on."""
    text, begin, end = path.read_text(encoding="utf-8"), f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{path.name} has no single block {begin} ... {end}")
    before, _, rest = text.partition(begin)
    block, _, after = rest.partition(end)
    return before + begin, block, end + after
