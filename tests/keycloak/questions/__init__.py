"""The questions, in the order of a login. Each returns fields that can be compared."""

from keycloak.questions import authorization, endpoints, exchange, openid, refresh
from keycloak.questions.question import Question

QUESTIONS: tuple[Question, ...] = (
    *authorization.QUESTIONS,
    *exchange.QUESTIONS,
    *refresh.QUESTIONS,
    *endpoints.QUESTIONS,
    *openid.QUESTIONS,
)
