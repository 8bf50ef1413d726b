"""Strict parsing: one number, one string, and nothing that only looks like a number."""

import copy
import json
import pickle

import phonenumbers
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from otp_app import phones
from otp_app.errors import InvalidPhone, OtpError, RegionNotAllowed
from otp_app.models import User

GOOD = "+998901234567"


@pytest.mark.parametrize(
    "raw",
    [
        GOOD,
        "+998 90 123 45 67",
        "+998(90)123-45-67",
        "+998 (90) 123.45.67",
        "+99890 1234567",
        " +998901234567 ",
        "+998\u00a090\u202f123\u20094567\u3000",
        "tel:+998901234567",
        "TEL: +998-90-123-45-67",
        "00998901234567",
        "00 998 (90) 123-45-67",
        "00(998)901234567",
        "tel:00998901234567",
    ],
)
def test_what_people_type_beside_the_digits_is_read_over(raw):
    assert phones.parse(raw) == GOOD


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "+",
        "998901234567",
        "+00998901234567",
        "00+998901234567",
        "0998901234567",
        "000998901234567",
        "00",
        "tel:",
        "tel:tel:+998901234567",
        "tel;+998901234567",
        "callto:+998901234567",
        "tel:+998901234567;phone-context=+998",
        "+998901234567 ext. 5",
        "+998901234567x5",
        "+998901234567#5",
        "+998901234567;ext=5",
        "+998-90-FLOWERS",
        "+998901234567, +998901234568",
        "+998901234567/8",
        "+998901234567\n",
        "\t+998901234567",
        "+998\u200b901234567",
        "+998\u202a901234567",
        "\u200e+998901234567",
        "＋998901234567",
        "+９９８901234567",
        "+٩٩٨901234567",
        "++998901234567",
        "+-998901234567",
        "+998901234567\x00",
        "+99890123456",
        "+9989012345678",
        "+9" * 20,
        "+998901234567" + " " * 30,
    ],
)
def test_anything_else_is_refused(raw):
    with pytest.raises(InvalidPhone):
        phones.parse(raw)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("+19002345678", "premium"),
        ("+18002345678", "toll-free"),
        ("+448432345678", "shared cost or special"),
        ("+998712345678", "a landline"),
        ("+447012345678", "a personal number"),
    ],
)
def test_numbers_that_receive_no_texts_are_refused(raw, kind):
    with pytest.raises(InvalidPhone):
        phones.parse(raw)


@pytest.mark.parametrize("raw", ["+870773111632", "+979123456789", "+881612345678", "+883510001234"])
@pytest.mark.parametrize("allowed", ["*", ["*"], []])
def test_satellite_and_international_services_are_refused_under_every_list(raw, allowed, settings):
    settings.OTP_ALLOWED_REGIONS = allowed
    with pytest.raises((RegionNotAllowed, InvalidPhone)):
        phones.parse(raw)


@pytest.mark.parametrize("raw", ["+12015550123", "+77012345678", "+79161234567", "+4915123456789", "+447400123456"])
def test_mobiles_of_the_world_are_taken_where_all_are_served(raw):
    assert phones.parse(raw) == raw


def test_the_gate_is_by_country_and_not_by_calling_code(settings):
    settings.OTP_ALLOWED_REGIONS = "KZ, us"
    assert phones.parse("+77012345678")
    assert phones.parse("+12015550123")
    for raw in ("+79161234567", "+14165550123", GOOD):
        with pytest.raises(RegionNotAllowed):
            phones.parse(raw)


@pytest.mark.parametrize(
    ("allowed", "named"),
    [
        ("KZ", " Countries we serve: Kazakhstan."),
        ("KZ, US, DE, FR, GB", " Countries we serve: France, Germany, Kazakhstan, United Kingdom, United States."),
        ("KZ, US, DE, FR, GB, TR", ""),
    ],
)
def test_who_has_a_number_of_another_country_is_told_of_those_that_are_served_if_they_are_few(settings, allowed, named):
    settings.OTP_ALLOWED_REGIONS = allowed
    with pytest.raises(RegionNotAllowed) as refused:
        phones.parse(GOOD)
    assert str(refused.value.detail) == "We do not serve numbers of this country yet." + named


def test_where_all_countries_are_served_none_is_named(settings):
    settings.OTP_ALLOWED_REGIONS = "*"
    with pytest.raises(RegionNotAllowed) as refused:
        phones.parse("+870773111632")  # of a satellite
    assert str(refused.value.detail) == "We do not serve numbers of this country yet."


def test_a_number_of_the_own_country_may_be_typed_as_people_say_it(settings):
    settings.OTP_DEFAULT_REGION = "UZ"
    assert phones.parse("90 123-45-67") == phones.parse("(90) 123 45 67") == GOOD
    assert phones.parse("+77012345678") == "+77012345678"


def test_staff_may_enter_numbers_that_the_gate_would_refuse(settings):
    settings.OTP_ALLOWED_REGIONS = ["KZ"]
    assert phones.parse("+998712345678", gate=False) == "+998712345678"
    with pytest.raises(InvalidPhone):
        phones.parse("+998", gate=False)


def _parsed(raw, region=""):
    """The number that a spelling is read as; None if the spelling is refused."""
    try:
        return phones.parse(raw, region=region)
    except OtpError:
        return None


TYPED = st.lists(
    st.sampled_from(["tel:", "00", "+", "998", "90", *"0123456789 ().-,;xX#*/\u00a0\u0660\uff11\u202e\t\n"])
)


@given(TYPED.map("".join), st.sampled_from(["", "UZ", "US", "DE"]))
def test_whatever_is_accepted_is_its_own_canonical_form(raw, region):
    phone = _parsed(raw, region)
    if phone is None:
        return
    assert phones.parse(phone) == phones.parse(phone, region=region) == phone
    assert phone[0] == "+"
    assert phone[1:].isascii()
    assert phone[1:].isdigit()


@given(st.sampled_from(["+998901234567", "+12015550123", "+4915123456789"]), st.data())
def test_separators_never_make_another_number(phone, data):
    spelled = phone[:4] + "".join(data.draw(st.sampled_from(["", " ", "-", ".", ") "])) + digit for digit in phone[4:])
    if len(spelled) <= 32:
        assert phones.parse(spelled) == phone


def _example(region):
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    return number and _parsed(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)) and number


EXAMPLES = {region: number for region in sorted(phonenumbers.SUPPORTED_REGIONS) if (number := _example(region))}
SPACES = st.sampled_from(["", " ", "\u00a0", "\u202f"])


@given(st.sampled_from(sorted(EXAMPLES)), st.sampled_from(["", "tel:", "Tel: "]), SPACES, SPACES, st.data())
def test_no_two_spellings_of_one_number_get_two_keys(region, scheme, before, between, data):
    formats = phonenumbers.PhoneNumberFormat
    phone = phonenumbers.format_number(EXAMPLES[region], formats.E164)
    national = phonenumbers.format_number(EXAMPLES[region], formats.NATIONAL)
    written = phonenumbers.format_number(EXAMPLES[region], formats.INTERNATIONAL)
    typed = data.draw(
        st.sampled_from([phone, written, written.replace("+", "00"), f"00{between}{phone[1:]}", national])
    )
    spelled = before + scheme + typed.replace(" ", between) + before
    if len(spelled) <= phones.MAX_CHARACTERS:
        understood = phones.parse(spelled, region=region)
        assert (understood, understood.key) == (phone, phones.as_phone(phone).key)


class TestNationalRegion:
    """The country whose national form is accepted."""

    @pytest.mark.parametrize(
        ("default", "allowed", "region"),
        [
            ("", ["UZ"], "UZ"),
            ("", "uz", "UZ"),
            ("", ["UZ", "KZ"], ""),
            ("KZ", ["UZ", "KZ"], "KZ"),
            ("KZ", ["UZ"], "KZ"),
            ("", "*", ""),
            ("", "*,UZ", ""),
        ],
    )
    def test_it_is_the_settings_own_else_the_only_one_that_is_served(self, settings, default, allowed, region):
        settings.OTP_DEFAULT_REGION, settings.OTP_ALLOWED_REGIONS = default, allowed
        assert phones.national_region() == region

    def test_where_one_is_served_its_national_form_is_taken_and_others_are_refused(self, settings):
        settings.OTP_ALLOWED_REGIONS = ["UZ"]
        assert phones.parse("90 123 45 67") == phones.parse("998 90 123 45 67") == GOOD
        with pytest.raises(RegionNotAllowed):
            phones.parse("+77012345678")
        with pytest.raises(InvalidPhone):
            phones.parse("8 701 234 56 78")

    def test_where_two_are_served_none_is(self, settings):
        settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
        with pytest.raises(InvalidPhone):
            phones.parse("90 123 45 67")


class TestAllowedRegions:
    TWILIO = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER")

    @pytest.fixture(autouse=True)
    def _paid(self, settings):
        settings.OTP_PROVIDERS = []
        for name in self.TWILIO:
            setattr(settings, name, "+12015550123")

    def test_an_empty_list_serves_nobody_when_messages_cost_money(self, settings):
        settings.OTP_ALLOWED_REGIONS = []
        assert phones.allowed_regions() == frozenset()

    def test_an_absent_list_serves_uzbekistan_and_the_country_of_the_senders_number(self, settings):
        settings.OTP_ALLOWED_REGIONS = None  # as where it is absent; nobody is told of a deletion
        assert phones.allowed_regions() == {"UZ", "US"}
        settings.TWILIO_PHONE_NUMBER = "MG" + "0" * 32
        assert phones.allowed_regions() == {"UZ"}

    def test_any_list_will_do_when_messages_cost_nothing(self, settings):
        settings.TWILIO_AUTH_TOKEN = ""
        settings.OTP_ALLOWED_REGIONS = []
        assert phones.allowed_regions() == {"*"}


class TestPhone:
    """The class Phone."""

    def test_what_was_typed_is_read_into_one_that_knows_its_country(self):
        phone = phones.parse("+998 90 123-45-67")
        assert (phone, phone.region, phone.is_test) == (GOOD, "UZ", False)

    def test_of_what_is_e164_already_one_is_made_and_of_a_value_no_other(self):
        phone = phones.as_phone("+12015550123")
        assert (phone, phone.region) == ("+12015550123", "US")
        assert phones.as_phone(phone) is phone

    @pytest.mark.parametrize("text", ["", "+999", "nonsense"])
    def test_what_is_of_no_country_says_so(self, text):
        assert phones.as_phone(text).region == ""

    def test_it_is_the_text_in_a_dict_and_in_json(self):
        phone = phones.parse(GOOD)
        assert {GOOD: 1}[phone] == 1
        assert json.loads(json.dumps({"phone": phone})) == {"phone": GOOD}
        assert copy.deepcopy(phone).region == "UZ"

    def test_what_a_session_keeps_of_it_is_asked_anew_whether_it_is_a_test_number(self, settings):
        phone = phones.parse(GOOD)
        assert not phone.is_test
        settings.OTP_TEST_NUMBERS = {GOOD: {"code": "246810"}}
        kept = pickle.loads(pickle.dumps(phone))  # noqa: S301  (our own)
        assert (kept, kept.region, kept.is_test) == (GOOD, "UZ", True)

    def test_databases_take_it_as_text_and_give_text_back(self, db):
        user = User.objects.create(phone=phones.as_phone(GOOD))
        kept = User.objects.get(phone=phones.as_phone(GOOD))
        assert (kept, kept.phone) == (user, GOOD)
        with connection.cursor() as cursor:
            cursor.execute("SELECT phone FROM otp_app_user WHERE phone = %s", [phones.as_phone(GOOD)])
            assert cursor.fetchall() == [(GOOD,)]

    def test_a_test_number_is_one_whatever_its_spelling_and_no_other_number_is(self, settings):
        settings.OTP_TEST_NUMBERS = {GOOD: {"code": "246810"}}
        settings.OTP_DEFAULT_REGION = "UZ"
        assert all(phones.parse(raw).is_test for raw in (GOOD, "+998 90 123 45 67", "90 123 45 67"))
        assert phones.as_phone(GOOD).is_test
        assert not phones.as_phone("+998901234568").is_test

    def test_a_test_number_of_no_country_has_none(self, settings):
        settings.OTP_TEST_NUMBERS = {"+9990000000": {"code": "246810"}}
        phone = phones.parse("+999 000 0000")
        assert (phone.is_test, phone.region) == (True, "")


def test_warming_loads_the_served_countries(settings, monkeypatch):
    loaded = []
    monkeypatch.setattr(phonenumbers.PhoneMetadata, "metadata_for_region", loaded.append)
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ", "*", "XX"]
    phones.warm()
    assert sorted(loaded) == ["KZ", "UZ"]


NUMBERS = [GOOD, "+12025550123", "+3547712345", "+123456789", "+12345678", "+290212345678901"]


@pytest.mark.parametrize(
    ("phone", "masked"), [(GOOD, "+998901••••••"), ("+12345678", "+12••••••"), ("+123", "••••"), ("", "")]
)
def test_a_masked_number_hides_its_last_six_digits(phone, masked):
    assert phones.mask(phone) == masked


@pytest.mark.parametrize("phone", NUMBERS)
def test_a_masked_prefix_shows_nothing_that_its_masked_number_does_not(phone):
    for length in range(2, len(phone) - 3):
        kind, prefix = phones.mask_subject(f"prefix {phone[:length]}").split()
        assert (kind, len(prefix)) == ("prefix", length)
        assert phones.mask(phone).startswith(prefix.rstrip("•"))


@pytest.mark.parametrize("phone", NUMBERS)
def test_a_number_is_masked_alike_wherever_it_is_the_subject(phone):
    assert phones.mask_subject(f"phone {phone}") == f"phone {phones.mask(phone)}"


def test_a_prefix_that_is_nearly_a_number_hides_more():
    assert phones.mask_subject("prefix +9989012345") == "prefix +998901••••"


@pytest.mark.parametrize("subject", ["region UZ", "client 192.0.2.1", "all all", ""])
def test_what_is_neither_phone_nor_prefix_is_not_masked(subject):
    assert phones.mask_subject(subject) == subject


class TestHome:
    """The country to assume for a person: ``assumed_region``."""

    @pytest.mark.parametrize(
        ("default", "allowed", "homes", "home"),
        [
            ("", "*", ["UZ"], "UZ"),
            ("KZ", "*", ["UZ"], "KZ"),
            ("", ["KZ"], ["UZ"], "KZ"),
            ("", ["US", "UZ"], ["UZ"], "UZ"),
            ("", ["US", "KZ"], ["UZ"], "KZ"),
            ("", ["US", "KZ"], ["UZ", "US"], "US"),
            ("", "*", [], ""),
            ("", "*,KZ", [], "KZ"),
        ],
    )
    def test_it_is_the_settings_own_else_a_home_region_that_is_served_else_the_first(
        self, settings, default, allowed, homes, home
    ):
        settings.OTP_DEFAULT_REGION, settings.OTP_ALLOWED_REGIONS, settings.OTP_HOME_REGIONS = default, allowed, homes
        assert phones.assumed_region() == home

    @pytest.mark.parametrize(
        ("home", "start"), [("UZ", "+998 "), ("KZ", "+7 "), ("US", "+1 "), ("", "+998 "), ("GB", "+44 ")]
    )
    def test_the_example_is_a_mobile_number_of_it_as_people_read_it(self, settings, home, start):
        settings.OTP_DEFAULT_REGION, settings.OTP_HOME_REGIONS = home, []
        assert phones.example_number().startswith(start)
        assert phones.parse(phones.example_number())

    def test_any_country_has_an_example_of_its_own(self):
        assert phones.example_number("KZ").startswith("+7 7")

    def test_a_country_that_there_is_not_has_no_example(self, settings):
        settings.OTP_DEFAULT_REGION = "XX"
        assert phones.example_number() == ""


@pytest.mark.parametrize(
    ("phone", "spaced"),
    [
        (GOOD, "+998 90 123 45 67"),
        ("+12015550123", "+1 201-555-0123"),
        ("+999", "+999"),
        ("+15005550009", "+1 500-555-0009"),
    ],
)
def test_a_number_is_shown_as_people_read_it_and_a_test_number_of_no_country_as_it_is(phone, spaced):
    assert phones.spaced(phone) == spaced


class TestRegion:
    """``parse(region=…)``, for the page."""

    def test_the_national_form_of_that_country_is_taken(self):
        assert phones.parse("90 123-45-67", region="UZ") == GOOD
        assert phones.parse("8 (701) 234-56-78", region="KZ") == "+77012345678"

    def test_it_comes_before_the_settings_own(self, settings):
        settings.OTP_DEFAULT_REGION = "KZ"
        assert phones.parse("90 123-45-67", region="UZ") == GOOD
        with pytest.raises(InvalidPhone):
            phones.parse("90 123-45-67")

    def test_a_number_with_its_country_code_is_of_its_own_country(self):
        assert phones.parse("+77012345678", region="UZ") == "+77012345678"

    def test_without_any_country_a_national_form_is_none(self):
        with pytest.raises(InvalidPhone):
            phones.parse("90 123-45-67", region="")

    def test_the_gate_is_no_wider_for_it(self, settings):
        settings.OTP_ALLOWED_REGIONS = ["UZ"]
        with pytest.raises(RegionNotAllowed):
            phones.parse("701 234 56 78", region="KZ")
