"""Schemathesis finds nothing in the service, by the command and the configuration that CONTRIBUTING.md names."""

import re
import sys
from pathlib import Path

from tests.ports import free_port
from tests.programs import ROOT, run, running

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECRET = "only for the tests of the schema, 1a2B3c4D5e6F7g8H9i0J, and long"
ST = str(Path(sys.executable).parent / "st")


def test_the_command_finds_nothing_in_what_make_run_serves(tmp_path):
    ((arguments, address),) = re.findall(r"(?m)^\.venv/bin/st (.*)http://127\.0\.0\.1:8000(\S+)$", CONTRIBUTING)
    service = {
        "ENV_FILE": "/dev/null",
        "DEBUG": "1",
        "SECRET_KEY": SECRET,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "PORT": str(port := free_port()),
    }
    options = ("--max-examples", "3", "--seed", "1")  # so few, because the suite has tests/api/test_fuzz.py as well
    with running("-m", "otp_project", cwd=ROOT, port=port, **service) as program:
        command = ("--config-file", str(ROOT / "schemathesis.toml"), *arguments.split(), program.url + address)
        told = run(ST, *command, *options, cwd=tmp_path)
        assert re.search(r"API Operations:\s+Selected: (\d+)/\1\s+Tested: \1\n", told), told
        assert " ERROR " not in program.output
