"""Which libraries a request spends its processor time in: ``python -m benchmarks.parts``.

The requests are played in one thread of one process, without a server. cProfile makes a call of Python cost more than
it does, so the shares are to be compared with each other, not with a clock. What built-in functions use is counted for
the library that calls them, and so is what the system uses to send to another server and to wait for it.
"""

import cProfile
import io
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from . import servers, subjects
from .people import People, phones
from .processes import manage
from .requests import Request

COUNT = 1000  # requests of each kind
_GROUPS = {
    "otp_app": "otp_app",
    "django": "Django",
    "asgiref": "Django",
    "corsheaders": "Django",
    "rest_framework": "DRF",
    "phonenumbers": "phonenumbers",
    "psycopg": "psycopg",
    "psycopg_binary": "psycopg",
    "redis": "redis",
    "hiredis": "redis",
}


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="otp-bench-") as folder,
        servers.postgresql() as postgresql,
        servers.redis() as valkey,
    ):
        for kind in ("bare", "Redis", "PostgreSQL"):
            settings = "benchmarks.bare.settings" if kind == "bare" else "otp_project.settings"
            values = {"DATABASE_URL": postgresql.create(f"parts_{kind.lower()}"), "DJANGO_SETTINGS_MODULE": settings}
            if kind != "PostgreSQL":
                values["REDIS_URL"] = valkey.url
            values = subjects.settings_of(Path(folder) / kind, PORT="1", **values)
            if kind != "bare":
                manage(values, "migrate", "--verbosity", "0", "--skip-checks")
            subprocess.run([sys.executable, "-m", "benchmarks.parts", kind], env=values, check=True)


def play(kind: str) -> None:
    """In a process that has the environment of one subject."""
    if kind == "bare":
        requests = [Request("POST", "/drf/", json.dumps({"phone": phone})) for phone in phones(COUNT)]
        profile("bare", "DRF view", requests)
        return
    people = People(0, Path(os.environ["OUTBOX"]), os.environ["DATABASE_URL"])
    profile(kind, "send", people.sends(COUNT))
    profile(kind, "verify", people.verifies(COUNT))


def profile(kind: str, step: str, requests: list[Request]) -> None:
    for request in requests[: COUNT // 10]:
        _call(request)
    profiled, measured = requests[COUNT // 10 : COUNT // 2], requests[COUNT // 2 :]
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for request in profiled:
        _call(request)
    profiler.disable()
    began = time.process_time()
    for request in measured:
        _call(request)
    cost = (time.process_time() - began) / len(measured) * 1000
    stats: Any = pstats.Stats(profiler)
    calls = stats.total_calls / len(profiled)
    parts = _parts(stats.stats)
    total = sum(parts.values())
    shares = ", ".join(f"{name} {100 * used / total:.0f} %" for name, used in parts.most_common())
    print(f"{kind} {step}: {cost:.2f} ms, {calls:,.0f} calls: {shares}", flush=True)


def _parts(stats: dict[Any, Any]) -> Counter[str]:
    parts = Counter[str]()
    for function, (_, _, own, _, callers) in stats.items():
        if function[0] != "~":
            parts[_group(function)] += own
        else:
            for caller, (_, _, used, _) in callers.items():
                parts[_group(caller)] += used
    return parts


def _group(function: tuple[str, int, str]) -> str:
    names = Path(function[0]).parts
    if "site-packages" in names:
        return _GROUPS.get(names[names.index("site-packages") + 1], "others")
    return next((name for name in ("otp_app", "otp_project") if name in names), "Python's own")


def _call(request: Request) -> None:
    from otp_project.wsgi import application

    body, said = request.body.encode(), list[str]()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    } | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    answer: Any = application(environ, lambda status, *_: said.append(status))
    text = b"".join(answer)
    answer.close()
    if not said[0].startswith("2"):
        raise RuntimeError(f"{said[0]} {text!r}")


if __name__ == "__main__":
    play(sys.argv[1]) if len(sys.argv) > 1 else main()
