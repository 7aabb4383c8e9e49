"""Writes the README's Node block, adapted to the local realm, as a program to the given file."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from readme.blocks import block, replaced

BEFORE = """\
import { readFileSync } from 'node:fs';

const base = process.env.DEMO_BASE_URL;
const clientId = process.env.SIPGATE_CLIENT_ID;
const clientSecret = process.env.SIPGATE_CLIENT_SECRET;
const redirectUri = process.env.SIPGATE_REDIRECT_URI;
const session = {};
let queryString;

// Prints the URL for the browser, and reads the query string of the callback.
function redirect(url) {
  console.log(url);
  queryString = readFileSync(0, 'utf8').trim().split('?')[1];
}

"""
AFTER = """
console.log(headers.Authorization);
await source.refresh();
console.log(await source.authorizationHeader());
"""

text = replaced(block("js"), "Client.sipgate({", "Client.keycloak({ base, realm: 'third-party',")
Path(sys.argv[1]).write_text(BEFORE + text + AFTER, encoding="utf-8")
