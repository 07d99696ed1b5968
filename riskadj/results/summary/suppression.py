"""Small cells: which numbers of few members are left blank, and which others so that totals cannot reveal them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskadj.errors import OptionError

Flags = npt.NDArray[np.bool_]


def check_min_cell(min_cell: int | None) -> int | None:
    """Return the smallest count that may be shown.

    Raises
    ------
    OptionError
        It is no whole number of at least 2.
    """
    if min_cell is not None and (isinstance(min_cell, bool) or min_cell < 2):
        raise OptionError(f"min_cell={min_cell!r}; give the smallest number of members to show, such as 11.")
    return min_cell


def hidden_cells(counts: npt.NDArray[np.int64], min_cell: int, also: Flags | None = None) -> Flags:
    """Return which cells of one total to blank.

    Cells of 1 to ``min_cell - 1`` members, and then the smallest others, until at least two are blank and they hold at
    least `min_cell` members together: the total less what is shown then tells of no small cell.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_cells,)
        Members. The total is shown beside them.
    also : ndarray of bool, shape (n_cells,), optional
        Cells that are blank for another reason.
    """
    hidden = (counts > 0) & (counts < min_cell)
    if also is not None:
        hidden |= also & (counts > 0)
    if not hidden.any():
        return hidden
    for cell in np.argsort(counts, kind="stable").tolist():
        if hidden.sum() >= 2 and counts[hidden].sum() >= min_cell:
            break
        hidden[cell] |= counts[cell] > 0
    return hidden
