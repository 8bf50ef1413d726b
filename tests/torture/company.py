"""Two Twilio-shaped companies with bad days: what they were handed, and their reports, doubled and disordered."""

import random
import re
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from twilio.request_validator import RequestValidator

TOKEN = "fedcba9876543210" * 2
ACCOUNTS = {name: f"AC{number:032d}" for number, name in enumerate(("one", "two"), 1)}

# What becomes of a message to a number, by chance: its kind, and how often it is drawn of a hundred.
KINDS = {"taken": 60, "slow": 10, "second": 12, "lost": 8, "broken": 4, "refused": 3, "bad number": 3}


class Company:
    """Answers for both accounts at one gateway. ``handed``: (account, number, hand-over, code, kind, their id)."""

    def __init__(self, seed):
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._kinds = {}
        self.handed = []
        self.acknowledged = []  # reports (their id, status) that the service has said yes to
        self._reporting = []

    def kind_of(self, number):
        with self._lock:
            if number not in self._kinds:
                self._kinds[number] = self._chance.choices(list(KINDS), KINDS.values())[0]
            return self._kinds[number]

    def answer(self, asked):
        """For ``Gateway.answer``."""
        form, number = asked.form, asked.form["To"]
        account = next(name for name, sid in ACCOUNTS.items() if sid in asked.path)
        kind, sid = self.kind_of(number), f"SM{uuid4().hex}"
        (handover,) = parse_qs(urlsplit(form["StatusCallback"]).query)["id"]
        code = re.search(r"\d{10}", form["Body"])[0]
        refused = kind == "refused" or (kind == "second" and account == "one")
        if refused or kind == "bad number":
            self._keep(account, number, handover, code, kind, "")
            status, error = (429, 20429) if refused else (400, 21211)
            return status, {"code": error, "message": "no", "status": status}
        self._keep(account, number, handover, code, kind, sid)
        if kind == "slow":
            time.sleep(0.3)
        self._report_later(form["StatusCallback"], sid)
        if kind == "lost":
            return "cut"
        if kind == "broken":
            return 500, {"code": 20500, "message": "no", "status": 500}
        return 201, {"sid": sid, "status": "queued", "num_segments": "1", "error_code": None}

    def code_for(self, number, patience=6):
        """The code that a phone has got, or None if it gets none."""
        if self.kind_of(number) in ("refused", "bad number"):
            return None
        until = time.monotonic() + patience
        while time.monotonic() < until:
            with self._lock:
                codes = [code for _, to, _, code, _, sid in self.handed if to == number and sid]
            if codes:
                return codes[-1]
            time.sleep(0.05)
        return None

    def finish(self):
        """Waits for the reports under way."""
        for thread in self._reporting:
            thread.join()

    def _keep(self, *facts):
        with self._lock:
            self.handed.append(facts)

    def _report_later(self, address, sid):
        statuses = ["queued", "sent", "delivered", "sent", "delivered"]
        with self._lock:
            self._chance.shuffle(statuses)
            wait = self._chance.choice([0, 0, 0.05, 0.3])
        thread = threading.Thread(target=self._report, args=(address, sid, statuses, wait))
        thread.start()
        self._reporting.append(thread)
        if not wait:
            time.sleep(0.02)  # so that the first report may come before the answer does

    def _report(self, address, sid, statuses, wait):
        time.sleep(wait)
        for status in statuses:
            form = {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC", "To": "+998", "From": "+1"}
            signature = RequestValidator(TOKEN).compute_signature(address, form)
            request = urllib.request.Request(address, urlencode(form).encode(), {"X-Twilio-Signature": signature})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert answer.status < 300
            except (OSError, urllib.error.HTTPError):  # it died, or its database was busy: a report that is lost
                continue
            with self._lock:
                self.acknowledged.append((sid, status))
