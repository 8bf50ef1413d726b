"""The projects in examples/: a copy after the commands of its README, and a browser that looks at it."""

import http.cookiejar
import re
import shutil
import urllib.parse
import urllib.request
from contextlib import contextmanager

from tests.ports import free_port
from tests.programs import PATIENCE, ROOT, run, running

FINE = "System check identified no issues (0 silenced).\n"


class Example:
    """A copy of an example."""

    def __init__(self, name, folder):
        made = shutil.ignore_patterns("db.sqlite3*", "__pycache__")
        self.source = ROOT / "examples" / name
        self.folder = shutil.copytree(self.source, folder, ignore=made)
        self.path = {"PYTHONPATH": str(ROOT)}

    def commands(self):
        """The commands of its README."""
        text = (self.source / "README.md").read_text(encoding="utf-8")
        return re.findall(r"(?m)^python manage\.py (.+)$", text)

    def manage(self, *command):
        return run("manage.py", *command, cwd=self.folder, **self.path)

    def fill(self):
        *commands, last = self.commands()
        assert last == "runserver"
        for command in commands:
            self.manage(*command.split())

    @contextmanager
    def served(self):
        port = free_port()
        command = ("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}")
        with running(*command, cwd=self.folder, port=port, **self.path) as program:
            yield program


class Browser:
    """Keeps cookies, follows redirects, and sends forms with the token of the page before."""

    def __init__(self, url):
        self._url, self._page = url, ""
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def open(self, path):
        return self._load(path, None)

    def send(self, path, **form):
        form["csrfmiddlewaretoken"] = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self._page)[1]
        return self._load(path, urllib.parse.urlencode(form).encode())

    def _load(self, path, data):
        """Where one has got to, and its page."""
        with self._opener.open(self._url + path, data, timeout=PATIENCE) as response:
            self._page = response.read().decode()
            return urllib.parse.unquote(response.url.removeprefix(self._url)), self._page
