"""Numbers as spreadsheets write them into text: ``$1,234.50``, ``(1,234.50)`` for less than 0, ``5%`` for 0.05."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

#: A sign before or behind the dollar sign, commas between groups of three digits only, one percent sign.
_WRITTEN = r"^(-?\$?|\$-|\(\$?)(\d{1,3}(,\d{3})+(\.\d*)?|\d+(\.\d*)?|\.\d+)(%?)(\)?)$"
_SIGNS = r"[$,%()-]"
FORMS = "1234.5, $1,234.50, (1,234.50) for less than 0, or 5% for 0.05"


def read_written(texts: pa.Array) -> pa.Array:
    """Return the numbers that texts stand for, as float64; null where a text is none, or is null.

    Examples
    --------
    >>> read_written(pa.array(["$1,234.50", "(20)", "5%", "12,34", "n/a"])).to_pylist()
    [1234.5, -20.0, 0.05, None, None]
    """
    texts = pc.replace_substring_regex(texts, r"\s", "")
    opened, closed = pc.starts_with(texts, "("), pc.ends_with(texts, ")")
    is_number = pc.and_(pc.match_substring_regex(texts, _WRITTEN), pc.equal(opened, closed))
    bare = pc.replace_substring_regex(pc.if_else(is_number, texts, None), _SIGNS, "")
    is_negative = pc.or_(opened, pc.match_substring(texts, "-"))
    sign = pc.if_else(is_negative, -1.0, 1.0)
    unit = pc.if_else(pc.ends_with(texts, "%"), 100.0, 1.0)
    return pc.divide(pc.multiply(sign, bare.cast(pa.float64())), unit)
