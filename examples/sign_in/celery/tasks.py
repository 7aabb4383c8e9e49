"""API calls of logged-in users in the background:
`pip install celery requests sipgate-oauth2`, `celery -A tasks worker --beat`.

The web application and the workers have the same `SIPGATE_STORE`. Whichever process finds a token
due for a refresh refreshes it for all.
"""

import os

import requests
from celery import Celery
from celery.utils.log import get_task_logger

from sipgate_oauth2 import Client, LoginRequiredError, TemporaryError

app = Celery("tasks", broker=os.environ["CELERY_BROKER"], backend=os.environ["CELERY_BACKEND"])
app.conf.task_acks_late = True
app.conf.beat_schedule = {"keep alive": {"task": "tasks.keep_alive", "schedule": 24 * 3600}}
client = Client.from_env()
log = get_task_logger(__name__)
API = os.environ.get("SIPGATE_API", "https://api.sipgate.com")


@app.task(bind=True, max_retries=10)
def balance(self, account):
    """The balance of a user's account, or nothing if the user has to log in again."""
    token = client.token_source(account).requests_auth(origins=[API])
    try:
        response = requests.get(f"{API}/v2/balance", auth=token, timeout=30)
        response.raise_for_status()
    except TemporaryError as error:
        raise self.retry(
            exc=error, countdown=error.retry_after or 2**self.request.retries
        ) from error
    except LoginRequiredError as error:
        log.warning("%s: %s", error.code, error)  # here, write to the user
        return None
    return response.json()


@app.task
def keep_alive():
    """Once a day: a login that nobody uses would end at the server after thirty days."""
    report = client.keep_alive()
    log.info("kept alive: %s", report)
