"""compose.yaml and the Dockerfile against what they name: settings, commands, files, ports. No engine is needed."""

import json
import re
import shlex
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from tests.ports import free_port
from tests.programs import ROOT, run
from tests.repository.test_environment import names_read
from tests.repository.test_readme import SECRET

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name for name, service in SERVICES.items() if "build" in service}
# What the page and compose.yaml ask for, as a person would write it into .env.
GIVEN = {
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "login.example.com",
    "POSTGRES_PASSWORD": "abc123",
    "OTP_TRUSTED_PROXIES": "1",
    "OTP_ALLOWED_REGIONS": "UZ",
    "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
    "TWILIO_AUTH_TOKEN": "made up",
    "TWILIO_PHONE_NUMBER": "+15005550006",
}
# Prints the settings that a container comes to have.
SHOW = """
import json, django
from django.conf import settings
django.setup()
from otp_app import conf
names = ("ALLOWED_HOSTS", "CELERY_BROKER_URL", "DATABASES", "DEBUG", "HOST", "INSTALLED_APPS", "OTP_QUEUE",
         "OTP_REDIS_URL", "OTP_STORE", "PORT", "SECRET_KEY")
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def instructions():
    """The Dockerfile as (instruction, arguments), its continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


DOCKERFILE = instructions()


def arguments(instruction):
    return [found for name, found in DOCKERFILE if name == instruction]


def filled_in(text, given):
    """As compose does it: ${NAME:?why} must be given, ${NAME:-else} need not be."""
    text = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda name: given[name[1]], str(text))
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda name: given.get(name[1], name[2]), text)


def environment(name):
    return {key: filled_in(value, GIVEN) for key, value in SERVICES[name]["environment"].items()}


def settings_in(name):
    """The container's own values win over those of .env."""
    values = GIVEN | environment(name)
    answer = run("-c", SHOW, cwd=ROOT, ENV_FILE="/dev/null", DJANGO_SETTINGS_MODULE="otp_project.settings", **values)
    return json.loads(answer.splitlines()[-1])


def test_there_is_all_that_a_service_needs():
    assert set(SERVICES) == {"web", "worker", "sweep", "migrate", "database", "valkey"}
    assert sorted(OURS) == ["migrate", "sweep", "web", "worker"]
    assert all(SERVICES[name]["environment"] == SERVICES["web"]["environment"] for name in OURS)


def test_every_name_in_the_environment_is_one_that_the_service_reads():
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= names_read()
    set_in_image = {word.partition("=")[0] for words in arguments("ENV") for word in shlex.split(words)}
    assert set_in_image - {"PATH", "PYTHONUNBUFFERED"} <= names_read()


def test_with_exactly_these_values_the_service_has_the_settings_that_are_meant():
    settings = settings_in("web")
    assert (settings["SECRET_KEY"], settings["DEBUG"]) == (SECRET, False)
    assert settings["ALLOWED_HOSTS"] == ["login.example.com"]  # health is answered whatever the host
    database = settings["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"]) == ("django.db.backends.postgresql", "database")
    own = SERVICES["database"]["environment"]
    assert (database["USER"], database["NAME"]) == (own["POSTGRES_USER"], own["POSTGRES_DB"])
    assert database["PASSWORD"] == filled_in(own["POSTGRES_PASSWORD"], GIVEN)
    assert (settings["OTP_STORE"], settings["OTP_REDIS_URL"]) == (
        "otp_app.stores.redis.RedisStore",
        "redis://valkey:6379/0",
    )
    assert settings["OTP_QUEUE"] == "otp_app.queues.celery.CeleryQueue"
    assert settings["CELERY_BROKER_URL"] == "redis://valkey:6379/1"
    assert "otp_project.apps.QueueConfig" in settings["INSTALLED_APPS"]


def test_a_deployment_check_has_nothing_to_say_about_them():
    values = GIVEN | environment("web") | {"ENV_FILE": "/dev/null"}
    said = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", cwd=ROOT, **values)
    assert "no issues" in said


def test_compose_refuses_to_start_without_what_has_no_default():
    needed = set(re.findall(r"\$\{(\w+):\?", json.dumps(SERVICES)))
    assert needed == {"SECRET_KEY", "ALLOWED_HOSTS", "POSTGRES_PASSWORD"}


def test_no_secret_is_written_into_either_file():
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("KEY|PASSWORD|TOKEN|SECRET", key):
                assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", value), (name, key)
    assert not arguments("ARG")
    assert not re.search("KEY|PASSWORD|TOKEN|SECRET", " ".join(arguments("ENV")))
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not any(line.startswith("!.") for line in ignored)


def test_the_commands_exist_with_their_options():
    assert json.loads(arguments("CMD")[-1]) == ["python", "-m", "otp_project"]
    assert "command" not in SERVICES["web"]
    for name in ("sweep", "migrate"):
        program, script, command, *options = SERVICES[name]["command"]
        assert (program, script) == ("python", "manage.py")
        assert load_command_class(get_commands()[command], command).create_parser(script, command).parse_args(options)
    program, *options = SERVICES["worker"]["command"]
    assert "concurrency" in run("-m", program, *options, "--help", cwd=ROOT, SECRET_KEY=SECRET, ENV_FILE="/dev/null")


def test_nothing_runs_as_root():
    assert re.fullmatch(r"(\d+):\1", arguments("USER")[-1])
    assert int(arguments("USER")[-1].partition(":")[0]) > 0
    for name, service in SERVICES.items():
        assert name in OURS or service["user"] not in ("root", "0"), name
        assert service.get("read_only") or name == "database"


def test_images_are_of_a_named_version():
    images = [image.split()[0] for image in arguments("FROM")] + [SERVICES[n]["image"] for n in set(SERVICES) - OURS]
    assert all(re.fullmatch(r"[\w/]+:\d[\w.-]*", image) for image in images), images
    (release,) = set(re.findall(r"python:(3\.\d+)", " ".join(arguments("FROM"))))
    assert f"Programming Language :: Python :: {release}" in (ROOT / "pyproject.toml").read_text()


def test_the_image_gets_the_files_there_are_and_only_packages_whose_hashes_are_known():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {words.split()[0] for words in arguments("COPY") if not words.startswith("--from")}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)
    (install,) = [words for words in arguments("RUN") if "pip install" in words]
    assert "--require-hashes" in install
    locked = (ROOT / "requirements.txt").read_text()
    assert all(re.search(rf"(?m)^{name}==", locked) for name in ("celery", "django", "granian", "psycopg", "redis"))


def test_each_has_a_health_check_or_is_one_that_can_have_none():
    checks = {name: service.get("healthcheck", {}) for name, service in SERVICES.items()}
    assert {name for name, check in checks.items() if check.get("disable")} == {"sweep", "migrate"}
    assert {name for name, check in checks.items() if "test" in check} == {"worker", "database", "valkey"}
    assert checks["web"] == {}  # that of the image
    assert arguments("HEALTHCHECK")


def test_each_waits_for_what_it_needs_and_comes_back_when_it_dies():
    for name in OURS:
        service = SERVICES[name]
        assert service["init"]
        assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")
        assert service["depends_on"]["database"] == {"condition": "service_healthy"}
        if name != "migrate":
            assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
            assert service["depends_on"]["valkey"] == {"condition": "service_healthy"}


def test_the_ports_agree():
    (exposed,) = arguments("EXPOSE")
    (published,) = SERVICES["web"]["ports"]
    assert published == f"127.0.0.1:${{PORT:-8000}}:{exposed}"
    assert environment("web")["PORT"] == exposed
    assert f"PORT={exposed}" in arguments("ENV")[0].split()
    assert environment("web")["HOST"] == "0.0.0.0"  # noqa: S104  (within its container)


@pytest.mark.parametrize(("status", "outcome"), [(200, 0), (503, 1)])
def test_the_health_check_of_the_image_is_what_readyz_answers(status, outcome):
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    program, *command = json.loads(re.search(r"\[.*\]", arguments("HEALTHCHECK")[0])[0])
    assert program == "python"
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            run(*command, cwd=ROOT, status=outcome, PORT=str(server.server_port))
        finally:
            server.shutdown()
            thread.join()
    assert paths == ["/readyz"]
    assert "ConnectionRefusedError" in run(*command, cwd=ROOT, status=1, PORT=str(free_port()))


def test_each_service_keeps_what_must_last():
    for name in ("database", "valkey"):
        (volume,) = SERVICES[name]["volumes"]
        assert volume.partition(":")[0] in COMPOSE["volumes"]
    assert "noeviction" in SERVICES["valkey"]["command"]  # what the limits count on must not be thrown out
