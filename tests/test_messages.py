"""What a phone gets."""

import pytest

from otp_app import messages
from otp_app.conf import conf
from tests.factories import new_challenge

LANGUAGES = messages.LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_names_brand_code_and_minutes_and_is_one_segment(language, settings):
    settings.OTP_BRAND = "Do'kon & <Son>"
    message = messages.compose(new_challenge(language=language), "012345", 299)
    for part in (conf.BRAND, "012345", "4"):
        assert part in message.body
    assert messages.segments(message.body) == 1
    assert (message.code, message.language, message.expires_in) == ("012345", language, 299)


def test_the_last_line_binds_the_code_to_the_site(settings):
    settings.OTP_WEB_HOST = "example.com"
    settings.OTP_ANDROID_APP_HASH = "FA+9qCX9VSu"
    lines = messages.body_for("login", "en", "123456", 5).splitlines()
    assert lines[-2:] == ["FA+9qCX9VSu", "@example.com #123456"]


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
    assert messages.segments(body) == count


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
