"""Cache the OpenAPI document: making it costs as much as many sign-ins, and anybody may ask for it."""

from functools import lru_cache
from threading import Lock
from typing import Any

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page
from django.views.decorators.vary import vary_on_headers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from otp_app.phones.languages import language_of

READ = ("get", "head")  # without OPTIONS, at which DRF fails where there is no serializer
_making = Lock()  # only one of many concurrent first requests makes the document
_CACHED_BY_BROWSERS = (
    cache_control(private=True, max_age=300),
    vary_on_headers("Accept-Language", "Cookie", "Origin"),
    conditional_page,
)


@method_decorator(_CACHED_BY_BROWSERS, name="dispatch")
class SchemaView(SpectacularAPIView):
    """Answer the OpenAPI document in the language and format that a request asks for."""

    schema = None  # it does not describe itself
    http_method_names = READ

    def get(self, request: Request) -> HttpResponse:
        """Answer the cached document, whatever the query: else each query would make a document of its own."""
        renderer = request.accepted_renderer
        form: Any = type(renderer)
        name = self._get_filename(request, None)  # type: ignore[no-untyped-call]
        headers = {"Content-Disposition": f'inline; filename="{name}"'}
        with _making:
            content = _document(language_of(request._request), form)
        return HttpResponse(content, content_type=f"{renderer.media_type}; charset=utf-8", headers=headers)


@lru_cache(maxsize=32)
def _document(language: str, renderer: Any) -> bytes:
    """Make the document, once in a process for each of the few languages and formats."""
    with override(language):
        data = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
        made: bytes = renderer().render(data, renderer_context={})
        return made
