import logging
import os
from urllib.parse import urljoin

import requests
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from logins.models import DjangoStore

from sipgate_oauth2 import AuthorizationRequest, Client, SipgateOAuth2Error, Store

client = Client.from_env(store=Store(DjangoStore()))
HOME = urljoin(client.redirect_uri, "/")  # where users find this application
log = logging.getLogger(__name__)
API = os.environ.get("SIPGATE_API", "https://api.sipgate.com")
SIGN_IN = '<a href="/login">Sign in with sipgate</a>'


def login(request):
    authorization = client.authorization_request("openid balance:read")
    newest = request.session.get("logins", [])[-1:]
    request.session["logins"] = [*newest, (authorization.state, authorization.export())]
    return redirect(authorization.url)


@transaction.non_atomic_requests  # in SQLite, the store and this view would wait for each other
def auth(request):
    callback, state = request.META["QUERY_STRING"], request.GET.get("state")
    kept = dict(request.session.get("logins", [])).get(state, "")
    source = client.complete_login(AuthorizationRequest.restore(kept), callback)
    request.session.cycle_key()
    request.session["account"] = source.account
    return redirect("/")


def home(request):
    if "account" not in request.session:
        return HttpResponse(SIGN_IN)
    claims = client.token_source(request.session["account"]).claims()
    return render(request, "home.html", {"claims": claims})


def balance(request):
    if "account" not in request.session:
        return redirect("/login")
    token = client.token_source(request.session["account"]).requests_auth(origins=[API])
    response = requests.get(f"{API}/v2/balance", auth=token, timeout=30)
    response.raise_for_status()
    return HttpResponse(response.text, content_type="application/json")


ERRORS = {
    "log_in_again": (400, f"You are not logged in. {SIGN_IN}"),
    "discard_input": (400, f"You are not logged in. {SIGN_IN}"),
    "show_denied": (403, f"You did not allow the access. {SIGN_IN}"),
    "try_later": (503, "sipgate does not respond. Please reload this page in a minute."),
}


class SignInErrors:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if not isinstance(error, SipgateOAuth2Error):
            return None
        log.warning("%s: %s", error.code, error)
        status, page = ERRORS.get(error.remedy, (500, "This is our mistake, and it is in our log."))
        return HttpResponse(page, status=status)


@require_POST
@transaction.non_atomic_requests
def logout(request):
    account = request.session.get("account")
    if account is None:
        return redirect("/")
    source = client.token_source(account)
    url = client.logout_url(source, post_logout_redirect_uri=HOME)
    source.logout()
    request.session.flush()
    return redirect(url)


@csrf_exempt  # the logout token is signed
@require_POST
def backchannel_logout(request):
    accounts = client.accept_logout_token(request.POST.get("logout_token", ""))
    log.info("logged out at the server: %s", accounts)
    return HttpResponse()
