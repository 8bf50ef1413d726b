"""The library in examples/: readers by e-mail, who prove a phone and then sign in by it."""

import re

import pytest

from tests.examples import FINE, Browser, Example
from tests.programs import rows

AZIZA, PASSWORD = "aziza@example.com", "green tea at four"  # of the example's demo data


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    library = Example("library", tmp_path_factory.mktemp("example") / "library")
    library.fill()
    return library


@pytest.fixture(scope="module")
def server(library):
    with library.served() as program:
        yield program


def code_to(server, phone, time=1):
    return server.wait_for(rf"(?s)(?:sms to \{phone}:\n.*?(\d{{6}}).*?){{{time}}}")[1]


def sign_in_by_phone(server, phone, time=1):
    """Return the page of the reader's card."""
    browser = Browser(server.url)
    where, _page = browser.open("/")
    assert where == "/login/?next=/"
    where, _page = browser.send(where, phone=phone)
    where, page = browser.send(where, code=code_to(server, phone, time))
    assert where == "/"
    return page


def number_of(card):
    return re.search(r"Number (\d+)\.", card)[1]


def sign_in_by_email(server):
    browser = Browser(server.url)
    where, _page = browser.open("/accounts/login/?next=/")
    where, page = browser.send(where, username=AZIZA, password=PASSWORD, next="/")
    assert where == "/"
    assert "Card of Aziza Karimova" in page
    return browser


def test_the_readme_names_its_commands_and_its_reader(library):
    text = (library.source / "README.md").read_text(encoding="utf-8")
    assert library.commands() == ["migrate", "loaddata demo", "runserver"]
    assert f"`{AZIZA}`" in text
    assert f"`{PASSWORD}`" in text


def test_the_lines_that_it_speaks_of_are_the_last_ones(library):
    settings = (library.source / "library" / "settings.py").read_text(encoding="utf-8")
    assert ["otp" in line.lower() for line in settings.splitlines()[-5:]] == [False, True, True, True, True]
    assert "otp_app.web.urls" in (library.source / "library" / "urls.py").read_text(encoding="utf-8").splitlines()[-2]


def test_no_check_complains_and_no_migration_is_missing(library):
    assert library.manage("check") == FINE
    assert library.manage("makemigrations", "--check") == "No changes detected\n"


def test_numbers_that_nobody_has_become_readers_without_an_email(library, server):
    phones = ["+998935550021", "+998935550022"]
    cards = [sign_in_by_phone(server, phone) for phone in phones]
    for phone, card in zip(phones, cards, strict=True):
        assert f"Card of {phone}" in card
        assert "E-mail: none" in card
    assert number_of(cards[0]) != number_of(cards[1])
    assert number_of(sign_in_by_phone(server, phones[0], time=2)) == number_of(cards[0])
    found = rows(library.folder / "db.sqlite3", "SELECT phone, email FROM readers_reader WHERE email IS NULL")
    assert {(phone, None) for phone in phones} <= set(found)


def test_a_reader_by_email_proves_a_phone_and_then_signs_in_by_it(server):
    phone, browser = "+998935550031", sign_in_by_email(server)
    assert "Your phone" in browser.open("/phone/")[1]
    assert "country code" in browser.send("/phone/", phone="none")[1]
    where, _page = browser.send("/phone/", phone=phone)
    assert where == "/phone/code/"
    code = code_to(server, phone)
    where, page = browser.send(where, code=f"{(int(code) + 1) % 1_000_000:06}")
    assert "wrong or no longer valid" in page
    where, page = browser.send(where, code=code)
    assert where == "/"
    assert f"Phone: {phone}" in page
    assert "Card of Aziza Karimova" in sign_in_by_phone(server, phone, time=2)


def test_a_phone_of_another_reader_stays_theirs(server):
    phone = "+998935550041"
    sign_in_by_phone(server, phone)
    browser = sign_in_by_email(server)
    browser.open("/phone/")
    where, _page = browser.send("/phone/", phone=phone)
    where, page = browser.send(where, code=code_to(server, phone, time=2))
    assert where == "/phone/code/"
    assert "on the card of another reader" in page
