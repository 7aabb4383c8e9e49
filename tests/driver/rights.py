"""File permissions, which root is not bound by unless it gives up a capability of Linux."""

from __future__ import annotations

# Precedes a command.
BOUND = ("setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override")
