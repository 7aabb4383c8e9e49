"""The Python shim of the behaviour suite.

It reads lines {"id", "op", "args"}, runs each call on its own thread, or with `--aio` as its own
task, and writes a line per call. It uses only the public API and decides nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from sipgate_oauth2 import (
    ERROR_CODES,
    VERSION,
    AuthorizationRequest,
    CancelToken,
    Client,
    ServerMetadata,
    SipgateOAuth2Error,
    Store,
    StoredAccount,
    TokenSet,
    TokenStatus,
    aio,
)
from sipgate_oauth2.store import StoreBase

Args = dict[str, Any]
Reply = dict[str, Any]
View = Callable[[Any], Reply]
Entry = tuple[str, bytes, int | None]

REQUEST = "url", "state", "nonce", "redirect_uri", "scope", "return_to", "created_at"
TOKENS = (
    "access_token",
    "token_type",
    "refresh_token",
    "id_token",
    "id_token_kept",
    "id_token_verified",
    "claims",
    "scope",
    "expires_at",
    "refresh_expires_at",
    "extra",
)
STATUS = "state", "generation", "expires_at", "refresh_expires_at", "scope", "unsaved"
ERROR = (
    "code",
    "number",
    "remedy",
    "retryable",
    "retry_after",
    "status",
    "oauth_error",
    "oauth_error_description",
    "oauth_error_uri",
    "refresh_token",
    "message",
)
FAMILIES = {family for _, _, family in ERROR_CODES}

MISTAKES_IN_KEYS: dict[str | None, Callable[[int], list[str]]] = {
    "lists the first keys always": lambda limit: numbered(limit),
    "lists the last keys first": lambda limit: numbered(limit)[::-1],
    "lists too many keys": lambda limit: numbered(limit + 1),
}


class CustomStore:
    """A minimal custom store, which fails, hangs or breaks a promise on command."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.mistake: str | None = None
        # How many more saves succeed; None: all of them.
        self.saves_left: int | None = None
        self.swapping = threading.Lock()
        # Unset: like a database that was stopped, no call returns.
        self.runs = threading.Event()
        self.runs.set()

    def load(self, key: str) -> Entry | None:
        self.runs.wait()
        return self.entries.get(key)

    def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        self.runs.wait()
        with self.swapping:
            if self.saves_left is not None:
                if not self.saves_left:
                    raise OSError("the disk is full")
                self.saves_left -= 1
            there = self.entries.get(key)
            if (there and there[0]) != expected or self.mistake == "saves nothing":
                return False
            self.entries[key] = version, data, expires_at
            return True

    def keys(self, after: str | None, limit: int) -> list[str]:
        self.runs.wait()
        if self.mistake in MISTAKES_IN_KEYS:
            return MISTAKES_IN_KEYS[self.mistake](limit)
        with self.swapping:
            return sorted(key for key in self.entries if after is None or key > after)[:limit]


class AsyncCustomStore:
    """Yields to the event loop during a call, as a database driver does."""

    def __init__(self, store: CustomStore) -> None:
        self.store = store

    async def wait(self) -> None:
        await asyncio.sleep(0)
        while not self.store.runs.is_set():
            await asyncio.sleep(0.01)

    async def load(self, key: str) -> Entry | None:
        await self.wait()
        return self.store.load(key)

    async def save(
        self, key: str, expected: str | None, version: str, data: bytes, expires_at: int | None
    ) -> bool:
        await self.wait()
        return self.store.save(key, expected, version, data, expires_at)

    async def keys(self, after: str | None, limit: int) -> list[str]:
        await self.wait()
        return self.store.keys(after, limit)


class Shim:
    """What both APIs share: the named objects, and the calls that do not wait."""

    client_class: type[Client] | type[aio.Client]
    metadata_class: type[ServerMetadata]
    store_class: type[StoreBase]
    no_password: Callable[[], Any]

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.custom_stores: defaultdict[str, CustomStore] = defaultdict(CustomStore)
        self.writing = threading.Lock()
        self.operations: dict[str, Callable[[Args], Any]] = {
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
            "client.keep_alive": lambda args: self.call(
                self.objects[args.pop("client")].keep_alive, args, dataclasses.asdict
            ),
            "client.accept_logout_token": self.client_call(
                "accept_logout_token", "logout_token", lambda accounts: {"accounts": accounts}
            ),
            "client.introspect": self.client_call(
                "introspect", "token", lambda introspection: {"introspection": introspection}
            ),
            "client.revoke": self.client_call("revoke", "token", nothing),
            "client.logout_url": self.logout_url,
            "client.check_logout_response": self.check_logout_response,
            "source.access_token": self.source_call("access_token", token),
            "source.authorization_header": self.source_call(
                "authorization_header", lambda header: {"authorization_header": header}
            ),
            "source.peek": lambda args: token(self.objects[args["source"]].peek()),
            "source.invalidate": self.invalidate,
            "source.refresh": self.source_call("refresh", token),
            "source.save": self.save,
            "source.status": self.source_call("status", status),
            "source.logout": self.source_call("logout", lambda outcome: {"outcome": outcome}),
            "source.forget": self.source_call("forget", lambda outcome: {"outcome": outcome}),
            "source.claims": self.source_call("claims", lambda claims: {"claims": claims}),
            "source.userinfo": self.source_call("userinfo", lambda claims: {"claims": claims}),
            "source.ensure_saved": lambda args: nothing(
                self.objects[args["source"]].ensure_saved()
            ),
            "store.open": self.open_store,
            "store.check": lambda args: self.call(
                self.objects[args.pop("name")].check, args, lambda problems: {"problems": problems}
            ),
            "store.limit": self.limit_store,
            "store.hang": self.hang_store,
            "store.break": self.break_store,
            "store.copy": self.copy_store,
            "request.export": lambda args: {"exported": self.objects[args["request"]].export()},
            "request.restore": lambda args: self.keep_request(
                args["name"], AuthorizationRequest.restore(args["exported"])
            ),
            "request.seal": lambda args: {
                "sealed": self.objects[args["request"]].seal(args["encryption_keys"])
            },
            "request.unseal": lambda args: self.keep_request(
                args["name"], AuthorizationRequest.unseal(args["sealed"], args["encryption_keys"])
            ),
            "tokens.restore": lambda args: self.keep_tokens(
                args["name"], TokenSet.restore(args["json"])
            ),
            "tokens.export": lambda args: {"exported": self.objects[args["tokens"]].export()},
            "cancel": self.cancel,
            "debug": self.debug,
            "errors": lambda args: {
                "errors": [
                    {"code": code, "number": number, "family": family}
                    for code, number, family in ERROR_CODES
                ]
            },
            "version": lambda args: {"version": VERSION},
        }

    def discover(self, args: Args) -> Any:
        view = functools.partial(self.keep_metadata, args.pop("name"))
        return self.call(self.metadata_class.discover, args, view, args.pop("issuer"))

    def client_new(self, args: Args) -> Reply:
        name, kind = args.pop("name"), args.pop("kind")
        if "store" in args:
            args["store"] = self.store(**args.pop("store"))
        os.environ.update(args.pop("env", {}))
        if "events" in args:
            events = self.objects[args.pop("events")] = []
            args["on_event"] = events.append
        if kind == "metadata":
            found = args.pop("metadata", None)
            args["metadata"] = metadata(args) if found is None else self.objects[found]
        ways = {"env": self.client_class.from_env, "metadata": self.client_class}
        make = ways.get(kind) or getattr(self.client_class, kind)
        client = self.objects[name] = make(**args)
        attributes = "issuer", "token_endpoint", "client_id", "redirect_uri", "metadata"
        return {attribute: getattr(client, attribute) for attribute in attributes}

    def client_events(self, args: Args) -> Reply:
        events = self.objects[args["events"]]
        return {"events": [event for event in events if event["type"] == args["type"]]}

    def store(
        self, kind: str, path: str | None = None, custom: str | None = None, **options: Any
    ) -> StoreBase:
        if kind == "opened":
            opened: StoreBase = self.objects[options["name"]]
            return opened
        if custom is not None:
            return self.store_class(self.custom_store(custom), **options)
        make = getattr(self.store_class, kind)
        store: StoreBase = make(**options) if path is None else make(path, **options)
        return store

    def open_store(self, args: Args) -> Reply:
        name = args.pop("name")
        if args.pop("password_fails", False):
            args["password"] = self.no_password
        if args.pop("password_missing", False):
            args["password"] = lambda: None
        if "custom" in args:
            self.objects[name] = self.store_class(self.custom_store(args.pop("custom")), **args)
        else:
            self.objects[name] = self.store_class.open(args.pop("url"), **args)
        return {}

    def custom_store(self, name: str) -> CustomStore | AsyncCustomStore:
        return self.custom_stores[name]

    def limit_store(self, args: Args) -> Reply:
        self.custom_stores[args["custom"]].saves_left = args.get("saves")
        return {}

    def hang_store(self, args: Args) -> Reply:
        runs = self.custom_stores[args["custom"]].runs
        runs.clear() if args.get("hangs") else runs.set()
        return {}

    def break_store(self, args: Args) -> Reply:
        self.custom_stores[args["custom"]].mistake = args.get("mistake")
        return {}

    def copy_store(self, args: Args) -> Reply:
        """Replaces the content of one store with that of another."""
        self.custom_stores[args["to"]].entries = dict(self.custom_stores[args["custom"]].entries)
        return {}

    def authorization_request(self, args: Args) -> Reply:
        client, name = self.objects[args.pop("client")], args.pop("name")
        return self.keep_request(name, client.authorization_request(**args))

    def exchange_callback(self, args: Args) -> Any:
        request = self.objects[args.pop("request")]
        return self.request("exchange_callback", args, request, args.pop("callback", None))

    def complete_login(self, args: Args) -> Any:
        client, request = self.objects[args.pop("client")], self.objects[args.pop("request")]
        name, callback, account = (
            args.pop("source"),
            args.pop("callback", None),
            args.pop("account", None),
        )
        view = functools.partial(self.keep_source, name)
        return self.call(client.complete_login, args, view, request, callback, account)

    def login_in_browser(self, args: Args) -> Any:
        client, name, scope = (
            self.objects[args.pop("client")],
            args.pop("source"),
            args.pop("scope"),
        )
        told: list[str] = []

        def view(source: Any) -> Reply:
            return {**self.keep_source(name, source), "url": told[0]}

        return self.call(client.login_in_browser, {**args, "on_url": told.append}, view, scope)

    def token_source(self, args: Args) -> Reply:
        client = self.objects[args["client"]]
        return self.keep_source(args["source"], client.token_source(args.get("account")))

    def client_call(self, method: str, argument: str, view: View) -> Callable[[Args], Any]:
        def call(args: Args) -> Any:
            client, positional = self.objects[args.pop("client")], args.pop(argument, None)
            return self.call(getattr(client, method), args, view, positional)

        return call

    def accounts(self, args: Args) -> Any:
        client = self.objects[args.pop("client")]
        listed = functools.partial(self.listed, client.accounts)
        return self.call(listed, args, lambda accounts: {"accounts": list(map(stored, accounts))})

    def listed(self, method: Callable[..., Any], **call: Any) -> Any:
        """All that an iterator yields."""
        raise NotImplementedError

    def logout_url(self, args: Args) -> Any:
        client = self.objects[args.pop("client")]
        source = self.objects[args.pop("source")] if "source" in args else None
        return self.call(client.logout_url, args, lambda url: {"url": url}, source)

    def check_logout_response(self, args: Args) -> Reply:
        client = self.objects[args["client"]]
        return nothing(client.check_logout_response(args.get("callback"), args.get("state")))

    def invalidate(self, args: Args) -> Reply:
        return nothing(self.objects[args["source"]].invalidate(args.get("token")))

    def save(self, args: Args) -> Any:
        source, tokens = self.objects[args.pop("source")], self.objects[args.pop("tokens")]
        return self.call(source.save, args, nothing, tokens)

    def source_call(self, method: str, view: View) -> Callable[[Args], Any]:
        def call(args: Args) -> Any:
            return self.call(getattr(self.objects[args.pop("source")], method), args, view)

        return call

    def exchange_code(self, args: Args) -> Any:
        return self.request("exchange_code", args, args.pop("code", None))

    def refresh(self, args: Args) -> Any:
        used = self.objects[args.pop("from")] if "from" in args else args.pop("refresh_token", None)
        return self.request("refresh", args, used)

    def request(self, method: str, args: Args, *positional: Any) -> Any:
        client, name = self.objects[args.pop("client")], args.pop("tokens")
        view = functools.partial(self.keep_tokens, name)
        return self.call(getattr(client, method), args, view, *positional)

    def call(self, method: Callable[..., Any], args: Args, view: View, *positional: Any) -> Any:
        """Calls a method that waits with the remaining arguments. Returns a view of its result."""
        raise NotImplementedError

    def cancel(self, args: Args) -> Reply:
        raise NotImplementedError

    def debug(self, args: Args) -> Reply:
        found = self.objects[args["object"]]
        return {"text": "\n".join((repr(found), str(found), f"{found}", repr(dir(found))))}

    def keep_request(self, name: str, request: AuthorizationRequest) -> Reply:
        self.objects[name] = request
        view = {attribute: getattr(request, attribute) for attribute in REQUEST}
        return {**view, "expires_at": request.expires_at}

    def keep_tokens(self, name: str, tokens: TokenSet) -> Reply:
        self.objects[name] = tokens
        view = {attribute: getattr(tokens, attribute) for attribute in TOKENS}
        return {**view, "authorization_header": tokens.authorization_header()}

    def keep_metadata(self, name: str, metadata: ServerMetadata) -> Reply:
        self.objects[name] = metadata
        return {"metadata": metadata}

    def keep_source(self, name: str, source: Any) -> Reply:
        self.objects[name] = source
        return {"account": source.account, "account_hash": source.account_hash}

    def write(self, line: Reply) -> None:
        with self.writing:
            print(json.dumps(line), flush=True)


class SyncShim(Shim):
    client_class = Client
    metadata_class = ServerMetadata
    store_class = Store

    @staticmethod
    def no_password() -> str:
        raise OSError("there is no password")

    def __init__(self) -> None:
        super().__init__()
        self.cancels: dict[str, CancelToken] = {}

    def run(self) -> None:
        for line in sys.stdin:
            threading.Thread(target=self.reply, args=(json.loads(line),), daemon=True).start()

    def reply(self, call: Args) -> None:
        operation = self.operations.get(call["op"])
        if operation is None:
            return self.write({"id": call["id"], "unsupported": call["op"]})
        try:
            self.write({"id": call["id"], "ok": operation(without_nulls(call.get("args") or {}))})
        except Exception as error:
            self.write({"id": call["id"], "error": described(error)})

    def listed(self, method: Callable[..., Any], **call: Any) -> list[StoredAccount]:
        return list(method(**call))

    def call(self, method: Callable[..., Any], args: Args, view: View, *positional: Any) -> Reply:
        if "cancel" in args:
            args["cancel"] = self.cancels.setdefault(args["cancel"], CancelToken())
        return view(method(*positional, **args))

    def cancel(self, args: Args) -> Reply:
        self.cancels.setdefault(args["name"], CancelToken()).cancel()
        return {}


class AioShim(Shim):
    """Cancelling a call is cancelling its task, which raises no library error.

    The shim reports the code of the other languages.
    """

    client_class = aio.Client
    metadata_class = aio.ServerMetadata
    store_class = aio.Store

    @staticmethod
    async def no_password() -> str:
        raise OSError("there is no password")

    def __init__(self) -> None:
        super().__init__()
        self.tasks: set[asyncio.Task[None]] = set()
        self.cancelled: set[str] = set()
        self.cancellable: dict[str, list[asyncio.Task[Any]]] = {}

    def custom_store(self, name: str) -> AsyncCustomStore:
        return AsyncCustomStore(self.custom_stores[name])

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[str] = asyncio.Queue()

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

        threading.Thread(target=read, daemon=True).start()
        while line := await lines.get():
            task = asyncio.create_task(self.reply(json.loads(line)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def reply(self, call: Args) -> None:
        operation = self.operations.get(call["op"])
        if operation is None:
            return self.write({"id": call["id"], "unsupported": call["op"]})
        try:
            result = operation(without_nulls(call.get("args") or {}))
            if isinstance(result, Awaitable):
                result = await result
            self.write({"id": call["id"], "ok": result})
        except asyncio.CancelledError:
            code = "SIPGATE_CANCELLED"
            number, family = next(row[1:] for row in ERROR_CODES if row[0] == code)
            fields = {"code": code, "number": number, "family": family, "message": "cancelled"}
            self.write({"id": call["id"], "error": {**dict.fromkeys(ERROR), **fields}})
        except Exception as error:
            self.write({"id": call["id"], "error": described(error)})

    async def listed(self, method: Callable[..., Any], **call: Any) -> list[StoredAccount]:
        return [account async for account in method(**call)]

    async def call(
        self, method: Callable[..., Any], args: Args, view: View, *positional: Any
    ) -> Reply:
        cancel = args.pop("cancel", None)
        task = asyncio.ensure_future(method(*positional, **args))
        if cancel is not None:
            self.cancellable.setdefault(cancel, []).append(task)
            if cancel in self.cancelled:
                task.cancel()
        try:
            return view(await task)
        finally:
            # An error's traceback holds this frame, and the task would keep the client alive until
            # the next garbage collection.
            del task

    def cancel(self, args: Args) -> Reply:
        self.cancelled.add(args["name"])
        for task in self.cancellable.pop(args["name"], []):
            task.cancel()
        return {}


def metadata(args: Args) -> dict[str, Any]:
    """Takes the metadata of the server out of the arguments of a client."""
    names = "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint"
    found = {name: args.pop(name) for name in names if name in args}
    if "authorization_response_iss_parameter_supported" in args:
        found["authorization_response_iss_parameter_supported"] = args.pop(
            "authorization_response_iss_parameter_supported"
        )
    return found


def numbered(count: int) -> list[str]:
    return [f"{number:064x}" for number in range(count)]


def token(token: str | None) -> Reply:
    return {"access_token": token}


def status(status: TokenStatus) -> Reply:
    error = status.last_error
    return {
        **{attribute: getattr(status, attribute) for attribute in STATUS},
        "last_error": error and {"code": error.code, "remedy": error.remedy},
    }


def stored(account: StoredAccount) -> Reply:
    error = account.last_error
    return {
        "account": account.account,
        "account_hash": account.account_hash,
        "state": account.state,
        "last_error": error and {"code": error.code, "remedy": error.remedy},
    }


def nothing(_: None) -> Reply:
    return {}


def described(error: Exception) -> Reply:
    """The error's attributes; no code if it is not from the library, so that no case expects it."""
    if not isinstance(error, SipgateOAuth2Error):
        return {**dict.fromkeys(ERROR), "family": None, "message": repr(error)}
    family = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in FAMILIES)
    return {**{attribute: getattr(error, attribute) for attribute in ERROR}, "family": family}


def without_nulls(args: Args) -> Args:
    return {name: value for name, value in args.items() if value is not None}


if __name__ == "__main__":
    if "--aio" in sys.argv[1:]:
        asyncio.run(AioShim().run())
    else:
        SyncShim().run()
