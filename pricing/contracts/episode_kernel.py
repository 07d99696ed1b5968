"""Which triggers start an episode: a member's episodes share no day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskadj.jit import kernel


@kernel
def keep_triggers(
    members: npt.NDArray[np.int64], days: npt.NDArray[np.int64], width: int, out: npt.NDArray[np.bool_]
) -> None:
    """Set `out` where a trigger's window does not meet the window of an earlier one that was kept.

    Parameters
    ----------
    members, days : int64, shape (n_triggers,)
        In order of member and day.
    width : int
        Days from the first to the last day of a window.
    out : bool, shape (n_triggers,)
    """
    last_member, free_from = -1, 0
    for row in range(len(members)):
        if members[row] != last_member or days[row] >= free_from:
            out[row] = True
            last_member = members[row]
            free_from = days[row] + width + 1
