"""RA factor types of the MMR: which segments each fits, and in which status a member differs where it does not."""

from __future__ import annotations

from dataclasses import dataclass

from riskadj.cms_reports.reading import load_codes

#: How a factor type that does not fit differs: by the first of the fields below that does, or by the segment alone.
STATUS_CLASSES = ("esrd_status", "new_enrollee", "institutional", "dual_status", "segment")
_FLAGS, _DUAL = ("is_esrd", "is_new_enrollee", "is_long_term_institutional"), "dual"


@dataclass(frozen=True)
class FactorTypes:
    """Which RA factor types fit which segments, and in which status those that do not fit differ."""

    rows: dict[str, dict[str, str]]

    @classmethod
    def load(cls) -> FactorTypes:
        """Return the bundled table."""
        return cls({row["factor_type"]: row for row in load_codes("factor_types")})

    def fitting(self, segment: str) -> list[dict[str, str]]:
        """Return the factor types that fit a segment."""
        return [row for row in self.rows.values() if segment in row["segments"].split("|")]

    def is_community(self, segment: str) -> bool:
        """Return True if a segment is of members in the community with a full year of diagnoses, without ESRD."""
        fitting = self.fitting(segment)
        return bool(fitting) and all(row[name] == "0" for row in fitting for name in _FLAGS)

    def difference(self, segment: str, factor_type: str | None) -> str | None:
        """Return the class of a factor type that does not fit a segment; None if it fits, or either is not known."""
        own = self.fitting(segment)
        theirs = self.rows.get(factor_type or "")
        if not own or theirs is None or theirs in own:
            return None
        narrowest = min(own, key=lambda row: len(row["segments"]))
        for name, status in zip((*_FLAGS, _DUAL), STATUS_CLASSES[:-1], strict=True):
            if narrowest[name] != theirs[name] and (name != _DUAL or (narrowest[name] and theirs[name])):
                return status
        return STATUS_CLASSES[-1]
