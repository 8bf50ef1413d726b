"""A proxy that hides its clients is noticed by what is refused."""

import pytest

from otp_app import services
from otp_app.audit import proxies
from otp_app.errors import Limited
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _forget():
    """Forget what this process has warned of and has looked up."""
    proxies._warn.cache_clear()
    proxies._prevails.cache_clear()
    yield
    proxies._warn.cache_clear()
    proxies._prevails.cache_clear()


def fill(client):
    """Send from a client until a limit refuses, and return the refusal."""
    while True:
        try:
            services.send_code(phone=new_phone(), client=client)
        except Limited as refused:
            return refused


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "otp_app.clients"]


@pytest.mark.parametrize("client", ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "fd00::/64", "unknown"])
def test_a_private_address_that_fills_its_network_is_told_of_once(caplog, settings, client):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
    assert not proxies.suspected()
    for _ in range(2):
        assert fill(client).limit == "unconverted_per_subnet_day"
    (text,) = warnings(caplog)
    assert "set OTP_TRUSTED_PROXIES" in text
    assert proxies.suspected()


def test_a_public_address_is_no_sign_of_a_proxy_nor_is_any_in_development(caplog, settings):
    settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1
    fill("192.0.2.1")
    settings.DEBUG = True
    fill("127.0.0.1")
    assert warnings(caplog) == []
    assert not proxies.suspected()


def test_other_refusals_and_the_projects_own_code_are_none(caplog, settings):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 1
    assert fill("127.0.0.1").limit == fill(None).limit == "unconverted_per_region_day"
    assert warnings(caplog) == []


@pytest.mark.parametrize(("here", "elsewhere", "told"), [(50, 49, 1), (50, 50, 0), (49, 0, 0)])
def test_a_network_in_which_most_of_a_country_sign_in_is_one(caplog, settings, outbox, here, elsewhere, told):
    settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1
    for client, times in (("192.0.2.1", here), ("198.51.100.1", elsewhere)):
        for _ in range(times):
            phone = new_phone()
            services.send_code(phone=phone, client=client)
            services.verify_code(phone=phone, code=outbox[-1].code)
    fill("192.0.2.77")
    assert len(warnings(caplog)) == told
    assert proxies.suspected() is bool(told)
