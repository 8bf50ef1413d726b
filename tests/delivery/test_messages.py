"""The texts of messages and their segments."""

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from otp_app.challenges import policies
from otp_app.conf import conf
from otp_app.delivery import messages
from otp_app.notifications import (
    EMAIL_ADDED,
    FACTOR_ADDED,
    NEW_DEVICE,
    NUMBER_CHANGED,
    RECOVERY_BEGUN,
    SECOND_PHONE_REMOVED,
)
from otp_app.phones import languages
from otp_app.providers import gsm
from tests.factories import new_challenge

LANGUAGES = languages.LANGUAGES
KINDS = [NEW_DEVICE, NUMBER_CHANGED, EMAIL_ADDED, FACTOR_ADDED, RECOVERY_BEGUN, SECOND_PHONE_REMOVED]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_names_brand_code_and_minutes_and_is_one_segment(language, settings):
    settings.OTP_BRAND = "Do'kon & <Son>"
    message = messages.compose(new_challenge(language=language), "012345", 299)
    for part in (conf.BRAND, "012345", "4"):
        assert part in message.body
    assert gsm.count_segments(message.body) == 1
    assert (message.code, message.language, message.expires_in) == ("012345", language, 299)


def test_the_last_line_binds_the_code_to_the_site(settings):
    settings.OTP_WEB_HOST = "example.com"
    settings.OTP_ANDROID_APP_HASH = "FA+9qCX9VSu"
    lines = messages.body_for("login", "en", "123456", 5).splitlines()
    assert lines[-2:] == ["FA+9qCX9VSu", "@example.com #123456"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notification_is_one_segment_with_its_whole_link(language, kind):
    link = f"https://login.example.com/n/{22 * 'a'}"
    message = messages.notice(new_challenge(language=language, purpose=kind), link, 3600)
    assert message.body.splitlines()[-1] == link
    assert gsm.count_segments(message.body) == 1
    assert (message.code, message.expires_in) == ("", 3600)


def test_where_a_longer_link_does_not_fit_its_scheme_is_left_out():
    challenge = new_challenge(language="ru", purpose="new_device")
    link = f"https://sign-in.dokon.example/n/{22 * 'a'}"
    assert messages.notice(challenge, link, 3600).body == f"Новый вход. Не вы?\n{link.removeprefix('https://')}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_link_it_is_one_segment_and_names_the_brand(language, kind, settings):
    settings.OTP_BRAND = "Do'kon"
    body = messages.notice(new_challenge(language=language, purpose=kind), "", 3600).body
    assert body.startswith("Do'kon: ")
    assert len(body.splitlines()) == gsm.count_segments(body) == 1


def test_less_than_a_minute_is_said_to_be_one():
    assert "1 min" in messages.compose(new_challenge(), "123456", 20).body


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("{" * 80, 1),
        ("{" * 80 + "a", 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("oʻzbek" + "a" * 64, 1),
        ("oʻzbek" + "a" * 65, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_networks_count_them(body, count):
    assert gsm.count_segments(body) == count


def test_a_project_overrides_the_text_per_purpose(settings, tmp_path):
    (tmp_path / "otp_app").mkdir()
    (tmp_path / "otp_app" / "change_phone.sms.txt").write_text("{{ code }} changes your number at {{ brand }}")
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [str(tmp_path)]}]
    assert messages.body_for("change_phone", "en", "123456", 5) == "123456 changes your number at OTP"
    assert messages.body_for("login", "en", "123456", 5).startswith("OTP: 123456")


def test_a_project_without_templates_can_send(settings):
    settings.TEMPLATES = []
    assert "123456" in messages.body_for("login", "uz", "123456", 5)


def test_what_is_spoken_is_a_template_of_its_own_also_per_purpose(settings, tmp_path):
    (tmp_path / "otp_app").mkdir()
    (tmp_path / "otp_app" / "change_phone.call.txt").write_text("{{ brand }}: {{ code }}")
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [str(tmp_path)]}]
    settings.OTP_WEB_HOST = "example.com"
    settings.OTP_ANDROID_APP_HASH = "FA+9qCX9VSu"
    assert messages.spoken_for("change_phone", "en", "12") == "OTP: one, two"
    spoken = messages.spoken_for("login", "en", "12")
    assert spoken.startswith("OTP. ")
    assert "\n" not in spoken  # no lines for machines
    assert messages.body_for("change_phone", "en", "123456", 5).startswith("OTP: 123456")


@pytest.mark.parametrize(("channel", "shown"), [("sms", True), ("whatsapp", True), ("telegram", True), ("call", False)])
def test_only_a_voice_is_handed_words(channel, shown):
    message = messages.compose(new_challenge(channel=channel), "012345", 299)
    assert ("012345" in message.body) is shown
    assert message.channel == channel


CASES = {
    "all of it": ("OTP", "", "123456", "OTP: код 123456, 5 мин. Никому не сообщайте."),
    "exactly": (
        "A brand name of 29 characters",
        "",
        "123456",
        "A brand name of 29 characters: код 123456, 5 мин. Никому не сообщайте.",
    ),
    "one more": (
        "A brand name of 30 characters.",
        "",
        "123456",
        "A brand name of 30 characters.: код 123456. Никому не сообщайте.",
    ),
    "a longer code": (
        "A brand name of 29 characters",
        "",
        "12345678",
        "A brand name of 29 characters: код 12345678. Никому не сообщайте.",
    ),
    "a host": (
        "OTP",
        "login.example.com",
        "123456",
        "OTP: код 123456. Никому не сообщайте.\n@login.example.com #123456",
    ),
    "no warning": (
        "Twelve Chars",
        "login.example.com",
        "123456",
        "Twelve Chars: код 123456, 5 мин.\n@login.example.com #123456",
    ),
    "never one segment": ("x" * 80, "", "123456", "x" * 80 + ": код 123456, 5 мин."),
}


@pytest.mark.parametrize(("brand", "host", "code", "body"), CASES.values(), ids=CASES)
def test_a_russian_text_warns_wherever_that_fits_a_segment(settings, brand, host, code, body):
    settings.OTP_BRAND, settings.OTP_WEB_HOST = brand, host
    assert messages.body_for("login", "ru", code, 5) == body


def test_other_letters_in_a_brand_shorten_other_languages_too(settings):
    settings.OTP_BRAND = "Олтин Дўконлар тармоғи"
    uzbek, english = (messages.body_for("login", language, "123456", 5) for language in ("uz", "en"))
    assert uzbek == "Олтин Дўконлар тармоғи: kod 123456. Uni hech kimga aytmang."
    assert english == "Олтин Дўконлар тармоғи: 123456 is your code. Never share it."


@pytest.fixture
def template(settings, tmp_path):
    """The project's own text."""

    def write(text):
        (tmp_path / "otp_app").mkdir()
        (tmp_path / "otp_app" / "sms.txt").write_text(text)
        settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [str(tmp_path)]}]

    return write


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("{{ code|slice:':3' }}-{{ code|slice:'3:' }}", "123-456"),
        ("{% for digit in code %}{{ digit }} {% endfor %}", "1 2 3 4 5 6"),
        ("{{ code|length }}", "6"),
        ("{{ code }} has {{ code|length }} digits", "123456 has 6 digits"),
        ("{{ code }} ends in {{ code|slice:'4:' }}", "123456 ends in 56"),
        ("{{ code|add:1 }}", "123457"),
        ("{{ code|urlencode }}", "123456"),
        ("none", "none"),
    ],
)
def test_a_project_may_do_more_with_a_code_than_print_it(template, text, body):
    template(text)
    messages.body_for("login", "en", "000001", 5)
    assert messages.body_for("login", "en", "123456", 5) == body


def test_each_brand_and_language_and_purpose_has_a_text_of_its_own(settings):
    texts = set()
    for brand in ("One", "Two"):
        settings.OTP_BRAND = brand
        for language in LANGUAGES:
            texts.add(messages.body_for("login", language, "123456", 5))
    assert len(texts) == 6


EXAMPLE = messages._EXAMPLE_CODES[0]


@pytest.fixture
def renderings(monkeypatch):
    """The codes that the template was rendered with."""
    codes, render = [], messages._render

    def noted(*asked, code, **values):
        codes.append(code)
        return render(*asked, code=code, **values)

    monkeypatch.setattr(messages, "_render", noted)
    messages._example_text.cache_clear()
    return codes


def test_a_text_that_shows_codes_as_they_are_is_rendered_with_two_examples_and_for_no_code_after(renderings):
    texts = {messages.body_for("login", "en", f"{n:06d}", 5) for n in range(20)}
    assert len(texts) == 20
    assert renderings == [code[:6] for code in messages._EXAMPLE_CODES]
    messages.body_for("login", "en", "123456", 4)
    messages.body_for("login", "en", "12345678", 5)
    assert len(renderings) == 6  # for other minutes, and another length


def test_a_text_that_does_more_with_a_code_is_rendered_for_each(template, renderings):
    template("{{ code|slice:':3' }} {{ code|slice:'3:' }}")
    for n in range(5):
        assert messages.body_for("login", "en", f"{n}23456", 5) == f"{n}23 456"
    assert renderings[2:] == [f"{n}23456" for n in range(5)]


@pytest.mark.parametrize("length", range(6, 11))
@pytest.mark.parametrize(
    "brand", [EXAMPLE, f"Taxi {EXAMPLE[:6]}", EXAMPLE[2:], EXAMPLE[:3], messages._EXAMPLE_CODES[1]]
)
def test_a_brand_that_has_the_digits_of_an_example_keeps_them(settings, length, brand):
    settings.OTP_BRAND = brand
    code = "1234567890"[:length]
    text = messages.body_for("login", "en", code, 5)
    assert text.startswith(f"{brand}: {code}")
    assert text.count(code) == 1


def test_a_code_that_is_an_example_is_one_like_any_other():
    for code in messages._EXAMPLE_CODES:
        for length in range(6, 11):
            assert messages.body_for("login", "en", code[:length], 5).startswith(f"OTP: {code[:length]}")


def test_examples_differ_in_every_place():
    first, second = messages._EXAMPLE_CODES
    assert len(first) == len(second) == 10
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_a_text_is_forgotten_with_its_template(settings, template):
    before = messages.body_for("login", "en", "123456", 5)
    template("{{ code }}!")
    assert messages.body_for("login", "en", "123456", 5) == "123456!"
    settings.TEMPLATES = []
    assert messages.body_for("login", "en", "123456", 5) == before


def test_a_text_is_forgotten_with_its_translation(settings, tmp_path):
    before = messages.body_for("login", "ru", "123456", 5)
    catalog = Catalog(locale="ru")
    catalog.add("%(brand)s: %(code)s is your code, valid for %(minutes)s min. Never share it.", "%(code)s!")
    (tmp_path / "ru" / "LC_MESSAGES").mkdir(parents=True)
    with (tmp_path / "ru" / "LC_MESSAGES" / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    settings.LOCALE_PATHS = [str(tmp_path)]
    assert messages.body_for("login", "ru", "123456", 5) == "123456!" != before


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", ["payment", "erase"])
@pytest.mark.parametrize(
    "context", ["x" * 60, "ж" * 60, "{" * 60, "1 200 000 UZS, Choyxona", "5 000 сум, «Корзинка»", ""]
)
def test_a_confirmation_is_one_segment_and_shows_all_of_its_context_after_the_code(
    purpose, language, context, settings
):
    settings.OTP_BRAND = "Choyxona Go"
    settings.OTP_WEB_HOST = "shop.example.com"
    settings.OTP_ANDROID_APP_HASH = "FA+9qCX9VSu"
    challenge = new_challenge(purpose=purpose, language=language)
    body = messages.compose(challenge, "012345", 299, context).body
    assert gsm.count_segments(body) == 1
    assert context in body.partition("012345")[2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_short_confirmation_says_what_for_and_whose_and_for_how_long(language):
    challenge = new_challenge(purpose="payment", language=language)
    sentence, context = messages.compose(challenge, "012345", 299, "5 UZS").body.splitlines()
    assert context == "5 UZS"
    assert all(part in sentence for part in ("OTP", "012345", " 4 "))
    other = messages.compose(new_challenge(purpose="erase", language=language), "012345", 299, "5 UZS").body
    assert other.splitlines()[0] != sentence


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", sorted(filter(policies.is_of_account, policies.confirmable())))
def test_a_code_by_which_the_account_could_be_taken_says_so(purpose, language):
    """Whoever has stolen a token could else tell its owner that the code is for an order."""
    body, other = (
        messages.compose(new_challenge(purpose=each, language=language), "012345", 299, "").body
        for each in (purpose, "erase")
    )
    assert body != other
    assert gsm.count_segments(body) == 1


def test_the_text_of_a_purpose_cannot_leave_the_context_out(tmp_path, settings):
    folder = tmp_path / "otp_app"
    folder.mkdir()
    (folder / "payment.confirm.sms.txt").write_text("{{ code }} pays", encoding="utf-8")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    body = messages.compose(new_challenge(purpose="payment"), "012345", 299, "5 UZS").body
    assert body == "012345 pays\n5 UZS"
