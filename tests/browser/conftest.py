"""A real browser against the running service. Without a browser no test here runs, and ``make test`` says so."""

import pytest
from playwright.sync_api import sync_playwright

from tests import browsers
from tests.service.conftest import UNREACHED_LIMITS, surprises
from tests.service.running import running

from .person import Person

collect_ignore_glob = [] if browsers.find() else ["test_*.py"]

# The outbox file takes the place of the provider of every channel.
THREE_CHANNELS = {
    "OTP_PROVIDERS": '[{"ALIAS": "all", "BACKEND": "otp_app.providers.memory.MemoryProvider"}]',
    "OTP_ROUTES": '{"*": {"sms": ["all"], "call": ["all"], "telegram": ["all"]}}',
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def chromium():
    """Open the browser for one module only: while Playwright runs, Django takes the thread for an asynchronous one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browsers.find(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page_service(tmp_path_factory):
    """Start a service with three channels and without proofs of work."""
    with running(tmp_path_factory.mktemp("page"), **THREE_CHANNELS, **UNREACHED_LIMITS) as started:
        yield started
        assert surprises(started) == []


@pytest.fixture
def service(page_service):
    return page_service


@pytest.fixture
def person(service, chromium):
    """Return a function that makes a person with a phone and a browser of their own."""
    people = []

    def new(**habits):
        people.append(Person(habits.pop("service", service), chromium, **habits))
        return people[-1]

    yield new
    for each in people:
        each.leave()
    for each in people:
        assert each.complaints == []
