"""What was done to a transcript, in order, and so what can be undone and done again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lib.domain.edits import Action, Edit, inverse


@dataclass(frozen=True, slots=True)
class History:
    """``done`` are the edits that count, the last one last; ``undone`` those that can be done again, the next one
    last. Undoing is an edit too, so nothing that was done is ever struck from the log."""

    done: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()

    @property
    def undo(self) -> Edit | None:
        """The edit that takes the last one back; None where there is none."""
        return inverse(self.done[-1]) if self.done else None

    @property
    def redo(self) -> Edit | None:
        """The edit that was taken back last, once more; None where there is none."""
        return replace(self.undone[-1], action=Action.REDO) if self.undone else None


def history_of(log: Iterable[Edit]) -> History:
    """The history that a log of edits tells, the oldest first. A new edit makes it impossible to do again what had
    been undone before it."""
    done: list[Edit] = []
    undone: list[Edit] = []
    for edit in log:
        if edit.action is Action.UNDO and done:
            undone.append(done.pop())
        elif edit.action is Action.REDO and undone:
            done.append(undone.pop())
        else:
            done.append(edit)
            undone.clear()
    return History(tuple(done), tuple(undone))
