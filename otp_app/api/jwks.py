"""Publish the keys by which other services verify access tokens (RFC 7517 §5)."""

from rest_framework.request import Request
from rest_framework.response import Response

from ..db.transactions import without_transactions
from ..tokens import signing_keys
from .views import OtpView

MAX_AGE = 300  # seconds for which the answer may be kept: much less than a new key waits until it signs


class JwksView(OtpView):
    """Answer the public halves of the keys: ``path(".well-known/jwks.json", jwks)`` in the project's own urls."""

    schema = None  # its address is the project's

    def get(self, request: Request) -> Response:
        response = Response({"keys": [row.public for row in signing_keys.published()]})
        response["Cache-Control"] = f"public, max-age={MAX_AGE}"
        return response


jwks = without_transactions(JwksView.as_view())
