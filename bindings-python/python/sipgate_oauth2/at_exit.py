"""Every end of a process: what is in flight is stored first."""

import atexit
import os
import sys

from . import _native


def _end_with_this_child(_: object = None) -> None:
    """Children of `multiprocessing` end by `os._exit()`, past `atexit`; it has its own list."""
    # After the functions of the application, which have 0 or more.
    sys.modules["multiprocessing.util"].Finalize(None, _native.end, exitpriority=-100)


class _Children:
    """Tells `multiprocessing`, once a program uses it. Importing it takes longer than all of this
    package.
    """

    told = False

    def tell(self) -> None:
        util = sys.modules.get("multiprocessing.util")
        if util is not None and not self.told:
            self.told = True
            # A child begins by emptying the list, and then does this.
            util.register_after_fork(self, _end_with_this_child)


_children = _Children()


def register() -> None:
    """Has every end of this process, and of its children, wait for what is in flight."""
    atexit.register(_native.end)
    _children.tell()
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        _end_with_this_child()
    # Windows has no fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_children.tell)
