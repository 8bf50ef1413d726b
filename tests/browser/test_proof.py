"""A proof of work that a real browser solves."""

import base64
import json

import pytest

from tests.repository.test_solvers import SOLUTION, SOLVER, TASK
from tests.service.conftest import UNREACHED_LIMITS, surprises
from tests.service.running import running
from tests.service.talking import phone as new_phone
from tests.service.talking import send

AMOUNT = 20  # of unanswered messages to the country of all people here; from the eleventh on a send needs a proof
LOW_LIMITS = {"OTP_PROOFS": "1", "OTP_PROOF_COST": "1000", "OTP_UNCONVERTED_PER_REGION_DAY": str(AMOUNT)}
MEMORY = "otp_app.providers.memory.MemoryProvider"
FREE_CHANNEL = {
    "OTP_PROVIDERS": json.dumps(
        [{"ALIAS": "dear", "BACKEND": MEMORY}, {"ALIAS": "free", "BACKEND": MEMORY, "PRICE": 0}]
    ),
    "OTP_ROUTES": json.dumps({"*": {"sms": ["dear"], "telegram": ["free"]}}),
}


@pytest.fixture(scope="module")
def wary_service(tmp_path_factory):
    with running(tmp_path_factory.mktemp("wary"), **UNREACHED_LIMITS | LOW_LIMITS | FREE_CHANNEL) as started:
        for _ in range(AMOUNT // 2):
            assert send(started, new_phone()).status == 200
        yield started
        assert surprises(started) == []


def test_the_browser_solves_the_task_and_the_code_is_sent(person, wary_service):
    somebody = person(service=wary_service).begin()
    somebody.page.wait_for_selector("#code")
    loaded = somebody.page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert not any("proof.js" in name for name in loaded)  # it was of the page before
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_what_cannot_be_solved_is_said_and_another_way_serves(person, wary_service):
    somebody = person(service=wary_service)
    somebody.context.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    somebody.begin()
    somebody.sees("This step needs JavaScript")
    assert somebody.messages() == []
    assert somebody.barriers() == []
    somebody.page.click("text=Telegram")
    somebody.page.wait_for_selector("#code")
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_what_does_not_come_is_said(person, wary_service):
    somebody = person(service=wary_service)
    somebody.context.route("**/signin.js", lambda route: route.abort())
    somebody.begin()
    somebody.page.locator("#unable:visible").wait_for()


def test_without_javascript_the_person_is_told_what_is_needed(person, wary_service):
    somebody = person(service=wary_service, java_script_enabled=False).begin()
    somebody.sees("This step needs JavaScript")
    assert somebody.messages() == []


def test_the_solver_for_apps_finds_the_solution_without_crypto(chromium):
    page = chromium.new_page()
    page.add_init_script(
        "for (const name of ['crypto', 'btoa']) Object.defineProperty(globalThis, name, {value: undefined})"
    )
    page.goto("about:blank")
    assert page.evaluate("[typeof crypto, typeof btoa]") == ["undefined", "undefined"]
    solve = "async ([code, task]) => (await import('data:text/javascript,' + encodeURIComponent(code))).solve(task)"
    proof = page.evaluate(solve, [SOLVER.read_text(encoding="utf-8"), TASK])
    page.close()
    assert json.loads(base64.b64decode(proof)) == {"challenge": TASK, "solution": SOLUTION}
