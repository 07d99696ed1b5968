"""Tables of hcc_maps/layouts: record layouts of CMS's files, and the codes in them; each verified against its seal."""

from __future__ import annotations

from riskadj.errors import OptionError, nearest
from riskadj.tables.manifest import read_sources, read_table_entries, read_toml, sealed_content
from riskadj.tables.model import maps_root

FOLDER = "layouts"


def load_layout_table(name: str) -> str:
    """Return the text of a table of layouts or codes.

    Raises
    ------
    OptionError
        There is no table of that name.
    ManifestError, ChecksumError
        The table is not the sealed one.
    """
    folder = maps_root() / FOLDER
    path = folder / "manifest.toml"
    document = read_toml(path)
    entries = read_table_entries(document, read_sources(document, path), path)
    if name not in entries:
        raise OptionError(f"no layout '{name}'{nearest(name, entries)}; known: {', '.join(entries)}.")
    return sealed_content(folder / f"{name}.csv", entries[name]).decode("utf-8")
