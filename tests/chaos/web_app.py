"""A typical web application with the library: login, callback, and a page that calls the API."""

from __future__ import annotations

import os

import requests
from flask import Flask, redirect, request, session
from flask.typing import ResponseReturnValue

from sipgate_oauth2 import AuthorizationRequest, Client, LoginRequiredError, Store

USER = "user-42"
API = os.environ["API"]

app = Flask(__name__)
app.secret_key = os.environ["SESSION_KEY"]
# A server that preloads creates it before it forks.
client = Client.keycloak(
    os.environ["LOGIN_BASE"],
    os.environ["LOGIN_REALM"],
    os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    redirect_uri=os.environ["REDIRECT_URI"],
    store=Store.sqlite(os.environ["LOGINS"]),
)


@app.get("/login")
def login() -> ResponseReturnValue:
    authorization = client.authorization_request("balance:read")
    session["login"] = authorization.export()
    return redirect(authorization.url)


@app.get("/callback")
def callback() -> ResponseReturnValue:
    authorization = AuthorizationRequest.restore(session["login"])
    client.complete_login(authorization, request.query_string.decode(), account=USER)
    return redirect("/balance")


@app.get("/balance")
def balance() -> ResponseReturnValue:
    source = client.token_source(USER)
    try:
        response = requests.get(
            f"{API}/v2/balance", auth=source.requests_auth(origins=[API]), timeout=30
        )
    except LoginRequiredError:
        return redirect("/login")
    return {"balance": response.text, "worker": os.getpid()}, response.status_code


@app.get("/generation")
def generation() -> ResponseReturnValue:
    return {"generation": client.token_source(USER).status().generation}
