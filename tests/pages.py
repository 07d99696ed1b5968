"""Pages of HTML read back naively: what the tests of reports share."""

from __future__ import annotations

from html.parser import HTMLParser


class Cells(HTMLParser):
    """Collects the numbers of a page, row by row, and whatever it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float | None]] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "tr":
            self.rows.append({})
        if "data-name" in found:
            if tag != "td":
                self.rows.append({})
            self.rows[-1][str(found["data-name"])] = (
                float(found["data-value"]) if found["data-value"] else None
            )
        self.outside += [str(found[name]) for name in ("src", "href") if name in found]
        self.outside += [tag] if tag in ("script", "link", "iframe") else []
