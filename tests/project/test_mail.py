"""EMAIL_URL names the mail server of the service, for Django before 6.1 and since."""

import django
import pytest

from otp_project import mail

URL = "smtp+tls://us%40er:pass@mail.example.com:587"


@pytest.fixture(params=[(5, 2), (6, 1)], ids=["5.2", "6.1"])
def version(request, monkeypatch):
    monkeypatch.setattr(django, "VERSION", request.param)
    return request.param


def options_of(found):
    """Return backend, host, port, user and whether TLS is used, however they are named."""
    if "MAILERS" not in found:
        names = ("BACKEND", "HOST", "PORT", "HOST_USER", "USE_TLS", "TIMEOUT")
        return tuple(found.get(f"EMAIL_{name}") for name in names)
    default = found["MAILERS"]["default"]
    names = ("host", "port", "username", "use_tls", "timeout")
    return (default["BACKEND"], *(default["OPTIONS"].get(name) for name in names))


def test_a_url_names_server_user_and_tls(version):
    found = mail.server(URL, debug=False)
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    assert ("MAILERS" in found) is (version >= (6, 1))
    assert options_of(found) == (smtp, "mail.example.com", 587, "us@er", True, 10)


def test_without_one_development_prints_mails_and_the_service_sends_to_its_own_machine(version):
    smtp = ("django.core.mail.backends.smtp.EmailBackend", "localhost", 25)
    assert options_of(mail.server("", debug=False))[:3] == smtp
    assert options_of(mail.server("", debug=True))[0] == "django.core.mail.backends.console.EmailBackend"
