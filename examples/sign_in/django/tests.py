"""`python manage.py test`. The store writes on threads of its own, and these do not see what a
`TestCase` keeps in one transaction. A `TransactionTestCase` commits.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from django.test import TransactionTestCase
from logins.models import DjangoStore
from views import SIGN_IN, client

from sipgate_oauth2 import TokenSet, check_store


class SignInTest(TransactionTestCase):
    def log_in(self, account):
        tokens = {"access_token": f"token-of-{account}", "expires_at": time.time() + 3600}
        client.token_source(account).save(TokenSet.restore(tokens))
        session = self.client.session
        session["account"] = account
        session.save()

    def test_the_store_keeps_its_promises(self):
        self.assertEqual(check_store(DjangoStore()), [])

    def test_somebody_unknown_may_sign_in(self):
        self.assertContains(self.client.get("/"), SIGN_IN, html=True)

    def test_a_lost_session_leads_to_the_login(self):
        response = self.client.get("/auth?code=c&state=s")
        self.assertContains(response, SIGN_IN, status_code=400, html=True)

    def test_all_threads_find_a_login(self):
        self.log_in("anna")
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda _: client.token_source("anna").access_token(), range(100)))
        self.assertEqual(set(found), {"token-of-anna"})

    def test_a_logout_ends_the_login(self):
        self.log_in("anna")
        client.token_source("anna").forget()
        response = self.client.get("/balance")
        self.assertContains(response, SIGN_IN, status_code=400, html=True)
