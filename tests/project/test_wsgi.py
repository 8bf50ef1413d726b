"""The API has a handler with fewer middleware, and answers as if it had all of them."""

import io
import json

import pytest
from django.conf import settings as project
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from django.utils.translation import override

from otp_project import middleware, wsgi

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

ORIGIN = "https://app.example"
# What a browser shows within another page is of no use there, and what nobody may store needs no key to be found by.
PAGES_ONLY = {"X-Frame-Options", "Vary", "Content-Language"}
# Each: method, path, body, headers.
REQUESTS = {
    "a refusal": ("POST", "/api/send-otp/", {"phone": "12"}, {}),
    "a refusal, in Russian": ("POST", "/api/send-otp/", {"phone": "12"}, {"ACCEPT_LANGUAGE": "ru"}),
    "a wrong code": (
        "POST",
        "/api/verify-otp/",
        {"phone": "+998901234567", "otp": "000000"},
        {"ACCEPT_LANGUAGE": "uz"},
    ),
    "no body": ("POST", "/api/send-otp/", None, {"ACCEPT_LANGUAGE": "ru"}),
    "no token": ("GET", "/api/me/", None, {"ACCEPT_LANGUAGE": "ru"}),
    "a method that it has not": ("DELETE", "/api/send-otp/", None, {"ACCEPT_LANGUAGE": "ru"}),
    "a preflight": ("OPTIONS", "/api/send-otp/", None, {"ORIGIN": ORIGIN, "ACCESS_CONTROL_REQUEST_METHOD": "POST"}),
    "another site's page": ("POST", "/api/send-otp/", {"phone": "12"}, {"ORIGIN": ORIGIN}),
    "a host that is not ours": ("GET", "/api/me/", None, {"HOST": "evil.example"}),
    "the description": ("GET", "/api/schema/", None, {}),
    "no such address": ("GET", "/api/nothing/", None, {"ACCEPT_LANGUAGE": "ru"}),
    "no slash": ("GET", "/api/me", None, {}),
}


def environment(method, path, body, headers):
    content = b"" if body is None else json.dumps(body).encode()
    asked = RequestFactory().generic(method, path, content, "application/json").environ
    return asked | {f"HTTP_{name}": value for name, value in headers.items()} | {"wsgi.input": io.BytesIO(content)}


def answer(handler, request):
    told = []
    with override("uz"):  # as a page may have left the thread
        content = b"".join(handler(environment(*request), lambda status, headers: told.append((status, headers))))
    ((status, headers),) = told
    return status, {name: value for name, value in headers if name not in PAGES_ONLY}, content


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_the_api_answers_as_if_all_middleware_had_been_there(settings, request_):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.ALLOWED_HOSTS = ["testserver"]
    assert answer(wsgi.application, request_) == answer(wsgi._pages, request_)


def test_of_the_pages_no_middleware_is_missing():
    assert "django.middleware.clickjacking.XFrameOptionsMiddleware" in project.MIDDLEWARE
    told = []
    page = environment("GET", "/login/", None, {})
    b"".join(wsgi.application(page, lambda status, headers: told.append(dict(headers))))
    assert told[0]["X-Frame-Options"] == "DENY"


def told_by(handler, *request):
    told = []
    content = b"".join(handler(environment(*request), lambda status, headers: told.append((status, dict(headers)))))
    ((status, headers),) = told
    return status, headers, content


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_answered_by_address_and_without_tls_whatever_the_hosts(settings, path):
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["login.example.com"], True
    status, headers, content = told_by(wsgi.application, "GET", path, None, {"HOST": "10.1.2.3:8000"})
    assert (status, json.loads(content)["status"]) == ("200 OK", "ok")
    assert "no-cache" in headers["Cache-Control"]
    assert told_by(wsgi.application, "POST", path, None, {})[0] == "405 Method Not Allowed"


def test_nothing_but_health_is_answered_for_a_host_that_is_not_ours(settings):
    settings.ALLOWED_HOSTS = ["login.example.com"]
    for path in ("/login/", "/api/me/", "/healthz/", "/readyz/x", "/admin/login/"):
        assert told_by(wsgi.application, "GET", path, None, {"HOST": "10.1.2.3:8000"})[0] == "400 Bad Request"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO"])
@pytest.mark.parametrize(
    "path", ["/", "/login/", "/admin/login/", "/healthz", "/api/docs/", "/api/schema/", "/api/send-otp/"]
)
def test_methods_that_nobody_uses_are_refused_everywhere(method, path):
    status, headers, _ = told_by(wsgi.application, method, path, None, {})
    assert status.startswith("405 ")
    assert method not in headers["Allow"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/", "/login/", "/login/brand.css", "/account/", "/admin/", "/static/x", "/nothing", "*", "/readyz"]
)
def test_outside_the_api_nobody_serves_methods_but_those_of_pages(method, path):
    status, headers, content = told_by(wsgi.application, method, path, None, {})
    assert (status, content) == ("405 Method Not Allowed", b"")
    assert headers["Allow"] in ("GET, HEAD, POST", "GET, HEAD")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", ["/api/docs/", "/api/schema/"])
def test_the_description_and_its_page_are_only_read(method, path):
    status, headers, _ = told_by(wsgi.application, method, path, None, {})
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")


def test_the_library_for_other_sites_pages_costs_other_requests_nothing(settings, monkeypatch):
    settings.CORS_ALLOWED_ORIGINS, asked = [ORIGIN], []
    monkeypatch.setattr(middleware.CorsMiddleware, "is_enabled", lambda self, request: asked.append(request) or True)
    for origin in ({}, {"ORIGIN": ""}, {"ORIGIN": "https://" + 300 * "x"}):
        _, headers, _ = told_by(wsgi.application, "POST", "/api/send-otp/", {"phone": "12"}, origin)
        assert "access-control-allow-origin" not in headers
    assert asked == []
    _, headers, _ = told_by(wsgi.application, "POST", "/api/send-otp/", {"phone": "12"}, {"ORIGIN": ORIGIN})
    assert headers["access-control-allow-origin"] == ORIGIN
    assert len(asked) == 1


@pytest.mark.parametrize("spelling", ["----WebKitFormBoundary7", '"a.b"', "x; charset=nonsense"])
def test_a_form_in_parts_is_read(spelling):
    """The form is one that a page's script sends."""
    boundary = spelling.partition(";")[0].strip('"')
    media_type = wsgi._media_type(f"multipart/form-data; boundary={spelling}")
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="phone"\r\n\r\n123\r\n--{boundary}--\r\n'.encode()
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": media_type, "CONTENT_LENGTH": str(len(body))}
    assert WSGIRequest(environ | {"wsgi.input": io.BytesIO(body)}).POST.dict() == {"phone": "123"}
