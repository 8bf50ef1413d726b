"""``.env.example`` names what the service reads from the environment, all of it, with the true defaults."""

import json
import re

import pytest

from otp_app.conf import Conf
from tests.programs import ROOT, run

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SECRET = "only for the tests of the example, 1a2B3c4D5e6F7g8H9i0J, and long"
# Prints every setting of the service, those of otp_app with their defaults.
SHOW = """
import json
import otp_project.settings as service
from otp_app.conf import Conf
values = {f"OTP_{name}": default for name, default in vars(Conf).items() if name.isupper()}
values |= {name: value for name, value in vars(service).items() if name.isupper()}
print(json.dumps(values, default=str))
"""


def names_read():
    """The names that otp_project/settings.py asks the environment for, and the OTP_* it reads as a whole."""
    source = (ROOT / "otp_project" / "settings.py").read_text(encoding="utf-8")
    scalars = {f"OTP_{name}" for name, default in vars(Conf).items() if isinstance(default, bool | int | str)}
    scalars = {name for name in scalars if name.isupper()}
    asked = set(re.findall(r'\b(?:text|items|integer|flag|mapping|entries|zone|level)\("([A-Z_]+)"', source))
    return asked | scalars | {"OTP_WAITS", "ENV_FILE"}


def test_the_example_has_every_name_once_each_with_a_comment():
    lines = EXAMPLE.splitlines()
    assert all(not line or line.startswith("#") for line in lines)
    places = [place for place, line in enumerate(lines) if re.match(r"#[A-Z]", line)]
    named = [lines[place][1:].partition("=")[0] for place in places]
    assert sorted(named) == sorted(names_read())
    assert all(lines[place - 1].startswith("# ") for place in places)


def settings_with(path):
    return json.loads(run("-c", SHOW, cwd=ROOT, ENV_FILE=str(path), SECRET_KEY=SECRET))


def test_with_every_line_in_force_the_service_has_the_settings_it_has_without_any(tmp_path):
    (tmp_path / "env").write_text(re.sub(r"(?m)^#(?=[A-Z])", "", EXAMPLE))
    without, within = settings_with("/dev/null"), settings_with(tmp_path / "env")
    without["DATABASES"]["default"]["NAME"] = "db.sqlite3"  # in the folder of manage.py, where commands are given
    assert within == without


def test_a_secret_may_stand_in_a_file_that_ends_in_a_line_break(tmp_path):
    (tmp_path / "token").write_text("a token\n")
    (tmp_path / "env").write_text(f"TWILIO_AUTH_TOKEN_FILE={tmp_path / 'token'}\nOTP_BRAND_FILE={tmp_path / 'token'}\n")
    values = settings_with(tmp_path / "env")
    assert (values["TWILIO_AUTH_TOKEN"], values["OTP_BRAND"]) == ("a token", "a token")


def test_a_secret_is_taken_as_it_is_and_development_is_not_chosen_while_there_is_one(tmp_path):
    values = json.loads(run("-c", SHOW, cwd=ROOT, ENV_FILE="/dev/null", SECRET_KEY="$" + SECRET, OTP_FIRST_MINUTES="1"))
    assert (values["SECRET_KEY"], values["DEBUG"]) == ("$" + SECRET, False)


def test_the_zone_of_the_times_is_chosen_by_the_environment(tmp_path):
    (tmp_path / "env").write_text("TIME_ZONE=Asia/Tashkent\n")
    assert settings_with(tmp_path / "env")["TIME_ZONE"] == "Asia/Tashkent"
    assert settings_with("/dev/null")["TIME_ZONE"] == "UTC"


@pytest.mark.parametrize("given", [{}, {"DEBUG": "0"}, {"DEBUG": "0", "SECRET_KEY": "short"}])
def test_a_key_is_made_before_there_is_any_and_production_takes_it(tmp_path, given):
    before = {path.name for path in ROOT.iterdir()}
    made = run("manage.py", "otp_key", cwd=ROOT, ENV_FILE="/dev/null", **given)
    assert {path.name for path in ROOT.iterdir()} == before
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}\n", made)
    (tmp_path / "env").write_text(f"SECRET_KEY={made}DEBUG=0\n")
    values = json.loads(run("-c", SHOW, cwd=ROOT, ENV_FILE=str(tmp_path / "env")))
    assert (values["SECRET_KEY"], values["DEBUG"]) == (made.strip(), False)


def test_no_key_is_made_twice():
    assert run("manage.py", "otp_key", cwd=ROOT) != run("manage.py", "otp_key", cwd=ROOT)


def test_lists_may_have_spaces_after_their_commas(tmp_path):
    (tmp_path / "env").write_text("ALLOWED_HOSTS=a.example, b.example\nOTP_WAITS=60, 120\n")
    values = settings_with(tmp_path / "env")
    assert (values["ALLOWED_HOSTS"], values["OTP_WAITS"]) == (["a.example", "b.example"], [60, 120])
