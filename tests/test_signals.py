"""Signals tell a project what has happened, after the commit; no receiver changes anything."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, connections, transaction
from django.dispatch import Signal
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from otp_app import person, services, signals, tokens
from otp_app.accounts import confirmations, contexts
from otp_app.models import User
from otp_app.urls import urlpatterns as ours
from tests.factories import new_phone, other_than
from tests.programs import ROOT
from tests.remote import remotes
from tests.reporting import say
from tests.rulings.made import ruled
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

SIGNALS = {name: each for name, each in vars(signals).items() if isinstance(each, Signal)}
PAGE = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
PATIENCE = 60  # seconds


class Calls:
    """Keep what receivers of all signals were called with."""

    def __init__(self):
        self.all = []

    def names(self):
        return [name for name, _ in self.all]

    def of(self, name):
        return [facts for each, facts in self.all if each == name]


@pytest.fixture
def connect():
    """Connect a receiver, called with the signal's name, to all signals; disconnect it in the end."""
    connected = []

    def connect(receiver):
        for name, signal in SIGNALS.items():
            partly = partial(receiver, name)
            signal.connect(partly, weak=False)
            connected.append((signal, partly))

    yield connect
    for signal, partly in connected:
        signal.disconnect(partly)


@pytest.fixture
def calls(connect):
    kept = Calls()

    def keep(name, signal, **facts):
        kept.all.append((name, facts))

    connect(keep)
    return kept


@pytest.fixture
def remote():
    with remotes() as providers:
        yield providers


@pytest.fixture(params=[False, True], ids=["plain", "ATOMIC_REQUESTS"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


def post(path_, body=None, token=""):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Client().post(f"/api/{path_}/", body or {}, content_type="application/json", headers=headers)


def change(remote, phone):
    """Change the number of another user, who has confirmed it, and return the answer."""
    user = User.objects.create_user(new_phone())
    row = confirmations.open_for(
        user, confirmations.begin(user, "change_phone", contexts.encoded({"text": phone}), 32 * "0")
    )
    token, body = tokens.current().issue(user, None).token, {"phone": phone, "confirmation": confirmations.confirm(row)}
    challenge_id = post("phone", body, token).json()["challenge_id"]
    return post("phone/verify", {"challenge_id": challenge_id, "otp": remote.sent[-1][1].code}, token)


def play(remote, phone):
    """Do what sends each signal, and return the answers' statuses."""
    sent = post("send-otp", {"phone": phone})
    challenge_id, code = sent.json()["challenge_id"], remote.sent[-1][1].code
    soon = post("send-otp", {"phone": phone, "challenge_id": challenge_id, "channel": "sms"})
    say("delivered", reference=f"remote-{len(remote.sent)}")
    verified = post("verify-otp", {"phone": phone, "otp": code, "challenge_id": challenge_id})
    out = post("logout", token=verified.json()["token"])
    ruled(f"phone {(shut := new_phone())}")
    answers = (sent, soon, verified, out, change(remote, new_phone()), post("send-otp", {"phone": shut}))
    return [answer.status_code for answer in answers]


STATUSES = [200, 429, 200, 204, 200, 429]
ORDER = ["limited", "reported", "signed_up", "signed_in", "signed_out", "phone_changed", "limited", "blocked"]


def test_the_page_has_all_signals_with_their_arguments(remote, calls):
    phone = new_phone()
    assert play(remote, phone) == STATUSES
    person.erase(user=User.objects.get(phone=phone))
    assert calls.names() == [*ORDER, "signed_out", "account_deleted"]
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGE))
    told = {name: set(re.findall(r"`(\w+)`", row)) for name, row in rows.items()}
    told["blocked"] = told["blocked"] - {"limited"} | told["limited"]
    assert told == {name: set(calls.of(name)[-1]) - {"sender"} for name in SIGNALS}
    explained = " ".join(re.findall(r"(?m)^\| ([^|]+) \| [^|]+ \|$", PAGE))
    assert set.union(*told.values()) - {"everywhere", "is_new"} == set(re.findall(r"`(\w+)`", explained))


def test_the_receiver_of_the_page_hears_of_a_new_user(outbox, capsys):
    (block,) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
    names, phone = {}, new_phone()
    exec(block, names)  # noqa: S102  (it is ours)
    try:
        services.send_code(phone=phone)
        done = services.sign_in(phone=phone, code=outbox[-1].code)
    finally:
        signals.signed_up.disconnect(names["welcome"])
    assert capsys.readouterr().out == f"a new user: {done.user.pk}, {phone}\n"


def test_each_signal_says_of_whom_by_which_request_and_challenge(remote, calls):
    phone = new_phone()
    play(remote, phone)
    user, (up,), (in_,), (out,) = (
        User.objects.get(phone=phone),
        *map(calls.of, ("signed_up", "signed_in", "signed_out")),
    )
    challenge = calls.of("limited")[0]["challenge"]
    for facts, request_path in ((up, "verify-otp"), (in_, "verify-otp"), (out, "logout")):
        assert (facts["sender"], facts["user"], facts["phone"]) == (User, user, phone)
        assert facts["request"].path == f"/api/{request_path}/"
    assert [(each["challenge"], each["channel"]) for each in (up, in_)] == [(challenge, "sms")] * 2
    assert (calls.of("limited")[0]["channel"], calls.of("limited")[0]["request"].path) == ("sms", "/api/send-otp/")
    assert (in_["is_new"], out["everywhere"]) == (True, False)
    (report,), (shut,) = calls.of("reported"), calls.of("blocked")
    assert (report["challenge"], report["channel"], report["delivery"].status) == (challenge, "sms", "delivered")
    assert (shut["subject"], shut["limit"]) == (f"phone {shut['phone']}", "blocked")


def test_who_comes_back_has_not_signed_up(outbox, calls):
    phone = new_phone()
    User.objects.create_user(phone)
    services.send_code(phone=phone)
    services.sign_in(phone=phone, code=outbox[-1].code)
    assert (calls.names(), calls.of("signed_in")[0]["is_new"]) == (["signed_in"], False)
    assert calls.of("signed_in")[0]["request"] is None


def test_a_check_that_is_refused_tells_by_which_request(settings, calls, outbox):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    services.send_code(phone=(phone := new_phone()))
    for _ in range(2):
        post("verify-otp", {"phone": phone, "otp": other_than(outbox[-1].code)})
    (facts,) = calls.of("limited")
    assert (facts["limit"], facts["request"].path) == ("checks_per_client_hour", "/api/verify-otp/")


@pytest.mark.usefixtures("atomic")
def test_receivers_that_raise_change_no_answer_and_keep_nothing_from_the_others(remote, connect, caplog):
    heard = []

    def fail(name, **_):
        raise LookupError(name)

    connect(fail)  # as partials, which have no name
    connect(lambda name, **_: heard.append(name))
    assert play(remote, new_phone()) == STATUSES
    assert heard == ORDER
    logged = [str(record.exc_info[1]) for record in caplog.records if record.name == "django.dispatch"]
    assert logged == ORDER


@pytest.mark.usefixtures("atomic")
def test_receivers_are_called_after_the_commit_and_others_are_served_while_one_is_slow(remote, connect):
    inside, others = [], []

    def somebody_else():
        try:
            return services.send_code(phone=new_phone()).expires_in
        finally:
            connections.close_all()

    def wait(name, **_):
        inside.append(connection.in_atomic_block)
        with ThreadPoolExecutor(1) as pool:  # a lock that was held here would let this wait in vain
            others.append(pool.submit(somebody_else).result(PATIENCE))

    connect(wait)
    assert play(remote, new_phone()) == STATUSES
    assert inside == [False] * len(ORDER)
    assert others == [300] * len(ORDER)


# who signs out


def out_everywhere(request):
    services.sign_out_everywhere(user=User.objects.get(), request=request)
    if "fail" in request.GET:
        raise LookupError
    return HttpResponse(",".join(request.META["calls"].names()))


urlpatterns = [*ours, path("out/", out_everywhere)]


@pytest.mark.parametrize(("query", "sent"), [("", ["signed_out"]), ("?fail", [])])
def test_a_host_that_wraps_its_view_hears_of_a_sign_out_after_the_commit_and_of_none_that_is_undone(
    settings, monkeypatch, calls, query, sent
):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    user = User.objects.create_user(new_phone())
    token = tokens.current().issue(user, None).token
    answer = Client(raise_request_exception=False).get(f"/out/{query}", calls=calls)
    assert calls.names() == sent
    assert (tokens.authenticate(token) is None) is bool(sent)
    if sent:
        assert answer.content == b""
        assert [calls.of("signed_out")[0][name] for name in ("user", "phone", "everywhere")] == [user, user.phone, True]


@pytest.mark.django_db(transaction=False)
def test_the_transaction_of_a_test_is_none(calls):
    with transaction.atomic():
        user = User.objects.create_user(new_phone())
        services.sign_out_everywhere(user=user)
        assert calls.names() == []
    services.sign_out_everywhere(user=user)
    assert calls.names() == ["signed_out"]


def test_signing_out_on_the_page_tells_of_whoever_was_signed_in(outbox, calls):
    visitor = Visitor(outbox)
    visitor.sign_in()
    for _ in range(2):  # the second time nobody is
        visitor.post("/account/sign-out/")
    assert [facts["phone"] for facts in calls.of("signed_out")] == [visitor.phone]
    assert calls.of("signed_out")[0]["request"].path == "/account/sign-out/"
