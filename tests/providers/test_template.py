"""A gateway that exists in its operator's settings only."""

import json
from dataclasses import replace
from typing import ClassVar

import pytest

from otp_app.providers.base import (
    Blocked,
    Event,
    Forged,
    NotAccepted,
    ProviderError,
    Rejected,
    Report,
    Unknown,
    Unreachable,
    Unsuited,
)
from otp_app.providers.template import TemplateProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract

REPORTS = {
    "secret": "s&cret",
    "status": "message.state",
    "words": {"DELIVRD": "delivered", 4: "failed"},
    "reference": "message.id",
    "error": "message.error",
}
OPTIONS = {
    "headers": {"Authorization": "Bearer key"},
    "json": {"to": "{digits}", "text": "{body}", "callback": "{callback}"},
    "accepted": {"path": "result.status", "values": ["ok", 0]},
    "reference": "result.ids.0",
    "errors": {
        "path": "error.code",
        "rejected": [404, "opted-out"],
        "unreachable": ["LANDLINE"],
        "blocked": ["fraud"],
        "not_accepted": ["no_money"],
    },
    "reports": REPORTS,
}
GOOD = (200, {"result": {"status": "ok", "ids": ["g-7"]}})
PLAIN = {"to": "{to}", "text": "{body}"}


def a_report(body=b"", secret="s&cret", **query):
    return Report(MESSAGE.callback, {}, {"id": MESSAGE.id, "secret": secret} | query, body)


def as_json(**message):
    return json.dumps({"message": {"id": "g-7", "state": "DELIVRD", "to": "998901234567"} | message}).encode()


class TestTemplate(RestContract):
    good: ClassVar = {"/send/": GOOD}
    sends = "/send/"
    reference = "g-7"

    @pytest.fixture
    def make(self):
        return lambda url, **changes: TemplateProvider(f"{url}/send/?v=2", **(OPTIONS | changes))

    def test_a_message_without_a_code_does_not_go_to_a_gateway_with_a_text_of_its_own(self, make, server):
        notice = replace(MESSAGE, code="")
        with pytest.raises(Unsuited, match="no_text"):
            make(server.url, json={"to": "{to}", "code": "{code}"}).send(notice)
        assert server.requests == []
        make(server.url).send(notice)
        assert len(server.requests) == 1

    def test_it_asks_as_it_is_told(self, provider, server):
        provider.send(MESSAGE)
        (asked,) = server.requests
        assert (asked.method, asked.path, asked.query) == ("POST", "/send/", {"v": "2"})
        assert asked.headers["authorization"] == "Bearer key"
        assert asked.json == {
            "to": "998901234567",
            "text": MESSAGE.body,
            "callback": f"{MESSAGE.callback}&secret=s%26cret",
        }

    def test_every_placeholder_is_filled_at_any_depth_and_the_rest_left_alone(self, make, server):
        template = {
            "{to}": ["{digits}", {"text": "<{body}>"}, ("{code}",)],
            "all": "{id} {language} {expires_in} {callback}",
            "ttl": "{expires_in}",
            "fixed": [1, None, True, "plain", "} and {"],
        }
        make(server.url, json=template).send(MESSAGE)
        assert server.requests[0].json == {
            "+998901234567": ["998901234567", {"text": f"<{MESSAGE.body}>"}, ["987654"]],
            "all": f"{MESSAGE.id} en 300 {MESSAGE.callback}&secret=s%26cret",
            "ttl": 300,
            "fixed": [1, None, True, "plain", "} and {"],
        }

    def test_what_looks_like_a_placeholder_in_a_message_is_text(self, make, server):
        make(server.url, json={"to": "{to}", "text": "{body}!"}).send(replace(MESSAGE, body="{code} {to.__class__}"))
        assert server.requests[0].json["text"] == "{code} {to.__class__}!"

    def test_without_a_public_address_there_is_nowhere_to_report_to(self, provider, server):
        provider.send(replace(MESSAGE, callback=""))
        assert server.requests[0].json["callback"] == ""

    def test_the_address_is_taken_to_the_letter(self, server):
        TemplateProvider(f"{server.url}/send/", form=PLAIN).send(MESSAGE)
        TemplateProvider(server.url, form=PLAIN).send(MESSAGE)
        assert [asked.path for asked in server.requests] == ["/send/", "/"]

    def test_a_form_is_sent_with_a_user_and_a_password(self, make, server):
        make(server.url, json=None, form=PLAIN | {"n": 1}, headers=None, auth=["user", "pass"]).send(MESSAGE)
        (asked,) = server.requests
        assert asked.form == {"to": "+998901234567", "text": MESSAGE.body, "n": "1"}
        assert asked.headers["authorization"] == "Basic dXNlcjpwYXNz"

    def test_all_may_go_into_the_address(self, make, server):
        make(server.url, method="GET", json=None, query=PLAIN).send(MESSAGE)
        (asked,) = server.requests
        assert (asked.method, asked.body) == ("GET", "")
        assert asked.query == {"v": "2", "to": "+998901234567", "text": MESSAGE.body}

    @pytest.mark.parametrize(
        ("code", "meaning"),
        [
            (404, Rejected),
            ("404", Rejected),
            ("opted-out", Rejected),
            ("LANDLINE", Unreachable),
            ("fraud", Blocked),
            ("no_money", NotAccepted),
            ("something_else", Unknown),
        ],
    )
    @pytest.mark.parametrize("status", [200, 500])
    def test_a_code_means_what_its_list_says_whatever_the_status(self, provider, server, status, code, meaning):
        server.answers["/send/"] = (status, {"error": {"code": code}})
        with pytest.raises(ProviderError) as raised:
            provider.send(MESSAGE)
        assert type(raised.value) is meaning
        assert raised.value.reason == str(code)

    @pytest.mark.parametrize("code", ["No such number: +998901234567", "998901234567", "x" * 99, ["a"], {"a": 1}, None])
    def test_what_is_no_short_code_is_never_a_reason(self, provider, server, code):
        server.answers["/send/"] = (422, {"error": {"code": code}})
        with pytest.raises(NotAccepted) as raised:
            provider.send(MESSAGE)
        assert raised.value.reason == "422"

    @pytest.mark.parametrize(
        "answer",
        [
            {"result": {"status": "no", "ids": ["g-7"]}},
            {"result": {"status": "ok", "ids": []}},
            {"result": {"status": "ok", "ids": [["g-7"]]}},
            {"result": {"status": "ok", "ids": {"0": None}}},
            {"result": "ok"},
        ],
    )
    def test_a_success_that_does_not_say_yes_or_has_no_id_is_unknown(self, provider, server, answer):
        server.answers["/send/"] = (200, answer)
        with pytest.raises(Unknown, match="200"):
            provider.send(MESSAGE)

    @pytest.mark.parametrize("status", [0, "0", "ok"])
    def test_a_number_and_its_text_are_the_same_word(self, provider, server, status):
        server.answers["/send/"] = (200, {"result": {"status": status, "ids": [7]}})
        assert provider.send(MESSAGE).reference == "7"

    def test_where_reports_do_not_tell_their_id_the_delivery_stays_under_ours(self, make, server):
        silent = make(server.url, reports={name: REPORTS[name] for name in ("secret", "status", "words")})
        assert silent.send(MESSAGE).reference == ""
        assert make(server.url, reports=None, json=PLAIN).send(MESSAGE).reference == "g-7"

    def test_a_list_is_entered_by_places_only(self, provider, server):
        server.answers["/send/"] = (200, {"result": ["ok"]})
        with pytest.raises(Unknown):
            provider.send(MESSAGE)

    def test_without_more_to_look_at_the_status_decides(self, make, server):
        plain = make(server.url, accepted=None, reference="", errors=None)
        server.answers["/send/"] = (201, "OK")
        assert plain.send(MESSAGE).reference == ""
        server.answers["/send/"] = (302, "")
        with pytest.raises(Unknown):
            plain.send(MESSAGE)

    def test_the_statuses_that_mean_yes_can_be_told(self, make, server):
        strict = make(server.url, accepted={"status": [202]})
        with pytest.raises(Unknown):
            strict.send(MESSAGE)
        server.answers["/send/"] = (202, GOOD[1])
        assert strict.send(MESSAGE).reference == "g-7"

    def test_an_instance_serves_the_channels_that_it_is_told(self, provider, make, server):
        assert provider.channels == {"sms"}
        assert make(server.url, channels=["call", "sms"]).channels == {"call", "sms"}

    @pytest.mark.parametrize(
        ("body", "query"),
        [
            (as_json(), {}),
            (b" " + as_json(to="+998901234567", error="No such number: +998901234567"), {}),
            (b"message.state=x&state=DELIVRD&id=g-7", {}),
            (b"", {"state": "DELIVRD"}),
        ],
    )
    def test_a_report_becomes_an_event_without_the_number(self, make, server, body, query):
        in_json = body.lstrip().startswith(b"{")
        provider = make(
            server.url, reports=REPORTS if in_json else REPORTS | {"status": "state", "reference": "id", "error": ""}
        )
        (event,) = provider.events(a_report(body, **query))
        reference = "g-7" if body else MESSAGE.id  # both are called "id", the one in the body is theirs
        raw = {"status": "DELIVRD", "reference": reference, "error": ""}
        assert event == Event("delivered", reference=reference, id=MESSAGE.id, raw=raw)

    def test_our_id_may_stand_in_the_report(self, make, server):
        provider = make(server.url, reports=REPORTS | {"id": "message.ours"})
        (event,) = provider.events(a_report(as_json(ours="2" * 32)))
        assert event.id == "2" * 32

    def test_words_of_a_report_may_be_numbers_and_its_error_is_told(self, provider):
        (event,) = provider.events(a_report(as_json(state=4, error="EXPIRED")))
        assert (event.status, event.error) == ("failed", "EXPIRED")

    def test_a_word_that_is_not_translated_changes_nothing(self, provider):
        assert provider.events(a_report(as_json(state="ENROUTE"))) == []

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff", b'{"message": {"state": {}}}'])
    def test_what_makes_no_sense_is_said(self, provider, body):
        with pytest.raises(ValueError, match=r"\w"):
            provider.events(a_report(body))

    def test_without_reports_every_report_is_forged(self, make, server):
        provider = make(server.url, json=PLAIN, reports=None)
        with pytest.raises(Forged):
            provider.events(a_report(as_json(), secret=""))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "sms.example.com/send"}, "url must begin with http"),
        ({"url": "https:///send"}, "url must begin with http"),
        ({"url": "https://sms.example.com/{to}"}, "url must begin with http.* those go into query"),
        ({"method": "DELETE"}, "method must be POST, PUT or GET"),
        ({"auth": "user:password"}, "auth must be"),
        ({"auth": ["token"]}, "auth must be"),
        ({"form": {"to": "{to}"}}, "json or form, not both"),
        ({"json": None, "form": {"to": ["{to}"], "text": "{body}"}}, "must be texts or numbers"),
        ({"query": {"n": None}}, "must be texts or numbers"),
        ({"json": PLAIN | {"x": "{phone}"}}, r"Nobody fills in \['phone'\]; there are \['body'"),
        ({"json": PLAIN | {"x": "{to.__class__}"}}, "Nobody fills in"),
        ({"json": PLAIN | {"{x}": ""}}, "Nobody fills in"),
        ({"json": [PLAIN, ["{}"]]}, "Nobody fills in"),
        ({"json": {"text": "{body}"}}, "whom is it for"),
        ({"json": {"to": "{to}"}}, "what is there to read"),
        ({"reports": None}, "{callback} needs reports"),
        ({"accepted": {"status": 200}}, "must be lists"),
        ({"accepted": {"path": "status", "values": "ok"}}, "must be lists"),
        ({"errors": {"path": "code", "rejected": 4}}, "must be lists"),
        ({"accepted": {"path": "status"}}, "path and values together"),
        ({"accepted": {"values": ["ok"]}}, "path and values together"),
        ({"accepted": {"state": [200]}}, r"accepted has no \['state'\]; there are \['path', 'status', 'values'\]"),
        ({"errors": {"rejected": ["x"]}}, "errors needs a path"),
        ({"errors": {"path": "code", "refused": ["x"]}}, r"errors has no \['refused'\]"),
        ({"channels": ["pigeon"]}, "channels must be some of sms, call"),
        ({"channels": []}, "channels must be some of"),
        ({"reports": {"secret": "", "status": "x", "words": {"x": "sent"}}, "json": PLAIN}, "reports needs secret"),
        ({"reports": {"secret": "x", "words": {"x": "sent"}}}, "reports needs secret, status and words"),
        ({"reports": {"secret": "x", "status": "x"}}, "reports needs secret, status and words"),
        ({"reports": REPORTS | {"words": ["sent"]}}, "words must be a dict"),
        ({"reports": REPORTS | {"words": {"OK": "arrived"}}}, r"words must be a dict from theirs to \['delivered'"),
        ({"reports": REPORTS | {"sceret": "x"}}, r"reports has no \['sceret'\]"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        TemplateProvider(**({"url": "https://sms.example.com/send"} | OPTIONS | changes))


def test_an_option_that_does_not_exist_is_named():
    with pytest.raises(TypeError, match="jason"):
        TemplateProvider("https://sms.example.com", jason={})


@pytest.mark.parametrize("name", ["headers", "query", "form", "accepted", "errors", "reports"])
@pytest.mark.parametrize("value", ["to", [{}], 1])
def test_what_must_be_a_dict_is_named(name, value):
    with pytest.raises(TypeError, match=f"{name} must be a dict"):
        TemplateProvider(**({"url": "https://sms.example.com/send"} | OPTIONS | {name: value}))
