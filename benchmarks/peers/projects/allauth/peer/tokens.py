"""The session token that a code is confirmed with is in the answer to whoever asked for the code, and nowhere else."""

from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from django.http import HttpRequest

from peer import outbox


class Tokens(SessionTokenStrategy):
    """Makes the tokens that it would make anyway, and writes a new one down beside the code that waits for it."""

    def create_session_token(self, request: HttpRequest) -> str:
        token = super().create_session_token(request)
        if message := request.__dict__.pop("message", None):
            outbox.append(*message, token)
        return token
