"""Answers without what differs from call to call, so that two servers can be compared field by field."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from keycloak.wire import Answer

Fields = dict[str, object]

# Members whose value is the same whenever the question is asked the same way.
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


def described(answer: Answer) -> Fields:
    """An answer of one of the JSON endpoints, or whatever came instead."""
    fields: Fields = {
        "status": answer.status,
        "content type": answer.header("Content-Type") or ABSENT,
        "cache": _cache_words(answer) or ABSENT,
        "body": body_kind(answer),
    }
    challenge = answer.header("WWW-Authenticate")
    if challenge is not None:
        fields["www-authenticate"] = stable(challenge)
    if fields["body"] == "json object":
        members = answer.json()
        assert isinstance(members, dict)
        fields.update(_described_members(members))
    elif fields["body"] == "html":
        fields["page says"] = page_text(answer)
    return fields


def described_error(answer: Answer) -> str:
    """One line: the status and, where there is one, the error with its description."""
    if body_kind(answer) != "json object":
        return f"{answer.status} {body_kind(answer)}"
    members = answer.json()
    assert isinstance(members, dict)
    texts = (members.get(name) for name in ("error", "error_description"))
    return stable(
        " ".join([str(answer.status), *(str(text) for text in texts if text is not None)])
    )


def described_callback(url: str, redirect_uri: str) -> Fields:
    """The parameters in their order; what is random in them as its length."""
    sent = parse_qsl(urlsplit(redirect_uri).query, keep_blank_values=True)
    answered = urlsplit(url)
    parameters = parse_qsl(answered.query or answered.fragment, keep_blank_values=True)
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


def described_jwt(token: str) -> Fields:
    """The header and the types of the claims, unverified."""
    header, claims = (_decoded_part(part) for part in token.split(".")[:2])
    return {
        "header": {name: header[name] for name in sorted(header) if name != "kid"},
        "claims": _types(claims),
        "aud": type(claims.get("aud")).__name__,
        "typ": claims.get("typ", ABSENT),
    }


def scope_words(answer: Answer) -> str:
    """The order of scopes changes between calls."""
    return " ".join(sorted(answer.member("scope").split()))


def body_kind(answer: Answer) -> str:
    if not answer.body:
        return "empty"
    try:
        return f"json {'object' if isinstance(answer.json(), dict) else 'value'}"
    except ValueError:
        return "html" if b"<html" in answer.body.lower() else "text"


def page_text(answer: Answer) -> str:
    """What an error page tells the person."""
    page = answer.body.decode("utf-8", "replace")
    found = re.search(r'id="kc-error-message"[^>]*>(.*?)</(?:div|p)>', page, re.DOTALL)
    if found is None:
        found = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", found.group(1)) if found else ""
    return stable(html.unescape(" ".join(text.split())))


def stable(text: str) -> str:
    return UUID.sub("UUID", ORIGIN.sub("ORIGIN", text))


def _cache_words(answer: Answer) -> str:
    headers = filter(None, map(answer.header, ("Cache-Control", "Pragma")))
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
