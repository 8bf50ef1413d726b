"""Attacks on the pages from another origin, and the size of all that a page loads."""

import base64
import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.service.talking import post

from .states import register

MAX_PAGE_BYTES = 50 * 1024  # a page with all that it loads, uncompressed as served


class OtherSite(BaseHTTPRequestHandler):
    """Serve another origin, which is another site for cookies too, as localhost."""

    pages: dict[str, str] = {}  # noqa: RUF012  (of the test that runs)

    def do_GET(self):
        body = self.pages.get(self.path.partition("?")[0], "<!doctype html><title>Other site</title>").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def other_site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), OtherSite)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    OtherSite.pages = {}
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def complaining(somebody, words):
    """Expect the browser itself to refuse something and to say so in ``words``."""
    yield
    told = [complaint for complaint in somebody.complaints if words in complaint]
    assert told
    somebody.complaints[:] = [complaint for complaint in somebody.complaints if complaint not in told]


def forged(service, path, **fields):
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    action = f"http://127.0.0.1:{service.port}{path}"
    return f'<!doctype html><form method="post" action="{action}">{inputs}<button>win</button></form>'


def test_a_form_of_another_site_signs_nobody_in(person, service, other_site):
    """Login CSRF: the victim would continue in the attacker's account."""
    attacker = person().begin()
    victim = person(guest_of=[other_site]).begin()
    number = victim.path.rstrip("/").rpartition("/")[2]
    OtherSite.pages = {"/trap": forged(service, f"/login/{number}/", code=victim.code())}
    victim.page.goto(f"{other_site}/trap")
    victim.page.click("button")
    victim.sees("Go on from here.")
    assert victim.come("/account/").path == "/login/?next=/account/"
    assert attacker.page.locator("#code").is_visible()


def test_a_form_of_another_site_has_no_code_sent_and_signs_nobody_out(person, service, other_site):
    victim = person(guest_of=[other_site]).sign_in()
    sent = len(victim.messages())
    for path, fields in (("/login/", {"phone": victim.phone}), ("/account/sign-out/", {}), ("/account/continue/", {})):
        OtherSite.pages = {"/trap": forged(service, path, **fields)}
        victim.page.goto(f"{other_site}/trap")
        victim.page.click("button")
        victim.sees("Go on from here.")
    assert len(victim.messages()) == sent
    assert victim.come("/account/").path == "/account/"


@pytest.mark.parametrize("path", ["/login/", "/account/"])
def test_no_other_site_can_put_a_page_into_a_frame(person, service, other_site, path):
    victim = person(guest_of=[other_site]).sign_in()
    OtherSite.pages = {"/trap": f'<!doctype html><iframe src="http://127.0.0.1:{service.port}{path}"></iframe>'}
    with complaining(victim, "frame-ancestors"):
        victim.page.goto(f"{other_site}/trap")
        victim.page.wait_for_load_state("networkidle")
    framed = victim.page.frames[1]
    assert framed.locator("input, button").count() == 0


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_leads_to_no_other_site(person, wanted):
    somebody = person().begin(f"/login/?{urlencode({'next': wanted})}")
    somebody.type_code(somebody.code())
    assert somebody.page.url.endswith("/account/")


def test_next_leads_back_to_where_one_came_from(person):
    somebody = person().sign_in("/login/?next=/api/docs/")
    assert somebody.path == "/api/docs/"
    somebody.complaints.clear()  # of a page that is not ours


def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(person):
    somebody = person().sign_in()
    cookies = {cookie["name"]: cookie for cookie in somebody.context.cookies()}
    assert set(cookies) == {"__Host-otp_device", "csrftoken", "sessionid"}
    for name in ("__Host-otp_device", "sessionid"):
        assert (cookies[name]["httpOnly"], cookies[name]["sameSite"]) == (True, "Lax")
        assert name not in somebody.page.evaluate("document.cookie")
    assert cookies["__Host-otp_device"]["secure"]


def test_a_session_that_somebody_else_has_chosen_is_not_the_one_that_signs_in(person):
    victim = person().begin()
    fixed = next(cookie for cookie in victim.context.cookies() if cookie["name"] == "sessionid")
    victim.type_code(victim.code())
    assert victim.path == "/account/"
    thief = person()
    thief.context.add_cookies([fixed])
    assert thief.come("/account/").path == "/login/?next=/account/"


def test_a_script_that_got_into_a_page_would_not_run(person):
    somebody = person().come()
    with complaining(somebody, "Content Security Policy"):
        somebody.page.evaluate(
            "const script = document.createElement('script');"
            "script.textContent = 'window.ran = true'; document.body.append(script)"
        )
        assert somebody.page.evaluate("window.ran === undefined")


def test_a_site_sends_a_person_here_and_gets_a_token_for_the_code_that_comes_back(person, service, other_site):
    client = register(service, uri=f"{other_site}/back")
    verifier = 64 * "v"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {"client": client, "redirect_uri": f"{other_site}/back", "state": "s t&a=te", "code_challenge": challenge}
    somebody = person(guest_of=[other_site])

    def come_back(person_on_the_way):
        address = urlsplit(person_on_the_way.page.url)
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{other_site}/back"
        answer = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert answer["state"] == "s t&a=te"
        exchange = {"client": client, "redirect_uri": f"{other_site}/back", "code": answer["code"]}
        return exchange | {"code_verifier": verifier}

    somebody.sign_in(f"/login/?{urlencode(asked)}")
    exchange = come_back(somebody)
    given = post(service, "/api/token/", exchange)
    assert given.status == 200, given.body
    assert given.json["user"]["phone"] == somebody.phone
    again = post(service, "/api/token/", exchange)
    assert (again.status, again.code) == (400, "invalid_or_expired_code")

    somebody.come(f"/login/?{urlencode(asked)}")
    somebody.page.click("text=Continue")
    somebody.page.wait_for_url(f"{other_site}/**")
    assert post(service, "/api/token/", come_back(somebody)).json["user"] == given.json["user"]


def test_an_address_that_nobody_registered_is_never_led_to(person, service, other_site):
    client = register(service, uri=f"{other_site}/back")
    somebody = person(guest_of=[other_site]).sign_in()
    asked = {"client": client, "redirect_uri": f"{other_site}/back/", "code_challenge": 43 * "A"}
    somebody.come(f"/login/?{urlencode(asked)}")
    somebody.sees("This sign-in link is not valid.")
    somebody.sees("redirect_uri")


def test_a_page_with_all_that_it_loads_weighs_little_and_comes_from_here(person):
    somebody = person()
    sizes = {}
    somebody.page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    somebody.come()
    somebody.page.wait_for_load_state("networkidle")
    assert len(sizes) >= 5  # the page, two styles, two scripts
    assert sum(sizes.values()) < MAX_PAGE_BYTES
    assert not any("proof" in url for url in sizes)
