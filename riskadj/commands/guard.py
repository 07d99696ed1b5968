"""How a command ends: exit statuses, and messages that hold no member's data."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec

from riskadj.errors import RiskAdjError

DONE, DEFECT, WRONG, INTERRUPTED = 0, 1, 2, 130
#: Set to 1, this environment variable asks for the traceback of an unexpected error.
DEBUG = "RISKADJ_DEBUG"

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Return `command` with its errors turned into a message on stderr and an exit status.

    2 for a deliberate error (the call or the data is wrong), 130 for an interrupt, 1 for anything else. The text of an
    unexpected error may quote a member's data and is left out. A reader that closes the pipe early ends it quietly.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except RiskAdjError as error:
            say(f"{type(error).__name__}: {error}")
            raise SystemExit(WRONG) from error
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(DONE) from error
        except KeyboardInterrupt as error:
            say("interrupted")
            raise SystemExit(INTERRUPTED) from error
        except Exception as error:
            say(defect(error))
            raise SystemExit(DEFECT) from error

    return run


def say(message: str) -> None:
    """Write one message to stderr."""
    sys.stderr.write(f"{message}\n")


def defect(error: Exception) -> str:
    """Return what may be said of an unexpected error: its type and place, never its text."""
    if os.environ.get(DEBUG) == "1":
        return "".join(traceback.format_exception(error)).rstrip()
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [(frame, line) for frame, line in frames if _module(frame).split(".")[0] == "riskadj"]
    places = dict.fromkeys(_place(frame, line) for frame, line in (*ours[-1:], *frames[-1:]))
    return (
        f"unexpected {type(error).__name__} in {', called from '.join(reversed(places))}: a defect of riskadj; "
        f"please report it with this line and `riskadj --version`. {DEBUG}=1 shows the traceback, which may quote data."
    )


def _place(frame: FrameType, line: int) -> str:
    return f"{_module(frame)}.{frame.f_code.co_name}, line {line}"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))
