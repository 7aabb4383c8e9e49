"""Writes the README's C block, adapted to the local realm, to the given file."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from readme.blocks import block, replaced

SIPGATE = "sipgate_oauth2_client_options_new_sipgate(client_id"
KEYCLOAK = 'sipgate_oauth2_client_options_new_keycloak(base, "third-party", client_id'

text = replaced(block("c"), SIPGATE, KEYCLOAK)
text = replaced(text, "#include <sipgate_oauth2.h>\n", "")
Path(sys.argv[1]).write_text(text, encoding="utf-8")
