"""What docs/deploy.md says can be done: the blocks are of their form, and what they start exists."""

import configparser
import re
import shlex

import pytest
import yaml
from django.core.management import get_commands

from otp_app import keys
from tests.programs import ROOT

pytestmark = pytest.mark.once

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNITS = re.findall(r"(?ms)^```ini\n# /etc/systemd/system/([\w.-]+)\n(.*?)^```$", PAGE)
SERVED = "http://127.0.0.1:8000"


def test_there_is_a_unit_for_each_process():
    assert [name for name, _ in UNITS] == ["otp.service", "otp-sweep.service", "otp-worker.service"]


@pytest.mark.parametrize(("name", "text"), UNITS)
def test_a_unit_starts_what_there_is_and_is_never_given_up(name, text):
    unit = configparser.ConfigParser()
    unit.optionxform = str
    unit.read_string(text)
    service = unit["Service"]
    assert (service["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    program, *options = shlex.split(service["ExecStart"].removeprefix(service["WorkingDirectory"]))
    assert program in ("/.venv/bin/python", "/.venv/bin/celery")
    if options[0] == "manage.py":
        assert options[1] in get_commands()
    else:
        assert "otp_project" in options


def test_the_names_in_env_are_those_of_the_service():
    (block,) = re.findall(r"(?ms)^```ini\n# /srv/otp/\.env.*?\n(.*?)^```$", PAGE)
    known = (ROOT / ".env.example").read_text(encoding="utf-8")
    names = re.findall(r"(?m)^(\w+)=", block)
    assert len(names) == 5
    assert [name for name in names if f"\n#{name}=" not in known] == []


def test_all_proxies_lead_to_the_same_place():
    (traefik,) = re.findall(r"(?ms)^```yaml\n(.*?)^```$", PAGE)
    router, service = (yaml.safe_load(traefik)["http"][part]["otp"] for part in ("routers", "services"))
    assert router["service"] == "otp"
    assert service["loadBalancer"]["servers"] == [{"url": SERVED}]
    assert service["loadBalancer"]["healthCheck"]["path"] == "/readyz"
    assert f"proxy_pass {SERVED};" in PAGE
    assert f"reverse_proxy {SERVED.removeprefix('http://')}" in PAGE


def test_the_oldest_secret_as_the_key_of_the_ledger_keeps_the_limits_through_a_rotation(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "old", []
    before = keys.ledger_id("phone", "+998901234567")
    settings.OTP_LEDGER_KEY = "old"
    for secret, fallbacks in (("old", ["new"]), ("new", ["old"]), ("new", [])):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret, fallbacks
        assert keys.ledger_id("phone", "+998901234567") == before
