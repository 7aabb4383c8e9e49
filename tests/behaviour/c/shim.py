"""The C shim of the behaviour suite.

It reads lines {"id", "op", "args"}, runs each call on its own thread, and writes a line per call.
It calls the shared library by the prototypes of the header and decides nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from behaviour.c.calls import (
    Failure,
    Handles,
    c,
    do,
    done,
    found_in,
    header,
    make,
    milliseconds,
    number_of,
    parsed,
    secret,
    text_of,
)
from behaviour.c.custom_store import CustomStores

Args = dict[str, Any]
Reply = dict[str, Any]

PARAMETERS = (
    "redirect_uri",
    "response_mode",
    "state",
    "return_to",
    "prompt",
    "login_hint",
    "ui_locales",
    "max_age",
    "acr_values",
    "claims",
    "id_token_hint",
)
LOGOUT = "id_token_hint", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"
SETTINGS = (
    "client_secret",
    "client_authentication",
    "redirect_uri",
    "realm",
    "ca_certificates",
    "proxy",
    "id_token_signed_response_alg",
    "trusted_audiences",
)
TIMES = "connect_timeout", "request_timeout", "leeway"
STORE_SETTINGS = (
    "password",
    "ca_certificates",
    "connections",
    "table",
    "create_table",
    "prefix",
    "replicas",
)
STORE_TIMES = "recheck", "timeout"
METADATA = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "jwks_uri",
)


class Shim:
    def __init__(self) -> None:
        self.handles = Handles()
        self.stores = CustomStores(header)
        self.metadata: dict[str, Any] = {}
        self.events: dict[str, Any] = {}
        self.writing = threading.Lock()
        self.operations: dict[str, Callable[[Args], Reply]] = {
            "metadata.discover": self.discover,
            "client.new": self.client_new,
            "client.events": self.client_events,
            "client.authorization_request": self.authorization_request,
            "client.exchange_callback": self.exchange_callback,
            "client.exchange_code": self.exchange_code,
            "client.refresh": self.refresh,
            "client.complete_login": self.complete_login,
            "client.login_in_browser": self.login_in_browser,
            "client.token_source": self.token_source,
            "client.accounts": self.accounts,
            "client.keep_alive": lambda args: self.wait(
                parsed,
                "client_keep_alive",
                args,
                self.found("client", args),
                int(args.pop("idle", 7 * 86_400)),
            ),
            "client.accept_logout_token": lambda args: {
                "accounts": self.of_token("client_accept_logout_token", args, "logout_token")
            },
            "client.introspect": lambda args: {
                "introspection": self.of_token("client_introspect", args, "token")
            },
            "client.revoke": self.revoke,
            "client.logout_url": self.logout_url,
            "client.check_logout_response": lambda args: done(
                "client_check_logout_response",
                self.found("client", args),
                args.pop("callback", None),
                args.pop("state", None),
            ),
            "source.access_token": lambda args: {
                "access_token": self.secret_of_source("access_token", args)
            },
            "source.authorization_header": lambda args: {
                "authorization_header": self.secret_of_source("authorization_header", args)
            },
            "source.peek": lambda args: {
                "access_token": secret("token_source_peek", self.source(args))
            },
            "source.invalidate": lambda args: done(
                "token_source_invalidate", self.source(args), args.pop("token", None)
            ),
            "source.refresh": lambda args: {"access_token": self.secret_of_source("refresh", args)},
            "source.save": self.save,
            "source.status": self.status,
            "source.claims": lambda args: {
                "claims": self.wait(parsed, "token_source_claims", args, self.source(args))
            },
            "source.userinfo": lambda args: {
                "claims": self.wait(parsed, "token_source_userinfo", args, self.source(args))
            },
            "source.logout": lambda args: self.ended("token_source_logout", args),
            "source.forget": lambda args: self.ended("token_source_forget", args),
            "source.ensure_saved": lambda args: done(
                "token_source_ensure_saved", self.source(args)
            ),
            "store.open": self.open_store,
            "store.check": lambda args: {
                "problems": self.wait(
                    found_in, "store_check_settings", args, self.found("store", args, "name")
                )
            },
            "store.limit": self.limit_store,
            "store.hang": self.hang_store,
            "store.break": self.break_store,
            "store.copy": self.copy_store,
            "request.export": lambda args: {
                "exported": secret(
                    "authorization_request_export",
                    self.found("authorization_request", args, "request"),
                )
            },
            "request.restore": lambda args: self.keep_request(
                args, make("authorization_request_restore", args.pop("exported", None))
            ),
            "request.seal": lambda args: {
                "sealed": secret(
                    "authorization_request_seal",
                    self.found("authorization_request", args, "request"),
                    ",".join(args.pop("encryption_keys")),
                )
            },
            "request.unseal": lambda args: self.keep_request(
                args,
                make(
                    "authorization_request_unseal",
                    args.pop("sealed", None),
                    ",".join(args.pop("encryption_keys")),
                ),
            ),
            "tokens.restore": lambda args: self.keep_tokens(
                args, "name", make("token_set_restore", args.pop("json", None))
            ),
            "tokens.export": lambda args: {
                "exported": secret("token_set_export", self.found("token_set", args, "tokens"))
            },
            "cancel": self.cancel,
            "errors": lambda args: {"errors": list(errors())},
            "version": lambda args: {"version": c["version"]().decode()},
        }

    def run(self) -> None:
        for line in sys.stdin:
            threading.Thread(target=self.reply, args=(json.loads(line),), daemon=True).start()
        # Exits as a C program does after `main`: until the library has drained, it still calls
        # Python functions.
        ctypes.CDLL(None).exit(0)

    def reply(self, call: Args) -> None:
        operation = self.operations.get(call["op"])
        if operation is None:
            return self.write({"id": call["id"], "unsupported": call["op"]})
        args = {
            name: value for name, value in (call.get("args") or {}).items() if value is not None
        }
        try:
            result = operation(args)
            if args:
                raise TypeError(f"{', '.join(args)}: unexpected")
            self.write({"id": call["id"], "ok": result})
        except Failure as failure:
            self.write({"id": call["id"], "error": failure.view})
        except Exception as error:
            # Not an error from the library: it has no code, so no case expects it.
            self.write({"id": call["id"], "error": {"code": None, "message": repr(error)}})

    def write(self, line: Reply) -> None:
        with self.writing:
            print(json.dumps(line), flush=True)

    def discover(self, args: Args) -> Reply:
        name, issuer = args.pop("name"), args.pop("issuer", None)
        options = c["discovery_options_new"]()
        try:
            if "ca_certificates" in args:
                do("discovery_options_set_ca_certificates", options, args.pop("ca_certificates"))
            metadata = self.wait(parsed, "discover", args, issuer, options)
        finally:
            c["discovery_options_free"](options)
        self.metadata[name] = metadata
        return {"metadata": metadata}

    def client_new(self, args: Args) -> Reply:
        name, kind = args.pop("name"), args.pop("kind")
        os.environ.update(args.pop("env", {}))
        options = self.new_options(kind, args)
        try:
            for setting in SETTINGS:
                if setting in args:
                    do(f"client_options_set_{setting}", options, joined(args.pop(setting)))
            for setting in TIMES:
                if setting in args:
                    do(f"client_options_set_{setting}_ms", options, milliseconds(args.pop(setting)))
            if "store" in args:
                self.set_store(options, **args.pop("store"))
            if "events" in args:
                self.keep_events(options, args.pop("events"))
            client = make("client_new", options)
        finally:
            c["client_options_free"](options)
        attributes = "issuer", "token_endpoint", "client_id", "redirect_uri"
        view = {attribute: text_of(c[f"client_{attribute}"](client)) for attribute in attributes}
        view["metadata"] = json.loads(text_of(c["client_metadata"](client)) or "")
        self.handles.keep("client", name, client)
        return view

    def keep_events(self, options: Any, name: str) -> None:
        events: list[Any] = []

        def keep(_: Any, event: Any) -> None:
            events.append(json.loads(text_of(c["event_json"](event)) or ""))

        function = "client_options_set_event_handler"
        handler = c[function].argtypes[1](keep)
        # The handler must live as long as the client.
        self.events[name] = events, handler
        do(function, options, handler, None, c[function].argtypes[3]())

    def client_events(self, args: Args) -> Reply:
        (events, _), kind = self.events[args.pop("events")], args.pop("type")
        return {"events": [event for event in events if event["type"] == kind]}

    def new_options(self, kind: str, args: Args) -> Any:
        if kind == "env":
            return make("client_options_new_from_env")
        client_id = args.pop("client_id", None)
        if kind == "sipgate":
            return make("client_options_new_sipgate", client_id)
        if kind == "keycloak":
            return make(
                "client_options_new_keycloak",
                args.pop("base", None),
                args.pop("realm", None),
                client_id,
            )
        if "metadata" in args:
            discovered = json.dumps(self.metadata[args.pop("metadata")])
            return make("client_options_new", discovered, client_id)
        metadata = {member: args.pop(member) for member in METADATA if member in args}
        metadata["authorization_response_iss_parameter_supported"] = args.pop(
            "authorization_response_iss_parameter_supported", False
        )
        return make("client_options_new", json.dumps(metadata), client_id)

    def open_store(self, args: Args) -> Reply:
        name, custom, url = args.pop("name"), args.pop("custom", None), args.pop("url", None)
        options = c["store_options_new"]()
        try:
            fails, gives_none = (args.pop(f"password_{how}", False) for how in ("fails", "missing"))
            if fails or gives_none:
                setter = "store_options_set_password_function"
                no_free = c[setter].argtypes[3]()
                do(setter, options, self.stores.no_password(fails), None, no_free)
            for key in args.pop("encryption_keys", []):
                do("store_options_add_encryption_key", options, key)
            for setting in STORE_TIMES:
                if setting in args:
                    do(f"store_options_set_{setting}_ms", options, milliseconds(args.pop(setting)))
            if "durability" in args:
                durability = f"SIPGATE_DURABILITY_{args.pop('durability').upper()}"
                do("store_options_set_durability", options, header.constants[durability])
            if args.pop("allow_network_file_system", False):
                do("store_options_allow_network_file_system", options)
            for setting in STORE_SETTINGS:
                if setting in args:
                    do(f"store_options_set_{setting}", options, args.pop(setting))
            made = ("store_new", self.stores.table(custom)) if custom else ("store_open", url)
            self.handles.keep("store", name, make(*made, options))
        finally:
            c["store_options_free"](options)
        return {}

    def set_store(self, client_options: Any, kind: str, **settings: Any) -> None:
        if kind == "opened":
            opened = self.handles.find("store", settings["name"])
            do("client_options_set_store", client_options, opened)
            return
        options = c["store_options_new"]()
        try:
            for key in settings.pop("encryption_keys", None) or []:
                do("store_options_add_encryption_key", options, key)
            if (recheck := settings.pop("recheck", None)) is not None:
                do("store_options_set_recheck_ms", options, milliseconds(recheck))
            if kind == "custom":
                store = make("store_new", self.stores.table(settings.pop("custom")), options)
            else:
                path = (settings.pop("path"),) if kind == "sqlite" else ()
                store = make(f"store_{kind}", *path, options)
        finally:
            c["store_options_free"](options)
        try:
            do("client_options_set_store", client_options, store)
        finally:
            c["store_free"](store)
        if settings:
            raise TypeError(f"{', '.join(settings)}: unexpected in a store")

    def authorization_request(self, args: Args) -> Reply:
        client, scope = self.found("client", args), scope_of(args)
        with authorization_parameters(args) as parameters:
            return self.keep_request(
                args, make("client_authorization_request", client, scope, parameters)
            )

    def login_in_browser(self, args: Args) -> Reply:
        client, scope, account = (
            self.found("client", args),
            scope_of(args),
            args.pop("account", None),
        )
        told: list[str] = []

        on_url = header.types["url_handler"](lambda _, url: told.append(url.decode()))
        with authorization_parameters(args) as parameters:
            given = client, scope, parameters, account, on_url, None
            source = self.wait(make, "client_login_in_browser", args, *given)
        return {**self.keep_source(args, source), "url": told[0]}

    def exchange_callback(self, args: Args) -> Reply:
        client, request = (
            self.found("client", args),
            self.found("authorization_request", args, "request"),
        )
        callback = args.pop("callback", None)
        tokens = self.wait(make, "client_exchange_callback", args, client, request, callback)
        return self.keep_tokens(args, "tokens", tokens)

    def exchange_code(self, args: Args) -> Reply:
        client, scope = self.found("client", args), scope_of(args)
        code = make("authorization_code_new", args.pop("code", None))
        try:
            for name in ("code_verifier", "redirect_uri", "nonce"):
                if name in args:
                    do(f"authorization_code_set_{name}", code, args.pop(name))
            if scope is not None:
                do("authorization_code_set_scope", code, scope)
            tokens = self.wait(make, "client_exchange_code", args, client, code)
        finally:
            c["authorization_code_free"](code)
        return self.keep_tokens(args, "tokens", tokens)

    def refresh(self, args: Args) -> Reply:
        client, scope = self.found("client", args), scope_of(args)
        if "from" in args:
            old_tokens = self.found("token_set", args, "from")
            tokens = self.wait(make, "client_refresh_tokens", args, client, old_tokens, scope)
        else:
            tokens = self.wait(
                make, "client_refresh", args, client, args.pop("refresh_token", None), scope
            )
        return self.keep_tokens(args, "tokens", tokens)

    def complete_login(self, args: Args) -> Reply:
        client, request = (
            self.found("client", args),
            self.found("authorization_request", args, "request"),
        )
        callback, account = args.pop("callback", None), args.pop("account", None)
        source = self.wait(make, "client_complete_login", args, client, request, callback, account)
        return self.keep_source(args, source)

    def of_token(self, function: str, args: Args, token: str) -> Any:
        client = self.found("client", args)
        return self.wait(parsed, function, args, client, args.pop(token, None))

    def accounts(self, args: Args) -> Reply:
        client, accounts, after = self.found("client", args), [], None
        while True:
            # Each page takes the options.
            page = self.wait(parsed, "client_accounts", call := dict(args), client, after)
            accounts += page["accounts"]
            after = page["next"]
            if after is None:
                args.clear()
                args.update(call)
                return {"accounts": accounts}

    def revoke(self, args: Args) -> Reply:
        client = self.found("client", args)
        self.wait(do, "client_revoke", args, client, args.pop("token", None))
        return {}

    def logout_url(self, args: Args) -> Reply:
        client = self.found("client", args)
        source = self.source(args) if "source" in args else None
        parameters = c["logout_parameters_new"]()
        try:
            for name in LOGOUT:
                if name in args:
                    do(f"logout_parameters_set_{name}", parameters, args.pop(name))
            return {"url": self.wait(secret, "client_logout_url", args, client, source, parameters)}
        finally:
            c["logout_parameters_free"](parameters)

    def token_source(self, args: Args) -> Reply:
        client = self.found("client", args)
        return self.keep_source(
            args, make("client_token_source", client, args.pop("account", None))
        )

    def save(self, args: Args) -> Reply:
        source, tokens = self.source(args), self.found("token_set", args, "tokens")
        self.wait(do, "token_source_save", args, source, tokens)
        return {}

    def status(self, args: Args) -> Reply:
        status = self.wait(make, "token_source_status", args, self.source(args))
        last_error = c["token_status_last_error"](status)
        try:
            return {
                "state": text_of(c["token_status_state"](status)),
                "generation": c["token_status_generation"](status),
                "expires_at": number_of(c["token_status_expires_at"](status)),
                "refresh_expires_at": number_of(c["token_status_refresh_expires_at"](status)),
                "scope": text_of(c["token_status_scope"](status)),
                "unsaved": c["token_status_unsaved"](status),
                "last_error": {
                    "code": c["error_name"](last_error).decode(),
                    "remedy": text_of(c["error_remedy"](last_error)),
                }
                if last_error
                else None,
            }
        finally:
            c["token_status_free"](status)

    def ended(self, function: str, args: Args) -> Reply:
        revoked = self.wait(make, function, args, self.source(args))
        return {"outcome": "revoked" if revoked.value else "local_only"}

    def secret_of_source(self, function: str, args: Args) -> str | None:
        given: str | None = self.wait(secret, f"token_source_{function}", args, self.source(args))
        return given

    def wait(self, call: Callable[..., Any], function: str, args: Args, *arguments: Any) -> Any:
        """Calls a function whose last input is the call options."""
        options = None
        if {"timeout", "min_validity", "cancel"} & args.keys():
            options = c["call_options_new"]()
        try:
            for name in ("timeout", "min_validity"):
                if name in args:
                    do(f"call_options_set_{name}_ms", options, milliseconds(args.pop(name)))
            if "cancel" in args:
                do(
                    "call_options_set_cancel_token",
                    options,
                    self.handles.cancel_token(args.pop("cancel")),
                )
            return call(function, *arguments, options)
        finally:
            c["call_options_free"](options)

    def limit_store(self, args: Args) -> Reply:
        self.stores.limit(args.pop("custom"), args.pop("saves", None))
        return {}

    def hang_store(self, args: Args) -> Reply:
        self.stores.hang(args.pop("custom"), args.pop("hangs", False))
        return {}

    def break_store(self, args: Args) -> Reply:
        self.stores.make_mistake(args.pop("custom"), args.pop("mistake", None))
        return {}

    def copy_store(self, args: Args) -> Reply:
        self.stores.copy(args.pop("custom"), args.pop("to"))
        return {}

    def cancel(self, args: Args) -> Reply:
        c["cancel_token_cancel"](self.handles.cancel_token(args.pop("name")))
        return {}

    def source(self, args: Args) -> Any:
        return self.found("token_source", args, "source")

    def found(self, kind: str, args: Args, name: str | None = None) -> Any:
        return self.handles.find(kind, args.pop(name or kind))

    def keep_request(self, args: Args, request: Any) -> Reply:
        texts = "url", "state", "nonce", "redirect_uri", "scope", "return_to"
        view: Reply = {name: text_of(c[f"authorization_request_{name}"](request)) for name in texts}
        view["created_at"] = number_of(c["authorization_request_created_at"](request))
        view["expires_at"] = number_of(c["authorization_request_expires_at"](request))
        self.handles.keep("authorization_request", args.pop("name"), request)
        return view

    def keep_tokens(self, args: Args, name: str, tokens: Any) -> Reply:
        secrets = "access_token", "refresh_token", "id_token", "authorization_header"
        view: Reply = {name: secret(f"token_set_{name}", tokens) for name in secrets}
        view["token_type"] = text_of(c["token_set_token_type"](tokens))
        view["id_token_kept"] = c["token_set_id_token_kept"](tokens)
        view["id_token_verified"] = c["token_set_id_token_verified"](tokens)
        view["claims"] = json.loads(text_of(c["token_set_claims_json"](tokens)) or "null")
        view["scope"] = text_of(c["token_set_scope"](tokens))
        view["expires_at"] = number_of(c["token_set_expires_at"](tokens))
        view["refresh_expires_at"] = number_of(c["token_set_refresh_expires_at"](tokens))
        view["extra"] = json.loads(text_of(c["token_set_extra_json"](tokens)) or "")
        self.handles.keep("token_set", args.pop(name), tokens)
        return view

    def keep_source(self, args: Args, source: Any) -> Reply:
        view = {
            name: text_of(c[f"token_source_{name}"](source)) for name in ("account", "account_hash")
        }
        self.handles.keep("token_source", args.pop("source"), source)
        return view


@contextlib.contextmanager
def authorization_parameters(args: Args) -> Iterator[Any]:
    extra = args.pop("extra", {})
    parameters = c["authorization_parameters_new"]()
    try:
        for name in PARAMETERS:
            if name in args:
                value = args.pop(name)
                given = json.dumps(value) if isinstance(value, dict) else value
                do(f"authorization_parameters_set_{name}", parameters, given)
        for pair in extra.items() if isinstance(extra, dict) else extra:
            do("authorization_parameters_add_extra", parameters, *pair)
        yield parameters
    finally:
        c["authorization_parameters_free"](parameters)


def scope_of(args: Args) -> str | None:
    scope: str | None = joined(args.pop("scope", None))
    return scope


def joined(value: Any) -> Any:
    """A list of names as one text."""
    return " ".join(value) if isinstance(value, list) else value


def errors() -> Iterable[Reply]:
    index = 0
    while status := c["status_at"](index):
        name, family = c["status_name"](status).decode(), c["status_family"](status).decode()
        yield {"code": name, "number": status, "family": family}
        index += 1


if __name__ == "__main__":
    Shim().run()
