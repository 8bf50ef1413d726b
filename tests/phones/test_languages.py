"""The language in which a client is answered."""

import pytest

from otp_app.phones.languages import LANGUAGES, NAMES, language_of, regions_of


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("uz", "uz"),
        ("uz-Latn-UZ,ru;q=0.9", "uz"),
        ("ru-RU", "ru"),
        ("fr-FR, de;q=0.9, ru;q=0.2", "ru"),
        ("en;q=0.5, uz;q=0.9", "uz"),
        ("ru;q=0, en", "en"),
        ("ru;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("\x00;;q=x" * 500, "en"),
    ],
)
def test_the_first_accepted_language_that_we_speak_wins(rf, header, language):
    assert language_of(rf.get("/", headers={"accept-language": header})) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("kk-KZ,kk;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("ky-KG, en;q=0.8", "ru"),
        ("tg", "ru"),
        ("tg-Cyrl-TJ", "ru"),
        ("tk", "ru"),
        ("tt-RU, en;q=0.5", "ru"),
        ("ba", "ru"),
        ("cv", "ru"),
        ("be-BY", "ru"),
        ("kaa", "uz"),
        ("uz-Cyrl", "ru"),
        ("uz-Cyrl-UZ, uz;q=0.9, en;q=0.8", "ru"),
        ("uz-UZ-cyrl", "ru"),
        ("uz-Latn-UZ", "uz"),
        ("en, kk;q=0.9", "en"),
        ("fr, kk;q=0.1", "ru"),
        ("uk, en;q=0.8", "en"),
        ("sr-Cyrl, en;q=0.8", "en"),
    ],
)
def test_a_language_that_we_do_not_speak_counts_as_that_of_its_country_or_script(rf, header, language):
    assert language_of(asking(rf, header=header)) == language
    assert language_of(asking(rf, cookie=header.partition(",")[0], header=header)) == language


def test_which_language_that_is_the_project_says(rf, settings):
    settings.OTP_REGION_LANGUAGES = {"KZ": "uz"}
    assert language_of(asking(rf, header="kk, en;q=0.8")) == "uz"
    assert language_of(asking(rf, header="ky, en;q=0.8")) == "en"


@pytest.mark.parametrize(("project", "language"), [("kk", "ru"), ("ru-ru", "ru"), ("uz", "uz"), ("fr", "en")])
def test_else_it_is_the_projects_own(rf, settings, project, language):
    settings.LANGUAGE_CODE = project
    assert language_of(rf.get("/")) == language


def asking(rf, cookie=None, header=""):
    request = rf.get("/", headers={"accept-language": header} if header else {})
    if cookie is not None:
        request.COOKIES["django_language"] = cookie
    return request


@pytest.mark.parametrize("cookie", ["ru", "ru-RU"])
def test_what_a_person_has_chosen_comes_first(rf, cookie):
    assert language_of(asking(rf, cookie, "uz"), "+77012345678") == "ru"


@pytest.mark.parametrize("cookie", ["", "fr", "nonsense", "\x00"])
def test_a_choice_that_we_do_not_speak_is_none(rf, cookie):
    assert language_of(asking(rf, cookie, "uz")) == "uz"


def test_the_cookie_has_the_name_that_the_project_gave_it(rf, settings):
    settings.LANGUAGE_COOKIE_NAME = "tongue"
    request = asking(rf, "ru")
    request.COOKIES["tongue"] = "uz"
    assert language_of(request) == "uz"


def test_what_the_browser_asks_for_comes_before_the_country_of_the_number(rf):
    assert language_of(asking(rf, header="en"), "+998901234567") == "en"


@pytest.mark.parametrize(
    ("phone", "language"),
    [("+998901234567", "uz"), ("+77012345678", "ru"), ("+79161234567", "ru"), ("+12015550123", "en"), ("", "en")],
)
@pytest.mark.parametrize("header", ["", "fr", "*"])
def test_who_asks_for_none_of_ours_is_answered_in_that_of_the_numbers_country(rf, phone, language, header):
    assert language_of(asking(rf, header=header), phone) == language


def test_the_country_comes_before_the_projects_own(rf, settings):
    settings.LANGUAGE_CODE = "ru"
    assert language_of(asking(rf), "+998901234567") == "uz"
    assert language_of(asking(rf), "+12015550123") == "ru"


def test_the_project_says_which_country_speaks_what(rf, settings):
    settings.OTP_REGION_LANGUAGES = {"UZ": "ru", "KZ": "kk"}
    assert language_of(asking(rf), "+998901234567") == "ru"
    assert language_of(asking(rf), "+77012345678") == "en"


@pytest.mark.parametrize(
    ("header", "regions"),
    [
        ("uz-UZ", ["UZ"]),
        ("uz-Latn-UZ, ru-RU;q=0.8", ["UZ", "RU"]),
        ("ru-RU;q=0.8, kk-KZ", ["KZ", "RU"]),
        ("ru-KZ;q=0, uz-UZ", ["UZ"]),
        ("en-US-posix", ["US"]),
        ("ru, uz-Cyrl, es-419, *", []),
        ("en-u-ca-gregory", []),
        ("", []),
    ],
)
def test_the_countries_of_a_client_are_those_that_its_languages_name(rf, header, regions):
    assert list(regions_of(asking(rf, header=header))) == regions


def test_each_language_has_a_name_in_itself():
    assert NAMES == {"uz": "Oʻzbekcha", "ru": "Русский", "en": "English"}
    assert set(NAMES) == set(LANGUAGES)
