"""Which language a client is answered in."""

import pytest

from otp_app.languages import language_of


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


@pytest.mark.parametrize(("project", "language"), [("ru-ru", "ru"), ("uz", "uz"), ("fr", "en")])
def test_else_it_is_the_projects_own(rf, settings, project, language):
    settings.LANGUAGE_CODE = project
    assert language_of(rf.get("/")) == language
