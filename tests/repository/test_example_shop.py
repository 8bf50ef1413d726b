"""The shop in examples/: as people have them, and the lines by which it gets sign-in by phone."""

import re

import pytest

from tests.examples import FINE, Browser, Example
from tests.programs import ROOT, call, rows

SHOP = ROOT / "examples" / "shop"
AZIZA, PASSWORD, MOBILE = "aziza", "green tea at four", "+998901234567"  # of the example's demo data
MARK = re.compile(r"# phone login(?: #\})?$")  # the comment of Python; in a template it is {# phone login #}


def sources(folder):
    return sorted([*folder.rglob("*.py"), *folder.rglob("*.html")])


def marked(folder):
    """The lines of phone login."""
    lines = [line for path in sources(folder) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if MARK.search(line)]


class Shop(Example):
    """The shop, with the lines of phone login or without them."""

    def __init__(self, folder, *, phone_login):
        super().__init__("shop", folder)
        # Without phone login the app is out of reach: then nothing can need it by mistake.
        if not phone_login:
            self.path = {}
            for path in sources(self.folder):
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                path.write_text("".join(line for line in lines if not MARK.search(line.rstrip())), encoding="utf-8")

    def customers(self, mobile):
        sql = "SELECT id, username, password FROM customers_customer WHERE mobile = ?"
        return rows(self.folder / "db.sqlite3", sql, mobile)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("example") / "shop", phone_login=True)
    shop.fill()
    return shop


@pytest.fixture(scope="module")
def server(shop):
    with shop.served() as program:
        yield program


@pytest.fixture
def browser(server):
    return Browser(server.url)


def sign_in_by_phone(browser, server, phone, time=1):
    """From the page of orders, for the first time or the second; the page that this ends on."""
    where, page = browser.open("/orders/")
    assert where == "/login/?next=/orders/"
    assert "Phone number" in page
    where, page = browser.send(where, phone=phone)
    assert where == "/login/1/?next=/orders/"
    assert "your code is in the terminal" in page
    code = server.wait_for(rf"(?s)(?:sms to \{phone}:\n.*?(\d{{6}}).*?){{{time}}}")[1]
    return browser.send(where, code=code)


def sign_in_by_password(browser):
    where, page = browser.open("/accounts/login/?next=/orders/")
    assert "Password" in page
    return browser.send(where, username=AZIZA, password=PASSWORD, next="/orders/")


def test_phone_login_takes_ten_lines_at_most():
    assert 0 < len(marked(SHOP)) <= 10


def test_the_readme_of_the_example_says_how_many_lines_and_which_commands(shop):
    text = (SHOP / "README.md").read_text(encoding="utf-8")
    assert len(marked(SHOP)) == 7
    assert "in seven lines" in text
    assert shop.commands() == ["migrate", "loaddata demo", "runserver"]
    for value in (AZIZA, PASSWORD, MOBILE):
        assert f"`{value}`" in text


def test_without_these_lines_it_is_a_shop_that_knows_nothing_of_phone_login(tmp_path):
    shop = Shop(tmp_path / "shop", phone_login=False)
    assert marked(shop.folder) == []
    assert not [path for path in sources(shop.folder) if re.search("(?i)otp|phone login", path.read_text("utf-8"))]
    assert shop.manage("check") == FINE
    assert shop.manage("makemigrations", "--check") == "No changes detected\n"
    shop.fill()
    with shop.served() as server:
        assert call(f"{server.url}/login/").status == 404
        browser = Browser(server.url)
        assert "Tea and cups" in browser.open("/")[1]
        assert browser.open("/orders/")[0] == "/accounts/login/?next=/orders/"
        where, page = sign_in_by_password(browser)
    assert where == "/orders/"
    assert "Six cups" in page


def test_with_these_lines_no_check_complains_and_no_migration_is_missing(shop):
    assert shop.manage("check") == FINE
    assert shop.manage("makemigrations", "--check") == "No changes detected\n"
    assert "[ ]" not in shop.manage("showmigrations")


def test_a_customer_who_was_there_before_signs_in_by_phone_and_finds_the_orders(shop, server, browser):
    where, page = sign_in_by_phone(browser, server, MOBILE)
    assert where == "/orders/"
    assert "Signed in as Aziza Karimova" in page
    assert "Six cups" in page
    ((_id, username, password),) = shop.customers(MOBILE)
    assert username == AZIZA
    assert password.startswith("pbkdf2_sha256$")  # and it goes on to be valid


def test_a_number_that_nobody_has_becomes_one_new_customer(shop, server):
    phone = "+998935550033"
    assert shop.customers(phone) == []
    for time in (1, 2):
        where, page = sign_in_by_phone(Browser(server.url), server, phone, time)
        assert where == "/orders/"
        assert f"Signed in as {phone}" in page
        assert "Nothing yet." in page
    ((_id, username, password),) = shop.customers(phone)
    assert username == phone
    assert password.startswith("!")  # none that anybody could know


def test_the_password_still_opens_the_same_account(browser):
    assert "Tea and cups" in browser.open("/")[1]
    where, page = sign_in_by_password(browser)
    assert where == "/orders/"
    assert "Signed in as Aziza Karimova" in page
    assert "Six cups" in page


def test_the_sign_in_by_password_leads_to_the_one_by_phone_with_what_one_came_for(browser):
    _where, page = browser.open("/accounts/login/?next=/orders/")
    (link,) = re.findall(r'href="([^"]+)">Sign in by phone<', page)
    assert browser.open(link)[0] == "/login/?next=/orders/"


def test_signing_out_of_the_shop_ends_what_was_begun_by_phone(server, browser):
    sign_in_by_phone(browser, server, "+998935550044")
    assert browser.send("/accounts/logout/")[0] == "/"
    assert browser.open("/orders/")[0] == "/login/?next=/orders/"
