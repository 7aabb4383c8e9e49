"""Every public callable with every kind of bad argument: a typed error that names the argument."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sipgate_oauth2 import (
    AuthorizationRequest,
    CancelToken,
    Client,
    ConfigurationError,
    ServerMetadata,
    SipgateOAuth2Error,
    Store,
    TokenSet,
    TokenSource,
    aio,
    check_store,
    types,
)

CANARY = "canary-secret-value"

# No server listens there, so an argument that is wrongly accepted causes another error.
NOWHERE = Client.keycloak(
    "http://127.0.0.1:1",
    "r",
    "client",
    redirect_uri="https://example.com/a",
    store=Store.memory(),
)
SOURCE = NOWHERE.token_source("anna")
REQUEST = NOWHERE.authorization_request("a")
CALLBACK = f"state={REQUEST.state}&code=x"

OPTIONS: Mapping[str, Any] = {
    "client_secret": CANARY,
    "client_authentication": "client_secret_post",
    "redirect_uri": "https://example.com/auth",
    "ca_certificates": None,
    "proxy": "direct",
    "connect_timeout": 1,
    "request_timeout": 1.5,
    "id_token_signed_response_alg": ["RS256", "ES256"],
    "trusted_audiences": ["api"],
    "leeway": 0,
    "store": Store.memory(),
    "on_event": lambda event: None,
}
KEYS = {"encryption_keys": [b"k" * 32]}
STORE = {**KEYS, "recheck": 1}
OF_SERVERS = (
    "password",
    "ca_certificates",
    "timeout",
    "connections",
    "table",
    "create_table",
    "prefix",
    "durability",
    "replicas",
    "allow_network_file_system",
)
CALL = {"timeout": 1, "cancel": CancelToken()}
METADATA = {
    "issuer": "https://example.com",
    "authorization_endpoint": "https://example.com/a",
    "token_endpoint": "https://example.com/t",
    "authorization_response_iss_parameter_supported": True,
}

ITSELF: list[Any] = []
ITSELF.append(ITSELF)


class Custom:
    """A store that is never called: arguments are checked before anything else."""

    def load(self, key: str) -> None:
        raise AssertionError

    def save(self, *entry: object) -> bool:
        raise AssertionError


CUSTOM = Custom()
UNTOUCHED = "/nobody/makes/this/folder/logins.db"
AUTHORIZATION: Mapping[str, Any] = {
    "scope": "a b",
    "redirect_uri": "https://example.com/auth",
    "response_mode": "query",
    "state": "s",
    "return_to": "/",
    "prompt": "login",
    "login_hint": "anna",
    "ui_locales": "de",
    "max_age": 60,
    "acr_values": "gold",
    "claims": {"id_token": {"auth_time": {"essential": True}}},
    "id_token_hint": CANARY,
    "extra": {"audience": "1"},
}

# Valid arguments. The tests replace one at a time with a bad one.
CALLABLES: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
    "sipgate": (Client.sipgate, {"client_id": "1-0-a", "realm": "third-party", **OPTIONS}),
    "keycloak": (
        Client.keycloak,
        {"base": "https://example.com", "realm": "r", "client_id": "client", **OPTIONS},
    ),
    "Client": (Client, {"metadata": METADATA, "client_id": "client", **OPTIONS}),
    "from_env": (Client.from_env, {"realm": "third-party", **OPTIONS}),
    "authorization_request": (NOWHERE.authorization_request, AUTHORIZATION),
    "exchange_callback": (
        NOWHERE.exchange_callback,
        {"request": REQUEST, "callback": CALLBACK, "timeout": 1, "cancel": CancelToken()},
    ),
    "exchange_code": (
        NOWHERE.exchange_code,
        {
            "code": "c",
            "code_verifier": "v" * 43,
            "redirect_uri": "https://example.com/auth",
            "scope": ["a"],
            "nonce": "n",
            "timeout": 1,
            "cancel": CancelToken(),
        },
    ),
    "refresh": (
        NOWHERE.refresh,
        {"refresh_token": CANARY, "scope": "a", "timeout": 1, "cancel": CancelToken()},
    ),
    "complete_login": (
        NOWHERE.complete_login,
        {"request": REQUEST, "callback": CALLBACK, "account": "anna", **CALL},
    ),
    "login_in_browser": (
        NOWHERE.login_in_browser,
        # The redirect URI is elsewhere, so that nothing begins.
        {**AUTHORIZATION, "account": "anna", "on_url": print, **CALL},
    ),
    "accounts": (NOWHERE.accounts, CALL),
    "keep_alive": (NOWHERE.keep_alive, {"idle": 1, **CALL}),
    "accept_logout_token": (NOWHERE.accept_logout_token, {"logout_token": CANARY, **CALL}),
    "introspect": (NOWHERE.introspect, {"token": CANARY, **CALL}),
    "revoke": (NOWHERE.revoke, {"token": CANARY, **CALL}),
    "logout_url": (
        NOWHERE.logout_url,
        {
            "source": SOURCE,
            "id_token_hint": CANARY,
            "post_logout_redirect_uri": "https://example.com/bye",
            "state": "s",
            "logout_hint": "anna",
            "ui_locales": "de",
            **CALL,
        },
    ),
    "check_logout_response": (
        NOWHERE.check_logout_response,
        {"callback": "state=s", "state": "s"},
    ),
    "token_source": (NOWHERE.token_source, {"account": "anna"}),
    "source.access_token": (SOURCE.access_token, {"min_validity": 1, **CALL}),
    "source.authorization_header": (SOURCE.authorization_header, {"min_validity": 1, **CALL}),
    "source.forget": (SOURCE.forget, CALL),
    "source.invalidate": (SOURCE.invalidate, {"access_token": CANARY}),
    "source.refresh": (SOURCE.refresh, CALL),
    "source.save": (
        SOURCE.save,
        {"tokens": TokenSet.restore({"access_token": "a", "refresh_token": "b"}), **CALL},
    ),
    "source.status": (SOURCE.status, CALL),
    "source.logout": (SOURCE.logout, CALL),
    "source.claims": (SOURCE.claims, CALL),
    "source.userinfo": (SOURCE.userinfo, CALL),
    "source.requests_auth": (SOURCE.requests_auth, {"origins": ["https://example.com"]}),
    "source.httpx_auth": (SOURCE.httpx_auth, {"origins": ["https://example.com"]}),
    "ServerMetadata.discover": (
        ServerMetadata.discover,
        {
            "issuer": "https://example.com",
            "ca_certificates": None,
            "proxy": "direct",
            "connect_timeout": 1,
            "request_timeout": 1.5,
            **CALL,
        },
    ),
    "Store": (Store, {"store": CUSTOM, **STORE}),
    "Store.memory": (Store.memory, {"recheck": 1}),
    "Store.sqlite": (
        Store.sqlite,
        {"path": UNTOUCHED, "allow_network_file_system": True, **STORE},
    ),
    # A store in memory has no option of a server: what is a good value is refused by name, too.
    "Store.open": (Store.open, {"url": "memory:", **STORE, **dict.fromkeys(OF_SERVERS)}),
    "Store.postgres_schema": (Store.postgres_schema, {"table": None}),
    "Store.check": (Store.memory().check, CALL),
    "check_store": (check_store, {"store": CUSTOM}),
    "AuthorizationRequest.restore": (AuthorizationRequest.restore, {"exported": REQUEST.export()}),
    "AuthorizationRequest.seal": (REQUEST.seal, KEYS),
    "AuthorizationRequest.unseal": (
        AuthorizationRequest.unseal,
        {"sealed": REQUEST.seal([b"k" * 32]), **KEYS},
    ),
    "TokenSet.restore": (TokenSet.restore, {"tokens": '{"access_token": "a"}'}),
}
WITH_AWAIT: Mapping[str, Any] = {
    "": aio.Client.from_client(NOWHERE),
    "source": aio.TokenSource(SOURCE),
    "ServerMetadata": aio.ServerMetadata,
    "Store": aio.Store.memory(),
}
AWAITED: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    f"aio.{name}": (
        getattr(WITH_AWAIT[name.rpartition(".")[0]], name.rpartition(".")[2]),
        {argument: value for argument, value in good.items() if argument != "cancel"},
    )
    for name, (_, good) in CALLABLES.items()
    if "cancel" in good
}

SECONDS = {
    "timeout",
    "connect_timeout",
    "request_timeout",
    "recheck",
    "min_validity",
    "leeway",
    "idle",
}

WRONG_TYPES: Mapping[str, Any] = {
    "an object": object(),
    "an int": 5,
    "a float": 1.5,
    "bytes": b"\xff" + CANARY.encode(),
    "a bytearray": bytearray(b"x"),
    "a bool": True,
    "a list of ints": [1, 2],
    "a dict of ints": {1: 2},
    "a class": str,
    "a function": len,
    "an endless iterator": itertools.repeat("a"),
    "a list that holds itself": ITSELF,
}
WRONG_TEXTS: Mapping[str, str] = {
    "an empty str": "",
    "a lone surrogate": f"\ud800{CANARY}",
    "an embedded NUL": f"a\0{CANARY}",
    "a line break": f"a\n{CANARY}",
    "ten megabytes": "é" * 5_000_000,
}
WRONG_SECONDS: Mapping[str, Any] = {
    "a str": "1",
    "a bool": True,
    "a list": [1],
    "negative": -1,
    "not a number": float("nan"),
    "endless": float("inf"),
    "huge": 10**400,
    "more than time has": 1e300,
}

# Arguments for which any text is valid, because it is only compared, stored or not sent.
TAKEN = {
    ("authorization_request", "return_to"),
    ("login_in_browser", "return_to"),
    ("exchange_code", "scope"),
    ("exchange_code", "nonce"),
    ("check_logout_response", "state"),
    ("source.invalidate", "access_token"),
}
# Values that are valid for an argument of any function.
GOOD_VALUES = {
    "on_event": {"a class", "a function"},
    "on_url": {"a class", "a function"},
    "max_age": {"an int"},
    "account": {"an embedded NUL", "a line break"},
    "path": set(WRONG_TEXTS),
    "allow_network_file_system": {"a bool"},
}


def cases() -> Iterator[Any]:
    for name, (function, good) in {**CALLABLES, **AWAITED}.items():
        for argument in good:
            wrong = WRONG_SECONDS if argument in SECONDS else {**WRONG_TYPES, **WRONG_TEXTS}
            for kind, bad in wrong.items():
                if kind in GOOD_VALUES.get(argument, ()):
                    continue
                taken = (name.removeprefix("aio."), argument) in TAKEN
                if taken and kind in WRONG_TEXTS and kind != "a lone surrogate":
                    continue
                yield pytest.param(function, good, argument, bad, id=f"{name}-{argument}-{kind}")


def parameters(function: Callable[..., Any]) -> set[str]:
    """The names, including the keywords that a `TypedDict` of `types` lists."""
    found = inspect.signature(function).parameters.values()
    unpacked = [one.annotation for one in found if one.kind is one.VAR_KEYWORD]
    assert all(annotation.startswith("Unpack[") for annotation in unpacked)
    keywords = [
        getattr(types, annotation[len("Unpack[") : -1]).__annotations__ for annotation in unpacked
    ]
    return {one.name for one in found if one.kind is not one.VAR_KEYWORD}.union(*keywords)


def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    found = inspect.signature(function).parameters.values()
    positional = sum(parameter.kind is parameter.POSITIONAL_ONLY for parameter in found)
    values = list(arguments.values())
    result = function(*values[:positional], **dict(list(arguments.items())[positional:]))
    # A generator begins when it is iterated over.
    if inspect.isasyncgen(result):
        result = result.__anext__()
    if inspect.isgenerator(result):
        return next(result)
    return asyncio.run(awaited(result)) if inspect.isawaitable(result) else result


async def awaited(result: Awaitable[Any]) -> Any:
    return await result


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPGATE_CLIENT_ID", "1-0-a")


@pytest.mark.parametrize(("function", "good", "argument", "bad"), cases())
def test_a_bad_argument_is_named(
    function: Callable[..., Any], good: Mapping[str, Any], argument: str, bad: object
) -> None:
    with pytest.raises(SipgateOAuth2Error) as caught:
        call(function, {**good, argument: bad})
    error = caught.value
    assert CANARY not in str(error)
    if argument == "callback" and isinstance(bad, str) and error.code != "SIPGATE_INVALID_ARGUMENT":
        # The text of a callback is input from outside, so it is not a bad argument.
        assert error.code in ("SIPGATE_CALLBACK_REFUSED", "SIPGATE_STATE_MISMATCH")
        return
    if argument == "logout_token" and error.code != "SIPGATE_INVALID_ARGUMENT":
        # So is a logout token.
        assert isinstance(bad, str)
        assert error.code == "SIPGATE_ID_TOKEN"
        return
    if (
        argument in ("exported", "sealed")
        and isinstance(bad, str)
        and error.code != "SIPGATE_INVALID_ARGUMENT"
    ):
        # So is the text of an authorization request.
        assert error.code == "SIPGATE_LOGIN_EXPIRED"
        return
    assert error.code == "SIPGATE_INVALID_ARGUMENT"
    assert isinstance(error, ConfigurationError)
    assert isinstance(error, ValueError)
    assert str(error).startswith(f"{argument}: ")


@pytest.mark.parametrize(("function", "good"), CALLABLES.values(), ids=CALLABLES.keys())
def test_the_walk_knows_every_parameter(
    function: Callable[..., Any], good: Mapping[str, Any]
) -> None:
    assert parameters(function) == set(good)


def test_the_walk_knows_every_callable() -> None:
    known = {name.rpartition(".")[2] for name in CALLABLES}
    for kind in (Client, AuthorizationRequest, ServerMetadata, TokenSet, Store, TokenSource):
        for name in set(dir(kind)) - set(dir(dict)):
            takes_arguments = callable(getattr(kind, name)) and not name.startswith("_")
            if takes_arguments and name not in ("export", "peek", "ensure_saved"):
                assert name in known, f"{kind.__name__}.{name}"


@pytest.mark.parametrize(("function", "good"), CALLABLES.values(), ids=CALLABLES.keys())
def test_an_unknown_keyword_is_a_type_error(
    function: Callable[..., Any], good: Mapping[str, Any]
) -> None:
    for value in (1, None):
        with pytest.raises(TypeError, match="nonsense"):
            call(function, {**good, "nonsense": value})


@pytest.mark.parametrize(
    "argument",
    ["scope", "callback", "request", "refresh_token", "code", "logout_token", "token", "issuer"],
)
def test_none_is_no_value_for_a_required_argument(argument: str) -> None:
    for function, good in CALLABLES.values():
        required = inspect.signature(function).parameters.get(argument)
        if required is not None and required.default is inspect.Parameter.empty:
            with pytest.raises(ConfigurationError, match=f"^{argument}: must be .*NoneType"):
                call(function, {**good, argument: None})


@pytest.mark.parametrize(
    "extra",
    [
        "a=b",
        {"a": 1},
        {1: "a"},
        [("a",)],
        [("a", "b", "c")],
        ["ab"],
        [("a", "b"), None],
        [("a", "\ud800")],
        {"state": "mine"},
        {"a": ""},
        5,
    ],
    ids=repr,
)
def test_bad_extra_parameters_are_refused(extra: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^extra: "):
        NOWHERE.authorization_request("a", extra=extra)


@pytest.mark.parametrize(
    "extra", [{"a": "b", "c": "d"}, [("a", "b"), ("c", "d")], (["a", "b"], ["c", "d"])]
)
def test_extra_parameters_are_a_mapping_or_pairs(extra: Any) -> None:
    assert NOWHERE.authorization_request("s", extra=extra).url.endswith("&a=b&c=d")


@pytest.mark.parametrize("scope", ["a b", ["a", "b"], ("a", "b"), ["a b"], {"a": 0, "b": 0}.keys()])
def test_a_scope_is_a_text_or_a_collection(scope: Any) -> None:
    assert NOWHERE.authorization_request(scope).scope == "a b"


@pytest.mark.parametrize("max_age", [2**63, -(2**63) - 1, 10**400])
def test_an_int_of_more_than_64_bits_is_named(max_age: int) -> None:
    with pytest.raises(ConfigurationError, match=r"^max_age: "):
        NOWHERE.authorization_request("openid", max_age=max_age)


def test_claims_are_a_mapping_or_json() -> None:
    claims = {"userinfo": {"email": None}}
    requests = [
        NOWHERE.authorization_request("a", claims=given)
        for given in (claims, json.dumps(claims), MappingProxyType(claims))
    ]
    sent = [parse_qs(urlsplit(request.url).query)["claims"][0] for request in requests]
    assert [json.loads(text) for text in sent] == [claims] * 3


@pytest.mark.parametrize("names", ["RS256", ["RS256"], ("RS256", "ES256"), {"ES256": 0}.keys()])
def test_algorithms_are_one_or_a_collection(names: Any) -> None:
    assert Client.sipgate("1-0-a", id_token_signed_response_alg=names).client_id == "1-0-a"


def test_one_text_is_not_a_list_of_audiences() -> None:
    with pytest.raises(ConfigurationError, match=r"^trusted_audiences: must be a list of str"):
        Client.sipgate("1-0-a", trusted_audiences="api")


def test_an_error_in_the_callers_own_collection_is_passed_on() -> None:
    class Broken(list[str]):
        def __iter__(self) -> Iterator[str]:
            yield "a"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        NOWHERE.authorization_request(Broken(["a", "b"]))


@pytest.mark.parametrize(
    "tokens",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"access_token": 5}',
        {},
        {"access_token": None},
        {"access_token": "a", "x": object()},
        {"access_token": "a", "x": float("nan")},
        {"access_token": "a", "x": b"b"},
        {"access_token": "a", "\ud800": "b"},
        {1: 2},
        {"access_token": "a", "x": ITSELF},
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
def test_tokens_that_cannot_be_restored_are_refused(tokens: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^tokens: "):
        TokenSet.restore(tokens)


def test_classes_cannot_be_instantiated_without_their_constructors() -> None:
    for kind in (Client, AuthorizationRequest, TokenSet, TokenSource):
        for arguments in ((), ("a text",)):
            with pytest.raises(TypeError):
                kind(*arguments)


@pytest.mark.parametrize("kind", [Client, aio.Client])
@pytest.mark.parametrize("given", [dict, MappingProxyType, json.dumps])
def test_metadata_is_a_mapping_or_json_and_is_returned(given: Any, kind: Any) -> None:
    more = {"revocation_endpoint": "https://example.com/r", "unknown": [1, {"a": None}]}
    client = kind(given({**METADATA, **more}), "client")
    assert client.metadata == {**METADATA, **more}
    assert (client.issuer, client.token_endpoint) == (
        "https://example.com",
        "https://example.com/t",
    )


def test_a_client_of_a_preset_has_metadata() -> None:
    assert NOWHERE.metadata["issuer"] == NOWHERE.issuer
    assert NOWHERE.metadata["token_endpoint"] == NOWHERE.token_endpoint


WRONG_MEMBERS: Mapping[str, Any] = {
    "http": "http://example.com",
    "no address": "/auth",
    "null": None,
    "an int": 5,
    "a float": 1.5,
    "a bool": True,
    "a list": ["https://example.com"],
    "a dict": {"https://example.com": 1},
    **{kind: text for kind, text in WRONG_TEXTS.items() if kind != "a lone surrogate"},
}


@pytest.mark.parametrize("wrong", WRONG_MEMBERS.values(), ids=WRONG_MEMBERS.keys())
@pytest.mark.parametrize("member", ["issuer", "authorization_endpoint", "token_endpoint"])
def test_a_member_of_the_metadata_that_is_wrong_is_named(member: str, wrong: Any) -> None:
    metadata = {**METADATA, member: wrong}
    for given in (metadata, json.dumps(metadata)):
        with pytest.raises(ConfigurationError, match=f"^{member}: ") as caught:
            Client(given, "client")
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize("member", ["issuer", "authorization_endpoint", "token_endpoint"])
def test_a_member_of_the_metadata_that_is_missing_is_named(member: str) -> None:
    metadata = {name: value for name, value in METADATA.items() if name != member}
    with pytest.raises(ConfigurationError, match=f"^{member}: "):
        Client(metadata, "client")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"a"', "{} {}"])
def test_metadata_that_is_not_a_json_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^metadata: is not a JSON object"):
        Client(text, "client")


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [b"k" * 31],
        [b"k" * 33],
        [CANARY],
        ["zz" * 32],
        ["\ud800"],
        [b"k" * 32, 5],
        "ab" * 32,
        b"k" * 32,
        {b"k" * 32: 1},
        [None],
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_bad_encryption_keys_are_refused_and_not_repeated(keys: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^encryption_keys: ") as caught:
        Store(CUSTOM, encryption_keys=keys)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("store", [object(), None, {}, type("A", (), {"load": len})()])
def test_a_custom_store_has_both_functions(store: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^store: must be an object with the functions"):
        Store(store)


@pytest.mark.parametrize("store", [CUSTOM, "logins.db", Store])
def test_a_clients_store_is_a_store_and_the_error_says_how_to_make_one(store: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^store: must be a Store: Store.open\(url\)"):
        Client.sipgate("1-0-a", store=store)


@pytest.mark.parametrize(
    "origins",
    [
        "https://example.com",
        ["example.com"],
        ["https://example.com/path"],
        ["https://example.com?a"],
        ["https://user@example.com"],
        ["http://example.com"],
        ["ftp://example.com"],
        ["https://example.com:port"],
        ["https://"],
        [None],
        [b"https://example.com"],
    ],
    ids=repr,
)
def test_an_origin_is_scheme_host_and_port_and_encrypted(origins: Any) -> None:
    for adapter in (SOURCE.requests_auth, SOURCE.httpx_auth):
        with pytest.raises(ConfigurationError, match=r"^origins: "):
            adapter(origins=origins)


def test_an_aio_client_requires_a_client_and_a_source_a_source() -> None:
    with pytest.raises(ConfigurationError, match=r"^client: must be .* not str"):
        aio.Client.from_client("client")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^source: must be .* not str"):
        aio.TokenSource("source")  # type: ignore[arg-type]


def test_an_argument_is_checked_on_any_thread() -> None:
    errors: list[BaseException] = []

    def bad() -> None:
        try:
            NOWHERE.refresh(5)  # type: ignore[arg-type]
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=bad)
    thread.start()
    thread.join()
    assert len(errors) == 1
