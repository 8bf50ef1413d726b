"""The code of docs/embedding.md is put into a new project as the page says, and people sign in by each door."""

import re

import pytest

from tests.programs import ROOT, run

PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
# The blocks in order, each with the file that was named last before it.
BLOCKS = [
    (re.findall(r"`([\w/]+\.py)`", before)[-1], code)
    for before, code in re.findall(r"(?ms)(.*?)^```python\n(.*?)^```$", PAGE)
]
NEW, OWN = "I have no users yet", "I have users already"
TESTS = """
import json

from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.test import AsyncClient, LiveServerTestCase

import client
from otp_app import accounts
from otp_app.testing import outbox
from shop.asgi import application

PHONE = "+998901234567"


class Doors(LiveServerTestCase):
    def setUp(self):
        self.sent = self.enterContext(outbox())

    def sign_in(self, device=None):
        token, device = client.sign_in(self.live_server_url + "/api", PHONE, lambda: self.sent.code(PHONE), device)
        return get_user_model().objects.get(), {"authorization": f"Bearer {token}"}, device

    def test_the_app_signs_in_twice_as_one_user(self):
        user, _, device = self.sign_in()
        again, _, same = self.sign_in(device)
        self.assertEqual((again, same), (user, device))
        self.assertEqual(accounts.phone_of(user), PHONE)

    def test_views_by_token(self):
        user, bearer, _ = self.sign_in()
        for path in ("/drf/orders/", "/ninja/orders", "/async/me/"):
            self.assertEqual(self.client.get(path, headers=bearer).json(), {"user": user.pk}, path)
        self.assertEqual(self.client.get("/drf/orders/").status_code, 401)
        self.assertEqual(self.client.get("/ninja/orders").status_code, 401)
        self.assertEqual(self.client.get("/async/me/").json(), {"user": None})

    def test_the_form_of_ones_own(self):
        self.assertRedirects(self.client.get("/orders/"), "/login/?next=/orders/")
        self.assertEqual(self.client.post("/send/", {"phone": "12"}).status_code, 400)
        self.assertEqual([self.client.post(path).status_code for path in ("/send/", "/enter/")], [400, 400])
        self.assertContains(self.client.post("/send/", {"phone": PHONE}), "enter the code")
        self.assertEqual(self.client.post("/send/", {"phone": PHONE}).status_code, 429)
        self.assertEqual(self.client.post("/enter/", {"code": "x"}).status_code, 400)
        self.assertContains(self.client.post("/enter/", {"code": self.sent.code(PHONE)}), "signed in")
        self.assertContains(self.client.get("/orders/"), f"orders of {get_user_model().objects.get().pk}")

    def test_the_page(self):
        self.assertRedirects(self.client.post("/login/?next=/orders/", {"phone": PHONE}), "/login/1/?next=%2Forders%2F")
        signed_in = self.client.post("/login/1/?next=/orders/", {"checks": 0, "code": self.sent.code(PHONE)})
        self.assertEqual((signed_in.status_code, signed_in["Location"]), (302, "/orders/"))

    def test_the_admin(self):
        staff = get_user_model().objects.create_superuser(**{get_user_model().USERNAME_FIELD: PHONE, "password": "x"})
        self.client.post("/admin/login/", {"username": PHONE, "password": "x"})
        self.assertRedirects(self.client.get("/admin/", follow=True), "/admin/second-factor/?next=/admin/")
        self.assertEqual(int(self.client.session["_auth_user_id"]), staff.pk)

    def test_a_coroutine_sends(self):
        answer = async_to_sync(AsyncClient().post)("/async/send/", {"phone": PHONE})
        self.assertEqual((answer.status_code, len(answer.json()["challenge_id"])), (200, 32))

    def test_a_socket(self):
        user, bearer, _ = self.sign_in()
        told = async_to_sync(self.talk)({"token": bearer["authorization"].removeprefix("Bearer ")}, {})
        self.assertEqual([json.loads(message["text"]) for message in told], [{"user": user.pk}] * 2)
        self.assertEqual(async_to_sync(self.talk)({"token": "x"}), [{"type": "websocket.close", "code": 4401}])

    async def talk(self, *messages):
        socket, told = ApplicationCommunicator(application, {"type": "websocket", "path": "/orders/"}), []
        await socket.send_input({"type": "websocket.connect"})
        assert (await socket.receive_output(60))["type"] == "websocket.accept"
        for message in messages:
            await socket.send_input({"type": "websocket.receive", "text": json.dumps(message)})
            told.append(await socket.receive_output(60))
        return told
"""


def put(folder, path, code):
    """Add a block to its file; what ``startproject`` wrote into asgi.py goes."""
    file = folder / path
    before = file.read_text(encoding="utf-8") if file.exists() and file.name != "asgi.py" else ""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before}\n{code}", encoding="utf-8")


def under(heading):
    """The blocks of one section."""
    section = re.search(rf"(?ms)^## {heading}$(.*?)^## ", PAGE)[1]
    return [(path, code) for path, code in BLOCKS if code in section]


@pytest.fixture(params=[NEW, OWN])
def shop(request, tmp_path):
    """The project of somebody in this case."""
    run("-m", "django", "startproject", "shop", str(tmp_path), cwd=tmp_path)
    skipped = under(NEW if request.param == OWN else OWN)
    for path, code in BLOCKS:
        if (path, code) not in skipped:
            put(tmp_path, path, code)
    if request.param == OWN:
        (tmp_path / "customers" / "__init__.py").touch()
        put(tmp_path, "shop/settings.py", 'INSTALLED_APPS += ["customers"]\nAUTH_USER_MODEL = "customers.Customer"\n')
    put(tmp_path, "tests.py", TESTS)
    return tmp_path


def manage(shop, *command):
    return run("manage.py", *command, cwd=shop, PYTHONPATH=str(ROOT))


def test_people_sign_in_by_each_door(shop):
    if (shop / "customers").exists():
        manage(shop, "makemigrations", "customers")
    assert "No changes" in manage(shop, "makemigrations", "--check")
    done = manage(shop, "test")
    assert "Ran 7 tests" in done
    assert "System check identified no issues (0 silenced)." in done


def test_the_page_begins_with_the_readers_case_and_each_case_is_a_section():
    first = re.search(r"(?s)^# [^\n]+\n\n\| your case .*?\n\n", PAGE)[0]
    sections = re.findall(r"(?m)^## (.*)$", PAGE)
    named = set(re.findall(r'"([^"]+)"', first))
    assert named <= set(sections)
    assert {NEW, OWN} <= named
    assert len(re.findall(r"(?m)^```", PAGE)) == 2 * len(BLOCKS)
