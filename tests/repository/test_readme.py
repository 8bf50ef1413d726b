"""What the README says is true: its commands are run, its answers compared, its names looked up."""

import argparse
import json
import re
import shlex
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from otp_app.checks.limits import GONE
from otp_app.conf import Conf
from tests.ports import free_port
from tests.programs import ROOT, call, run, running

README = (ROOT / "README.md").read_text(encoding="utf-8")
UZBEK = (ROOT / "README.uz.md").read_text(encoding="utf-8")
PAGES = {path: path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}
SECRET = "only for the tests of the README, 1a2B3c4D5e6F7g8H9i0J, and long"
# These differ from one run to the next; the rest of an answer is what the README says.
VARYING = {"challenge_id": r"[0-9a-f]{32}", "token": r"otp_[A-Za-z0-9_-]{43}", "device": r"[\w:-]{60,256}"}
MESSAGE = r"(?m)^  sms to \+998901234567:\n    .*?(\d{6}).*$"


def blocks(text):
    """The code blocks as (language, content)."""
    return re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", text)


def python_block(word):
    """The one Python block with this word in it."""
    (found,) = [content for language, content in blocks(README) if language == "python" and word in content]
    return found


def curl(command, url, replace):
    """Do what a curl command says, at another address and with words replaced."""
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("-X", dest="method")
    options.add_argument("-H", dest="headers", action="append")
    options.add_argument("-d", dest="data")
    program, *arguments = shlex.split(command.replace("\\\n", " "))
    assert program == "curl"
    found = options.parse_args(arguments)
    headers = dict(header.split(": ", 1) for header in found.headers)
    data = re.sub("|".join(replace) or r"\Z.", lambda match: replace[match[0]], found.data).encode()
    return call(found.url.replace("http://127.0.0.1:8000", url), method=found.method, headers=headers, data=data)


def as_promised(promised, given):
    """The same members in the same order with the same values, but for those that vary."""
    if not isinstance(promised, dict):
        return promised == given
    return list(promised) == list(given) and all(
        re.fullmatch(VARYING[name], value) and re.fullmatch(VARYING[name], given[name])
        if name in VARYING
        else as_promised(value, given[name])
        for name, value in promised.items()
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """What `make run` starts."""
    recipe = r"(?m)^run:.*\n\t@DEBUG=\$\$\{DEBUG:-1\} exec \$\(PY\) -m otp_project$"
    assert re.search(recipe, (ROOT / "Makefile").read_text())
    port = free_port()
    settings = {
        "ENV_FILE": "/dev/null",
        "DEBUG": "1",
        "SECRET_KEY": SECRET,  # else one is made and kept beside the real one
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('readme')}/db.sqlite3",
        "PORT": str(port),
    }
    with running("-m", "otp_project", cwd=ROOT, port=port, **settings) as program:
        yield program


def test_the_calls_get_the_answers_that_are_shown(service):
    replace, answer, seen = {}, None, []
    for language, content in blocks(README):
        if content.startswith("curl"):
            answer = curl(content, service.url, replace)
            assert answer.status == 200, answer.body
            seen.append("call")
        elif language == "json":
            given = json.loads(answer.body)
            assert as_promised(json.loads(content), given), given
            seen.append("answer")
        elif language == "text":
            printed, shown = service.wait_for(MESSAGE), re.search(MESSAGE, content)
            replace[shown[1]] = printed[1]
            assert printed[0] == shown[0].replace(shown[1], printed[1])
            seen.append("message")
    assert seen == ["call", "answer", "message", "call", "answer"]

    bearer = {"Authorization": f"Bearer {given['token']}"}
    me = call(f"{service.url}/api/me/", headers=bearer)
    assert json.loads(me.body) == {"id": 1, "phone": "+998901234567", "full_name": "", "language": ""}
    assert call(f"{service.url}/api/logout/", method="POST", headers=bearer).status == 204
    assert call(f"{service.url}/api/me/", headers=bearer).status == 401


def test_the_pages_that_are_named_open(service):
    addresses = set(re.findall(r"<http://127\.0\.0\.1:8000(/[^\s>]*)>", README))
    assert addresses == {"/", "/api/docs/", "/api/errors/", "/admin/"}
    for address in addresses:
        answer = call(service.url + address)
        assert answer.status == 200 or answer.headers["location"].startswith(("/login/", "/admin/login/")), answer


def test_one_line_says_what_to_open_and_the_page_where_the_code_is(service):
    assert service.output.startswith(f"open {service.url}/\n")
    browser = build_opener(HTTPCookieProcessor())
    page = browser.open(f"{service.url}/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = urlencode({"csrfmiddlewaretoken": token, "phone": "+998 90 765 43 21"}).encode()
    page = browser.open(f"{service.url}/login/", form).read().decode()
    assert "Development: your code is in the terminal." in page
    assert service.wait_for(r"(?m)^  sms to \+998907654321:\n    .*?(\d{6})")


def test_the_three_values_and_the_countries_make_a_service_that_starts_in_production(tmp_path):
    port = free_port()
    (values,) = [content for language, content in blocks(README) if language == "ini"]
    values += f"SECRET_KEY={SECRET}\nALLOWED_HOSTS=127.0.0.1\nOTP_TRUSTED_PROXIES=1\nPORT={port}\n"
    values += f"DATABASE_URL=sqlite:///{tmp_path}/db.sqlite3\nSTATIC_ROOT={tmp_path}\n"
    (tmp_path / "env").write_text(values)
    settings = {"ENV_FILE": str(tmp_path / "env")}
    migrate, serve = re.findall(r"(?m)^\.venv/bin/python (.*)$", README)

    assert "OK" in run(*migrate.split(), cwd=ROOT, **settings)
    with running(*serve.split(), cwd=ROOT, port=port, **settings) as program:
        assert call(f"{program.url}/readyz").status == 200
        refused = call(
            f"{program.url}/api/send-otp/",
            method="POST",
            headers={"Content-Type": "application/json"},
            data='{"phone": "+4915112345678"}',
        )
        assert json.loads(refused.body)["code"] == "region_not_allowed"
    assert not re.search(r"\(\w+\.[EW]\d{3}\)", program.output), program.output  # no system check has a word to say


def test_the_test_passes(client, db, otp_outbox):
    names = {}
    exec(python_block("def test_sign_in"), names)  # noqa: S102  (it is ours)
    names["test_sign_in"](client, db, otp_outbox)


def test_all_python_compiles():
    found = [content for language, content in blocks(README) if language == "python"]
    assert len(found) == 4
    for content in found:
        compile(content, "README.md", "exec")


def test_both_languages_show_the_same_code_names_and_links():
    assert blocks(UZBEK) == blocks(README)
    for pattern in (
        r"\b(?:[A-Z]+_)+[A-Z*]+",
        r"\]\((?!README)(\S+?)\)",
        r"<(\S+)>",
        r"(?m)^#+ ",
    ):
        assert sorted(re.findall(pattern, UZBEK)) == sorted(re.findall(pattern, README))


def test_every_setting_that_a_page_names_exists():
    for page, text in PAGES.items():
        for name in re.findall(r"\bOTP_([A-Z][A-Z_]*[A-Z])\b", text):
            told_to_be_gone = page.name == "CHANGELOG.md" and name in GONE
            assert hasattr(Conf, name) or told_to_be_gone, f"{page}: OTP_{name}"


def test_every_target_that_a_page_names_exists():
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text())
    for page, text in PAGES.items():
        for target in re.findall(r"(?:^|`|8001 )make ([a-z]+)", text, re.MULTILINE):
            assert target in targets, f"{page}: make {target}"


def anchors_of(text):
    """Return the anchors of a page's headings, as they are shown on the web: small letters, hyphens, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_file_that_a_page_names_exists():
    for page, text in PAGES.items():
        for name in re.findall(r"\]\((?!http)(\S+?)\)", text):
            target, _, anchor = name.partition("#")
            file = page.parent / target if target else page
            assert file.is_file(), f"{page}: {name}"
            assert not anchor or anchor in anchors_of(file.read_text(encoding="utf-8")), f"{page}: {name}"
