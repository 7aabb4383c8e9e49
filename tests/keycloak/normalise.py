"""Responses without what differs between calls, so that servers can be compared by field."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from keycloak.wire import Response

Fields = dict[str, object]

# Members whose value is the same each time a question is asked.
VALUED = (
    "error",
    "error_description",
    "expires_in",
    "refresh_expires_in",
    "token_type",
    "not-before-policy",
    "active",
)
ORIGIN = re.compile(r"https?://(127\.0\.0\.1|localhost):\d+(?=/auth)")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ABSENT = "(absent)"


def described(response: Response) -> Fields:
    """A response of one of the JSON endpoints, whether or not it is JSON."""
    fields: Fields = {
        "status": response.status,
        "content type": response.header("Content-Type") or ABSENT,
        "cache": _cache_words(response) or ABSENT,
        "body": body_kind(response),
    }
    challenge = response.header("WWW-Authenticate")
    if challenge is not None:
        fields["www-authenticate"] = stable(challenge)
    if fields["body"] == "json object":
        members = response.json()
        assert isinstance(members, dict)
        fields.update(_described_members(members))
    elif fields["body"] == "html":
        fields["page says"] = page_text(response)
    return fields


def described_error(response: Response) -> str:
    """One line: the status and, if any, the error with its description."""
    if body_kind(response) != "json object":
        return f"{response.status} {body_kind(response)}"
    members = response.json()
    assert isinstance(members, dict)
    texts = (members.get(name) for name in ("error", "error_description"))
    return stable(
        " ".join([str(response.status), *(str(text) for text in texts if text is not None)])
    )


def described_callback(url: str, redirect_uri: str) -> Fields:
    """The parameters in their order; random values are given as lengths."""
    sent = parse_qsl(urlsplit(redirect_uri).query, keep_blank_values=True)
    callback = urlsplit(url)
    parameters = parse_qsl(callback.query or callback.fragment, keep_blank_values=True)
    fields: Fields = {
        "starts with the redirect URI": url.startswith(redirect_uri),
        "then": url.removeprefix(redirect_uri)[:1],
        "order": " ".join(name for name, _ in parameters[len(sent) :]),
    }
    for name, value in parameters[len(sent) :]:
        if name == "code":
            fields["code lengths"] = ".".join(str(len(part)) for part in value.split("."))
        elif name == "session_state":
            fields["session_state length"] = len(value)
        elif name != "state":
            fields[name] = stable(value)
    return fields


def decoded(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims, unverified."""
    header, claims = (_decoded_part(part) for part in token.split(".")[:2])
    return header, claims


def described_jwt(token: str) -> Fields:
    """The header and the types of the claims, unverified."""
    header, claims = decoded(token)
    return {
        "header": {name: header[name] for name in sorted(header) if name != "kid"},
        "claims": _types(claims),
        "aud": type(claims.get("aud")).__name__,
        "typ": claims.get("typ", ABSENT),
    }


def scope_words(response: Response) -> str:
    """The order of scopes changes between calls."""
    return " ".join(sorted(response.member("scope").split()))


def body_kind(response: Response) -> str:
    if not response.body:
        return "empty"
    try:
        return f"json {'object' if isinstance(response.json(), dict) else 'value'}"
    except ValueError:
        return "html" if b"<html" in response.body.lower() else "text"


def page_text(response: Response) -> str:
    """What an error page tells the user."""
    page = response.body.decode("utf-8", "replace")
    found = re.search(r'id="kc-error-message"[^>]*>(.*?)</(?:div|p)>', page, re.DOTALL)
    if found is None:
        found = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", found.group(1)) if found else ""
    return stable(html.unescape(" ".join(text.split())))


def stable(text: str) -> str:
    return UUID.sub("UUID", ORIGIN.sub("ORIGIN", text))


def _cache_words(response: Response) -> str:
    headers = filter(None, map(response.header, ("Cache-Control", "Pragma")))
    return " ".join(sorted({word.strip() for header in headers for word in header.split(",")}))


def _described_members(members: Mapping[str, object]) -> Fields:
    fields: Fields = {"members": _types(members)}
    for name in VALUED:
        if name in members:
            value = members[name]
            fields[name] = stable(value) if isinstance(value, str) else value
    if isinstance(members.get("scope"), str):
        fields["scope"] = " ".join(sorted(str(members["scope"]).split()))
    if isinstance(members.get("session_state"), str):
        fields["session_state length"] = len(str(members["session_state"]))
    return fields


def _types(members: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {type(members[name]).__name__}" for name in sorted(members))


def _decoded_part(part: str) -> dict[str, object]:
    padded = part + "=" * (-len(part) % 4)
    value = json.loads(base64.urlsafe_b64decode(padded))
    assert isinstance(value, dict)
    return value
