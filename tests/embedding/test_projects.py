"""The app in projects with users, databases and neighbours of their own: in each the same story, told by the wheel."""

from pathlib import Path

from tests.embedding.conftest import PROJECTS
from tests.programs import run

FINE = {"code": 0, "text": "No changes detected\n"}
REFUSED = (400, "invalid_or_expired_code")


def user_of(answer):
    assert answer["status"] == 200, answer
    return answer["user"]


def test_what_runs_is_the_wheel_under_the_django_that_is_meant(story, django):
    assert "site-packages" in Path(story["app"]).parts
    assert story["django"].startswith(f"{django}.")


def test_no_check_complains(story):
    assert story["check"] == []


def test_no_migration_is_missing(story):
    assert story["migrations"] == FINE


def test_each_of_two_numbers_becomes_a_user(story):
    first, second = user_of(story["first"]), user_of(story["second"])
    assert first["is_new"]
    assert second["is_new"]
    assert first["id"] != second["id"]


def test_who_signs_in_again_is_the_same_user(story):
    first, again = user_of(story["first"]), user_of(story["again"])
    assert (again["id"], again["phone"], again["is_new"]) == (first["id"], first["phone"], False)


def test_the_token_says_whose_it_is_until_it_is_given_back(story):
    assert story["me"]["status"] == 200
    assert story["me"]["id"] == user_of(story["first"])["id"]
    assert (story["out"], story["me after"]) == (204, 401)


def test_a_deactivated_user_is_refused_and_gets_no_second_account(story):
    assert user_of(story["gone"])["is_new"]
    assert (story["deactivated"]["status"], story["deactivated"]["code"]) == REFUSED
    assert story["users"] == 3


def test_two_first_verifications_at_once_make_one_user(story):
    for answers in story["together"]:
        assert {answer["status"] for answer in answers} <= {200, 400}
        assert len({answer["user"]["id"] for answer in answers if answer["status"] == 200}) == 1


def test_four_who_create_the_user_of_a_number_at_once_make_one_user(story):
    assert [len(set(keys)) for keys in story["created"]] == [1] * 5, story["created"]
    assert story["users at last"] == story["users"] + len(story["together"]) + len(story["created"])


def test_the_page_signs_in_who_has_signed_up_by_the_api(story):
    assert story["page"] == ["/account/", True]


def test_the_admin_opens_its_pages_of_users(story):
    assert len(story["admin"]) == 3
    assert set(story["admin"].values()) == {200}


def test_the_doctor_finds_no_fault(story):
    assert story["doctor"]["code"] == 0, story["doctor"]["text"]
    assert "FAULT" not in story["doctor"]["text"]


# What single projects are about


def test_a_view_takes_the_tokens_of_the_app_and_of_its_neighbours(told, django):
    own = told("neighbours", django)["own"]
    assert own["page"] == "/account/"
    by_email, by_phone, refused = (own["orders"][name] for name in ("email", "phone", "none of them"))
    assert (by_email["status"], by_email["email"]) == (200, "aziza@example.com")
    assert (by_phone["status"], by_phone["id"]) == (200, own["id"])
    assert by_email["id"] != by_phone["id"]
    assert refused["status"] == 401
    assert own["signed out"] == 204


def test_fields_that_every_user_must_have_are_named_before_the_first_request(python, told, django, tmp_path):
    told("required", django)  # the same project, with what a sign-up asks for
    projects = {"PYTHONPATH": str(PROJECTS), "DJANGO_SETTINGS_MODULE": "required.bare"}
    said = run("-m", "django", "check", cwd=tmp_path, python=python(django), status=1, **projects)
    assert said.count("(otp_app.E026)") == 2
    for name in ("born", "agreed"):
        assert f"Reader.{name} is required" in said


def test_what_a_sign_up_lacks_is_asked_for_and_costs_no_second_code(told, django):
    own = told("required", django)["own"]
    assert (own["without"]["status"], own["without"]["code"]) == (400, "profile_required")
    assert set(own["without"]["errors"]) == {"profile.born", "profile.agreed"}
    assert (own["wrong"]["status"], own["wrong"]["code"]) == (400, "invalid_request")
    assert user_of(own["right"])["is_new"]
    assert own["kept"]
    assert own["page"] == ["", "", "/account/"]


def test_one_number_is_another_user_at_each_host(told, django):
    story = told("tenants", django)
    tea, cups, tea_again, cups_again = (user_of(answer) for answer in story["own"])
    assert tea["is_new"]
    assert cups["is_new"]
    assert (tea_again["id"], cups_again["id"]) == (tea["id"], cups["id"])
    assert len({tea["id"], cups["id"], user_of(story["second"])["id"]}) == 3


def test_only_who_is_invited_gets_a_message_and_no_answer_tells(told, django):
    own = told("invited", django)["own"]
    assert {name: asked.pop("messages") for name, asked in own.items()} == {"unknown": 0, "blocked": 0, "invited": 1}
    assert own["invited"]["sent"]["status"] == own["invited"]["state"]["status"] == 200
    assert own["unknown"] == own["blocked"] == own["invited"]
