"""docs/architecture.md: every name in it exists, its walks are what a request does, its words are those of the code."""

import ast
import importlib
import re
import sys
import tomllib

import pytest

from otp_app.stores import sql
from otp_app.tokens import jwt
from tests.factories import new_phone
from tests.programs import ROOT

APP = ROOT / "otp_app"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?ms)^```text\n(.*?)^```", PAGE)
LAYERS, SEND, VERIFICATION, *FLOWS = BLOCKS
PATHS = re.findall(r"`((?:otp_app|tests)/[\w/.]*)`", PAGE)
WALKED = re.findall(r"(?m)^ *([a-z_]+(?:\.\w+)+)", SEND + VERIFICATION)
DRAWN = re.findall(r"\b[a-z_]+(?:\.\w+)+", "".join(FLOWS))
NAMES = {*re.findall(r"`([a-z_]+(?:\.\w+)+)`", PAGE), *WALKED, *DRAWN}
WORDS = set(re.findall(r"\*\*([\w -]+)\*\*", PAGE.partition("## Words")[2]))
SPOKEN = ("challenges", "limits", "counters", "stores", "delivery", "queues", "tokens", "models")
# Words that the code had for what the table of words calls otherwise.
GONE = {"demand", "demands", "crowd", "crowds", "charge", "charged", "standing", "doubt", "road", "roads", "draft"}


def resolved(name):
    """What a dotted name below otp_app stands for."""
    found = importlib.import_module("otp_app")
    for part in name.split("."):
        path = f"{getattr(found, '__name__', '')}.{part}"
        found = getattr(found, part) if hasattr(found, part) else importlib.import_module(path)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_every_path_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(name for name in NAMES if not name.endswith((".py", ".toml", ".md"))))
def test_every_name_exists(name):
    assert resolved(name) is not None


def test_every_room_and_every_module_of_the_hall_is_on_the_page():
    rooms = {f"{each.parent.name}/" for each in APP.glob("*/__init__.py")} - {"migrations/"}
    hall = {each.name for each in APP.glob("*.py")} - {"__init__.py"}
    section = PAGE.partition("## Rooms")[2].partition("## Layers")[0]
    named = set(re.findall(r"`([\w.]+/?)`", section)) - {"otp_app", "__init__", "otp_simulate"}
    assert named == rooms | hall


def test_the_layers_are_those_that_are_enforced():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    enforced = next(each for each in contracts if each["type"] == "layers")
    assert enforced["exhaustive"] is True
    assert LAYERS.splitlines() == enforced["layers"]


class Walk:
    """The functions of otp_app that are called, each with its callers."""

    def __init__(self):
        self.calls = []

    def __call__(self, frame, event, _):
        if event == "call" and (name := self.name_of(frame)):
            callers, outer = [], frame.f_back
            while outer:
                callers.append(self.name_of(outer))
                outer = outer.f_back
            self.calls.append((name, [each for each in callers if each]))

    @staticmethod
    def name_of(frame):
        folder, _, rest = frame.f_code.co_filename.rpartition("/otp_app/")
        if folder != str(ROOT):
            return ""
        return f"{rest.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}.{frame.f_code.co_qualname}"


def steps(block):
    """Each line of a walk: its function, and the one whose line it is indented below."""
    above = []
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        above[depth:] = [real_name(name)]
        yield above[depth], above[depth - 1] if depth else ""


def real_name(name):
    """Where a function is defined; the page may name the room that offers it."""
    function = resolved(name)
    return f"{function.__module__.removeprefix('otp_app.')}.{function.__qualname__}"


def follow(block, request):
    walk = Walk()
    before = sys.getprofile()
    sys.setprofile(walk)
    try:
        answer = request()
    finally:
        sys.setprofile(before)
    assert answer.status_code == 200, answer.content
    position = 0
    for name, caller in steps(block):
        later = [n for n, (called, _) in enumerate(walk.calls) if n >= position and called == name]
        assert later, f"{name} is not called, or not in this order"
        assert not caller or caller in walk.calls[later[0]][1], f"{name} is not called by {caller}"
        position = later[0]


@pytest.mark.django_db(transaction=True)
def test_a_send_and_a_verification_walk_as_they_are_drawn(client, outbox, settings):
    settings.OTP_STORE = f"{sql.__name__}.SqlStore"
    phone = new_phone()
    post = {"content_type": "application/json"}
    follow(SEND, lambda: client.post("/api/send-otp/", {"phone": phone}, **post))
    body = {"phone": phone, "otp": outbox[-1].code}
    follow(VERIFICATION, lambda: client.post("/api/verify-otp/", body, **post))


@pytest.mark.django_db(transaction=True)
def test_a_refresh_walks_as_it_is_drawn(client, settings, django_user_model):
    (refresh,) = re.findall(r"(?ms)^### A refresh$.*?^```text\n(.*?)^```", PAGE)
    settings.OTP_TOKEN_BACKEND = f"{jwt.__name__}.JwtTokens"
    body = {
        "refresh_token": jwt.JwtTokens().issue(django_user_model.objects.create_user(new_phone()), None).refresh_token
    }
    follow(refresh, lambda: client.post("/api/token/refresh/", body, content_type="application/json"))


def public_classes():
    for room in SPOKEN:
        for path in sorted((APP / room).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not is_technical(node):
                    yield room, node.name


def is_technical(node):
    """Errors are described by their docstrings, and fields are Django's word."""
    bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
    return bool(bases & {"Exception", "NotAccepted", "OtpError"}) or node.name.endswith("Field")


@pytest.mark.parametrize(("room", "name"), sorted(set(public_classes())))
def test_every_public_noun_is_in_the_table_of_words(room, name):
    words = re.findall(r"[A-Z][a-z]*|[A-Z]+(?=[A-Z])", name.removesuffix("Row"))
    spoken = {" ".join(words[n:]).lower() for n in range(len(words))}
    known = WORDS | {f"{word}s" for word in WORDS}
    assert spoken & known, f"{room}: {name}"


def test_words_that_are_gone_are_in_no_name():
    names = set()
    for path in APP.rglob("*.py"):
        if "migrations" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names |= {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
            names |= {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
            names |= {each.arg for each in ast.walk(tree) if isinstance(each, ast.arg)}
            names |= {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    words = {word.lower() for name in names for word in re.findall(r"[A-Za-z][a-z]*", name)}
    assert not words & GONE


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_words_that_are_gone_are_on_no_page(page):
    assert not set(re.findall(r"[a-z]+", page.read_text(encoding="utf-8").lower())) & {
        "demand",
        "crowd",
        "crowds",
        "road",
        "roads",
    }
