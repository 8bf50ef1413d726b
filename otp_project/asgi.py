"""Make the ASGI application, for uvicorn, granian and other ASGI servers: ``uvicorn otp_project.asgi:application``.

Use it beside code of yours that needs ASGI. The service alone is faster under WSGI (``python -m otp_project``): its
views are synchronous, Django runs each of them in a thread, and requests took four to six times as long when this was
measured. That program also limits bodies, in size and time; under ASGI the server or a proxy must.
"""

import os
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
_pages = get_asgi_application()

from django.conf import settings  # noqa: E402  (they must be loaded first)
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.db import connections  # noqa: E402

from otp_app.apps import warm  # noqa: E402

from .middleware import HEALTH_PATHS, handler_with  # noqa: E402

_api = handler_with(getattr(settings, "API_MIDDLEWARE", settings.MIDDLEWARE), ASGIHandler)
_health = handler_with([], ASGIHandler)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request by one of three handlers, as ``wsgi.application`` does, and close its connections to databases.

    Django has a thread for each request, so a connection that was kept would serve no other; a pool (DATABASE_POOL)
    keeps them.
    """
    path = scope.get("path", "")
    handler = _health if path in HEALTH_PATHS else _api if path.startswith("/api/") else _pages
    async with ThreadSensitiveContext():
        try:
            await handler(scope, receive, send)
        finally:
            await sync_to_async(connections.close_all)()


warm()
