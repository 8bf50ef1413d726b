"""Serve a user's own sessions: list them, end one, end all others."""

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import tokens
from ..tokens.base import Session
from .authentication import LiveTokenAuthentication
from .fields import Json
from .problems import NotFound
from .views import OtpView


class OwnSessionsView(OtpView):
    """Hold what the views of sessions share."""

    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)


class SessionsView(OwnSessionsView):
    def get(self, request: Request) -> Response:
        listed = tokens.sessions.of(request.user, request._request)
        return Response({"sessions": [_answer(session) for session in listed]})


class SessionView(OwnSessionsView):
    def delete(self, request: Request, session_id: str) -> Response:
        """End a session. Raise NotFound for one that has ended, and alike for another user's."""
        if not tokens.sessions.end(request.user, session_id, request._request):
            raise NotFound
        return Response(status=204)


class EndOthersView(OwnSessionsView):
    def post(self, request: Request) -> Response:
        tokens.sessions.end_others(request.user, request._request)
        return Response(status=204)


def _answer(session: Session) -> Json:
    return {
        "id": session.id,
        "began_at": session.began_at,
        "used_at": session.used_at,
        "client": session.client,
        "network": session.network,
        "current": session.current,
    }
