"""A payment year copied from an earlier one, to be edited: dates moved, every number marked as carried over."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from riskadj.errors import UnknownPaymentYearError
from riskadj.tables.manifest import short

_DATE = re.compile(r'"(\d{4})(-\d{2}-\d{2})"')
_HEADER = re.compile(r"^\s*\[\[?([a-z_.]+)")


def copy_year(source: str | Path, target: str | Path) -> list[Path]:
    """Copy the folder of a payment year to that of another year.

    The copy loads and scores at once, and says what it is: every number of its payment_year.toml gets
    ``verified = false`` and a ``where`` that names the year it was carried over from, and its dates move by the
    years between; the titles of its models say whose tables they hold. Dates inside tables (fiscal years of codes)
    stay.

    Parameters
    ----------
    source, target : path
        Folders named by their year, such as ``medicare/py<YEAR>``; `target` must not exist.

    Returns
    -------
    list of Path
        The manifests that were rewritten.

    Raises
    ------
    UnknownPaymentYearError
        A folder is not named by a year, or `source` holds no payment_year.toml.
    FileExistsError
        `target` exists.
    """
    source, target = Path(source), Path(target)
    years = year_of(source), year_of(target)
    if not (source / "payment_year.toml").is_file():
        raise UnknownPaymentYearError(f"{short(source)} holds no payment_year.toml to copy.")
    shutil.copytree(source, target)
    manifests = [target / "payment_year.toml", *sorted(target.glob("*/model.toml"))]
    for path in manifests:
        text = path.read_text(encoding="utf-8")
        path.write_text("".join(_rewritten(_blocks(text), *years)), encoding="utf-8")
    return manifests


def year_of(folder: Path) -> int:
    """Return the year that a folder is named by.

    Raises
    ------
    UnknownPaymentYearError
        It is named by none.
    """
    found = re.fullmatch(r"[a-z]{2}(\d{4})", folder.name)
    if found is None:
        raise UnknownPaymentYearError(
            f"{folder.name!r} is no folder of a payment year; they are named py<YEAR> or by<YEAR>."
        )
    return int(found[1])


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name of the entry, its lines) of a manifest; what precedes the first has no name."""
    starts = [match.start() for match in re.finditer(r"^\[", text, re.MULTILINE)]
    for begin, end in zip([0, *starts], [*starts, len(text)], strict=True):
        header = _HEADER.match(text[begin:end])
        yield (header[1] if header else ""), text[begin:end]


def _rewritten(blocks: Iterator[tuple[str, str]], old: int, new: int) -> Iterator[str]:
    for name, block in blocks:
        match name.partition(".")[0]:
            case "model" | "payment_year":
                yield _identity(block, old, new)
            case "sources" | "tables" | "":
                yield block
            case _:
                yield _carried_over(block, old, new)


def _identity(block: str, old: int, new: int) -> str:
    """The year and the title, which says whose tables a model holds."""
    block = re.sub(rf"\b{old}\b", str(new), block)
    is_model = block.startswith("[model]")
    return (
        re.sub(r'^(title = ".*)"$', rf'\1 (tables of {old})"', block, flags=re.MULTILINE)
        if is_model
        else block
    )


def _carried_over(block: str, old: int, new: int) -> str:
    """A number of the year: its dates moved, its place in the source that of the year before, not verified."""
    block = _DATE.sub(lambda date: f'"{int(date[1]) + new - old}{date[2]}"', block)
    block = re.sub(r"^verified = \w+\n", "", block, flags=re.MULTILINE)
    return re.sub(
        r'^where = "(.*)\n',
        rf'where = "carried over from {old}: \1\nverified = false\n',
        block,
        flags=re.MULTILINE,
    )
