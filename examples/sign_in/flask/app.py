"""Sign in with sipgate, in Flask: `pip install flask requests sipgate-oauth2`, `flask run`."""

import os
from urllib.parse import urljoin

import requests
from flask import Flask, redirect, request, session
from markupsafe import escape

from sipgate_oauth2 import AuthorizationRequest, Client, SipgateOAuth2Error

client = Client.from_env()
HOME = urljoin(client.redirect_uri, "/")  # where users find this application
SECURE = HOME.startswith("https:")  # on your own machine, it may be http
app = Flask(__name__, static_folder=None)
app.secret_key = os.environ["SESSION_SECRET"]
app.config.update(SESSION_COOKIE_SECURE=SECURE, SESSION_COOKIE_SAMESITE="Lax")
API = os.environ.get("SIPGATE_API", "https://api.sipgate.com")
SIGN_IN = '<a href="/login">Sign in with sipgate</a>'


@app.get("/login")
def login():
    authorization = client.authorization_request("openid balance:read")
    newest = session.get("logins", [])[-1:]
    session["logins"] = [*newest, (authorization.state, authorization.export())]
    return redirect(authorization.url)


@app.get("/auth")
def auth():
    callback, state = request.query_string, request.args.get("state")
    kept = dict(session.get("logins", [])).get(state, "")
    source = client.complete_login(AuthorizationRequest.restore(kept), callback)
    session["account"] = source.account
    return redirect("/")


@app.get("/")
def home():
    if "account" not in session:
        return SIGN_IN
    claims = client.token_source(session["account"]).claims()
    logout = '<form method="post" action="/logout"><button>Log out</button></form>'
    return f"Hello, {escape(claims.get('email', claims['sub']))}. {logout}"


@app.get("/balance")
def balance():
    if "account" not in session:
        return redirect("/login")
    token = client.token_source(session["account"]).requests_auth(origins=[API])
    response = requests.get(f"{API}/v2/balance", auth=token, timeout=30)
    response.raise_for_status()
    return response.json()


ERRORS = {
    "log_in_again": (400, f"You are not logged in. {SIGN_IN}"),
    "discard_input": (400, f"You are not logged in. {SIGN_IN}"),
    "show_denied": (403, f"You did not allow the access. {SIGN_IN}"),
    "try_later": (503, "sipgate does not respond. Please reload this page in a minute."),
}


@app.errorhandler(SipgateOAuth2Error)
def failed(error):
    app.logger.warning("%s: %s", error.code, error)
    status, page = ERRORS.get(error.remedy, (500, "This is our mistake, and it is in our log."))
    return page, status


@app.post("/logout")
def logout():
    if "account" not in session:
        return redirect("/")
    source = client.token_source(session["account"])
    url = client.logout_url(source, post_logout_redirect_uri=HOME)
    source.logout()
    session.clear()
    return redirect(url)


@app.post("/backchannel-logout")
def backchannel_logout():
    accounts = client.accept_logout_token(request.form.get("logout_token", ""))
    app.logger.info("logged out at the server: %s", accounts)
    return ""
