"""A person at a browser: what people do on the pages, and which errors they must not meet."""

import re

from axe_playwright_python.sync_playwright import Axe

from tests.service.talking import address, messages_to
from tests.service.talking import phone as new_phone

A_MOMENT_SECONDS = 5  # a page asks more often than that
TIMEOUT_MS = 60_000  # no test waits so long on purpose
_REFUSED_REQUEST = (
    "Failed to load resource"  # Chromium logs it for every refused request; tests check the status where it matters
)


class Person:
    """Use the pages. ``habits`` are Playwright's options of a context, for example java_script_enabled=False.

    Passkeys need a ``host`` with a name.
    """

    def __init__(self, service, browser, *, phone="", guest_of=(), host="127.0.0.1", **habits):
        self.service = service
        self.phone = phone or new_phone()
        self.address = address()
        self.complaints = []
        self._known = {f"http://{host}:{service.port}", *guest_of}
        self.context = browser.new_context(
            base_url=f"http://{host}:{service.port}",
            extra_http_headers={"X-Forwarded-For": self.address},
            **{"locale": "en", "viewport": {"width": 390, "height": 844}, "reduced_motion": "reduce"} | habits,
        )
        self.context.set_default_timeout(TIMEOUT_MS)
        self.context.clock.install()  # it goes on by itself, and faster when a test waits
        self.page = self.tab()

    def tab(self):
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("request", self._see)
        return page

    def _hear(self, message):
        if message.type in ("error", "warning") and _REFUSED_REQUEST not in message.text:
            self.complaints.append(message.text)

    def _see(self, request):
        """Complain about a request to any host but the service."""
        origin = "/".join(request.url.split("/", 3)[:3])
        if origin not in self._known:
            self.complaints.append(f"asked {request.url}")

    def leave(self):
        self.context.close()

    # What the person does

    def come(self, path="/login/", page=None):
        (page or self.page).goto(path)
        return self

    def ask(self, phone="", page=None):
        """Enter the number; the next page asks for the code, unless the send is refused."""
        page = page or self.page
        page.fill("#phone", phone or self.phone)
        page.click("#phone-form button")
        page.wait_for_load_state()
        return self

    def begin(self, path="/login/"):
        return self.come(path).ask()

    def wait(self, seconds, page=None):
        """So long by the clock of the service and by that of the page, which then asks how things are."""
        self.service.clock.advance(seconds)
        (page or self.page).clock.fast_forward(seconds * 1000)

    def messages(self, phone=""):
        return messages_to(self.service, phone or self.phone)

    def code(self, phone=""):
        return self.messages(phone)[-1]["code"]

    def type_code(self, code, page=None):
        """Type digit by digit: the script takes a code that comes in one go for a pasted one."""
        page = page or self.page
        page.locator("#code").press_sequentially(code)
        page.click("#code-form button")
        page.wait_for_load_state()
        return self

    def sign_in(self, path="/login/"):
        self.begin(path).type_code(self.code())
        return self

    # What the person sees

    @property
    def path(self):
        return re.sub(r"^https?://[^/]+", "", self.page.url)

    def sees(self, text, page=None):
        (page or self.page).get_by_text(text).first.wait_for()

    def heading(self, page=None):
        return (page or self.page).locator("h1").inner_text()

    def barriers(self):
        """Return what axe finds by all of its rules."""
        found = Axe().run(self.page)
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found.response["violations"]]
