"""Run an nginx with a server block of the documentation, without rights of root."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tests import debian
from tests.ports import free_port

PATIENCE = 60  # seconds
HOST = "login.example.com"

_SETTINGS = """
daemon off;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {block}
}}
"""


def find():
    """Return the path of the program, which Debian keeps in /usr/sbin; "" if it, or openssl, is missing."""
    return (shutil.which("openssl") and shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")) or ""


def install():
    """Install Debian's packages. Return the path; "" if that failed."""
    return find() if debian.install("nginx-light", "openssl") else ""


@contextmanager
def running(block, port):
    """Run an nginx with this block in front of the service at ``port``; yield its ports for http and https."""
    ports = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="otp-nginx-") as folder:
        _make_certificate(folder)
        for written, meant in {
            "listen 80;": f"listen 127.0.0.1:{ports[0]};",
            "listen 443 ssl": f"listen 127.0.0.1:{ports[1]} ssl",
            f"/etc/letsencrypt/live/{HOST}": folder,
            "127.0.0.1:8000": f"127.0.0.1:{port}",
        }.items():
            assert written in block, f"the block has no {written!r}"
            block = block.replace(written, meant)
        Path(folder, "nginx.conf").write_text(_SETTINGS.format(folder=folder, block=block))
        with _started(folder):
            yield ports


def _make_certificate(folder):
    names = ["-subj", f"/CN={HOST}", "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _started(folder):
    """Start the program, as nobody if we are root."""
    somebody = {}
    if not os.geteuid():
        somebody = {"user": "nobody", "group": "nogroup", "extra_groups": ()}
        for path in (folder, *Path(folder).iterdir()):
            shutil.chown(path, "nobody", "nogroup")
    command = [find(), "-e", "stderr", "-c", f"{folder}/nginx.conf"]
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd="/", **somebody)
    try:
        until = time.monotonic() + PATIENCE
        while not Path(folder, "pid").exists() or not Path(folder, "pid").read_text():
            assert process.poll() is None, Path(folder, "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()
