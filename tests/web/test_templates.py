"""What templates of a project may rely on is what docs/page.md says: blocks, variables and fields of forms."""

import copy
import re
from unittest.mock import Mock

import pytest
from django.contrib.auth import get_user_model
from django.template import engines
from django.template.loader_tags import BlockNode

from otp_app import notifications, services
from otp_app.conf import conf
from otp_app.errors import IsThisYou, ProofRequired, SecondFactorRequired
from otp_app.web import pages
from otp_app.web.notices import ACTS
from tests import members
from tests.programs import ROOT
from tests.sites import asked_by, new_site
from tests.web.visitor import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = (ROOT / "docs" / "page.md").read_text(encoding="utf-8")
TEMPLATES = {path.stem: path for path in (ROOT / "otp_app/templates/otp_app/web").glob("*.html")}
EVERY = "every page"
PARTS = {"error", "offered", "number", "code_input", "profile_field", "passkey"}  # of pages, by {% include %}
FIELD = re.compile(r'<(?:input|button)[^>]*? name="(\w+)"')


def table(head):
    """The rows of a table as the names in each cell."""
    found = re.search(rf"(?m)^\| {head} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE)[1]
    return {
        cells[1].strip(" `"): re.findall(r"`(\w+)`", cells[2])
        for cells in (row.split("|") for row in found.splitlines())
    }


def blocks_of(name):
    template = engines.all()[0].get_template(f"otp_app/web/{name}.html").template
    return {node.name for node in template.nodelist.get_nodes_by_type(BlockNode)}


@pytest.fixture
def given(monkeypatch):
    """The names of the variables that each template was given, in each of its states."""
    seen, render = {}, pages.render

    def keep(request, template, context, **more):
        seen.setdefault(template.removeprefix("otp_app/web/").removesuffix(".html"), []).append(set(context))
        return render(request, template, context, **more)

    monkeypatch.setattr(pages, "render", keep)
    return seen


def visit_all(visitor, monkeypatch):
    monkeypatch.setattr(conf, "PUBLIC_URL", "https://testserver")
    visitor.get("/login/")
    visitor.get("/login/code/")
    visitor.ask()
    visitor.enter("1")
    with monkeypatch.context() as patch:
        patch.setattr(conf, "ACCOUNTS", members.path(members.Asking))
        visitor.enter()
    with monkeypatch.context() as patch:
        for asked in (IsThisYou(), SecondFactorRequired([])):
            patch.setattr(services, "sign_in", Mock(side_effect=asked))
            visitor.enter()
    visitor.get("/nowhere/")
    visitor.get("/login/?client=x")
    with monkeypatch.context() as patch:
        asking = ProofRequired(limit="x")
        asking.altcha = {}
        patch.setattr(services, "send_code", lambda **_: (_ for _ in ()).throw(asking))
        visitor.post(phone="+998901112233")
    visitor.enter()
    visitor.get("/login/" + asked_by(new_site()))
    visitor.get("/login/")
    visitor.get("/account/")
    for kind in ACTS:
        notifications.send(get_user_model().objects.get(phone=visitor.phone), kind, subject="x")
        visitor.get(f"/n/{visitor.outbox[-1].body.rpartition('/')[2]}")


def test_the_blocks_are_those_of_the_base_and_each_page_fills_title_and_main():
    assert set(table("block of `base.html`")) == blocks_of("base")
    for name in set(TEMPLATES) - PARTS - {"base"}:
        assert blocks_of(name) == {"title", "main"}, name


def test_the_variables_are_those_that_the_views_give(visitor, given, monkeypatch):
    visit_all(visitor, monkeypatch)
    promised = {name: set(names) for name, names in table("template").items()}
    assert set(promised) - {EVERY} == set(given) == set(TEMPLATES) - PARTS - {"base"}
    found = {name: set.union(*states) for name, states in given.items()}
    assert {name: names | promised[EVERY] for name, names in promised.items() if name != EVERY} == found
    assert promised[EVERY] == set.intersection(*found.values())


def test_the_fields_are_those_of_the_forms():
    (told,) = re.findall(r"(?s)fields are named (.*?)\.", PAGE)
    fields = {name for path in TEMPLATES.values() for name in FIELD.findall(path.read_text(encoding="utf-8"))}
    assert set(re.findall(r"`(\w+)`", told)) == fields


def test_the_example_links_a_stylesheet_into_every_page(visitor, settings, tmp_path):
    (example,) = re.findall(r"(?ms)^```html\n(.*?)^```$", PAGE)
    path = tmp_path / re.search(r"`([\w/]+\.html)`:\n\n```html", PAGE)[1]
    path.parent.mkdir(parents=True)
    path.write_text(example, encoding="utf-8")
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path]
    settings.TEMPLATES = templates
    page = visitor.get()
    assert '<link rel="stylesheet" href="/static/shop.css">' in page.content.decode()
    assert "Send me a code" in text_of(page)
