"""Sign in with sipgate, in FastAPI:
`pip install fastapi httpx itsdangerous python-multipart sipgate-oauth2 uvicorn`, `uvicorn app:app`.
"""

import logging
import os
from html import escape
from urllib.parse import urljoin

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.middleware.sessions import SessionMiddleware

from sipgate_oauth2 import AuthorizationRequest, SipgateOAuth2Error
from sipgate_oauth2.aio import Client

client = Client.from_env()
HOME = urljoin(client.redirect_uri, "/")  # where users find this application
SECURE = HOME.startswith("https:")  # on your own machine, it may be http
app = FastAPI()
secret = os.environ["SESSION_SECRET"]
app.add_middleware(SessionMiddleware, secret_key=secret, https_only=SECURE, same_site="lax")
log = logging.getLogger(__name__)
API = os.environ.get("SIPGATE_API", "https://api.sipgate.com")
SIGN_IN = '<a href="/login">Sign in with sipgate</a>'


@app.get("/login")
async def login(request: Request):
    authorization = client.authorization_request("openid balance:read")
    newest = request.session.get("logins", [])[-1:]
    request.session["logins"] = [*newest, (authorization.state, authorization.export())]
    return RedirectResponse(authorization.url, 303)


@app.get("/auth")
async def auth(request: Request):
    callback, parameters = request.url.query, request.query_params
    kept = dict(request.session.get("logins", [])).get(parameters.get("state"), "")
    source = await client.complete_login(AuthorizationRequest.restore(kept), callback)
    request.session["account"] = source.account
    return RedirectResponse("/", 303)


@app.get("/")
async def home(request: Request):
    if "account" not in request.session:
        return HTMLResponse(SIGN_IN)
    claims = await client.token_source(request.session["account"]).claims()
    logout = '<form method="post" action="/logout"><button>Log out</button></form>'
    return HTMLResponse(f"Hello, {escape(claims.get('email', claims['sub']))}. {logout}")


@app.get("/balance")
async def balance(request: Request):
    if "account" not in request.session:
        return RedirectResponse("/login", 303)
    token = client.token_source(request.session["account"]).httpx_auth(origins=[API])
    async with httpx.AsyncClient(auth=token) as api:
        response = await api.get(f"{API}/v2/balance")
    return response.raise_for_status().json()


ERRORS = {
    "log_in_again": (400, f"You are not logged in. {SIGN_IN}"),
    "discard_input": (400, f"You are not logged in. {SIGN_IN}"),
    "show_denied": (403, f"You did not allow the access. {SIGN_IN}"),
    "try_later": (503, "sipgate does not respond. Please reload this page in a minute."),
}


@app.exception_handler(SipgateOAuth2Error)
async def failed(request: Request, error: SipgateOAuth2Error):
    log.warning("%s: %s", error.code, error)
    status, page = ERRORS.get(error.remedy, (500, "This is our mistake, and it is in our log."))
    return HTMLResponse(page, status)


@app.post("/logout")
async def logout(request: Request):
    if "account" not in request.session:
        return RedirectResponse("/", 303)
    source = client.token_source(request.session["account"])
    url = await client.logout_url(source, post_logout_redirect_uri=HOME)
    await source.logout()
    request.session.clear()
    return RedirectResponse(url, 303)


@app.post("/backchannel-logout")
async def backchannel_logout(request: Request):
    form = await request.form()
    accounts = await client.accept_logout_token(form.get("logout_token", ""))
    log.info("logged out at the server: %s", accounts)
    return Response()
