"""Static files in production: browsers keep them for good, and get new ones under new names."""

import json
import re

import pytest

from otp_project.static import CollectedStorage
from tests.ports import free_port
from tests.programs import ROOT, call, checkout, run, running
from tests.repository.test_readme import SECRET

PAGES = ("/login/", "/admin/login/", "/api/docs/")
PRODUCTION = {
    "ENV_FILE": "/dev/null",
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "127.0.0.1",
    "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
    "TWILIO_AUTH_TOKEN": "made up",
    "TWILIO_PHONE_NUMBER": "+15005550006",
    "OTP_ALLOWED_REGIONS": "UZ",
    "OTP_TRUSTED_PROXIES": "1",
    "WEB_CONCURRENCY": "1",
}


@pytest.fixture
def clone(tmp_path):
    """A checkout with its tables, in which nothing is collected."""
    folder = checkout(tmp_path / "clone")
    run("manage.py", "migrate", "--verbosity=0", cwd=folder, **PRODUCTION)
    return folder


def static_of(program, page):
    """The addresses of a page's files, those that scripts load later included."""
    answer = call(program.url + page)
    assert answer.status == 200, answer.body
    found = set(re.findall(r'="(/static/[^"]+)"', answer.body.decode()))
    assert found
    return found


def test_files_are_collected_at_the_start_compressed_and_kept_by_browsers_for_good(clone):
    port = free_port()
    with running("-m", "otp_project", cwd=clone, port=port, PORT=str(port), **PRODUCTION) as program:
        for path in set().union(*(static_of(program, page) for page in PAGES)):
            answer = call(program.url + path, headers={"Accept-Encoding": "gzip"})
            assert (answer.status, answer.headers["cache-control"]) == (200, "max-age=315360000, public, immutable"), (
                path
            )
            assert path.endswith(".png") or answer.headers["content-encoding"] == "gzip", path
        assert any(path.startswith("/static/otp_app/countries.") for path in static_of(program, "/login/"))
        assert call(f"{program.url}/static/otp_app/signin.css").status == 200  # under its plain name as well


def test_where_nothing_may_be_written_files_keep_their_plain_names(clone):
    (clone / "staticfiles").symlink_to("/proc/nowhere")  # where nobody, root neither, can make a folder
    port = free_port()
    with running("-m", "otp_project", cwd=clone, port=port, PORT=str(port), **PRODUCTION) as program:
        assert "/static/otp_app/signin.css" in static_of(program, "/login/")
        assert call(f"{program.url}/static/otp_app/signin.css").status == 200
        assert program.output.count("Static files keep their plain names") == 1


def test_the_image_has_them_and_its_service_writes_nothing(tmp_path):
    (command,) = re.findall(
        r"SECRET_KEY=\$\(python (.*)\) python (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    key = run(*command[0].split(), cwd=ROOT).strip()
    root = tmp_path / "static"
    run(*command[1].split(), cwd=ROOT, ENV_FILE="/dev/null", SECRET_KEY=key, STATIC_ROOT=str(root))
    names = json.loads((root / "staticfiles.json").read_text())["paths"]
    assert (root / names["otp_app/signin.css"]).is_file()
    assert not (root / "otp_app/signin.css").exists()  # the plain ones would double the image


def test_a_file_that_was_not_collected_has_its_plain_name(tmp_path):
    assert CollectedStorage(location=tmp_path).stored_name("brand/logo.svg") == "brand/logo.svg"
