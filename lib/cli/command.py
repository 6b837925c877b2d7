"""A command: its name, what it is for, the function that does it, and what it takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """``does`` is given the services and the options, and gives the exit code; ``takes`` adds the arguments."""

    name: str
    help: str
    does: Callable[..., int]
    takes: Callable[[argparse.ArgumentParser], None]
