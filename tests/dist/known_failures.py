"""Cases of the behaviour suite that cannot pass on a platform, with what they say and the reason.

One that passes there, or fails in another way, is a failure of this list.
"""

from __future__ import annotations

from collections.abc import Mapping

from behaviour.runner.place import Failure

ON_WINDOWS: Mapping[str, Failure] = {
    "provider: an invalid environment variable is refused, and the error names it: "
    "an empty secret that is set": Failure(
        "expected", "on Windows, Python removes a variable that it is told to make empty"
    ),
}
