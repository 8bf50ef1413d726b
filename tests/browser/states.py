"""Every state of the pages, one after the other, as a person reaches it."""

from contextlib import closing
from urllib.parse import urlencode

from tests.service.talking import messages_to, send, wrong

CHALLENGE = 43 * "A"


def register(service, name="Oltin Doʻkon", uri="https://shop.example/signed-in"):
    """Register a site that sends people here, and return its id."""
    script = f"""
from otp_app.models import AuthorizationClient
print(AuthorizationClient.objects.create(name={name!r}, redirect_uris={uri!r}).pk)
"""
    return service.manage("shell", "-c", script).strip().splitlines()[-1]


def notify(service, phone, sign_in="tokens.current().issue(user, None)"):
    """Tell the owner of that phone of the newest session, and return the path of the link; a token begins one first."""
    script = f"""
from django.test.utils import override_settings
from otp_app import accounts, notifications, tokens
user, _ = accounts.user_for({phone!r})
{sign_in}
with override_settings(OTP_PUBLIC_URL="https://login.example.com"):
    notifications.send(user, notifications.NEW_DEVICE, subject=tokens.sessions.of(user)[0].id)
"""
    service.manage("shell", "-c", script)
    return messages_to(service, phone)[-1]["body"].partition("login.example.com")[2]


def report(service, phone, status):
    """Set the status of all messages to that phone, as a provider's report would."""
    with closing(service.database.connect()) as connection:
        mark = "%s" if "psycopg" in type(connection).__module__ else "?"
        mine = f"SELECT id FROM otp_app_challenge WHERE phone = {mark}"
        sql = f"UPDATE otp_app_delivery SET status = '{status}' WHERE challenge IN ({mine})"
        connection.execute(sql, (phone,))


def tour(person, service, client):
    """Yield the name of each state while ``person`` sees it, styles and all. The service's clock is moved."""
    for state in _states(person, service, client):
        person.page.wait_for_load_state()
        yield state


def _states(person, service, client):
    person.come()
    yield "phone"
    person.ask("12345")
    yield "phone-wrong"
    person.page.locator(".aside a").click()
    yield "elsewhere"
    person.page.locator("#phone").fill(person.phone)
    person.type_code("123456")
    yield "elsewhere-wrong"
    person.come()
    assert send(service, person.phone).status == 200
    person.ask()
    yield "phone-limited"
    service.clock.advance(3600)
    person.ask()
    yield "code"
    report(service, person.phone, "undelivered")
    person.come(person.path)
    yield "code-undelivered"
    yield from _running_out(person, service)
    person.page.locator("#again").click()
    person.page.wait_for_selector("#code")
    for n in range(5):
        person.type_code(wrong(person.code(), n))
    yield "code-used-up"
    service.clock.advance(1200)
    person.come(person.path)
    person.page.locator("#again").click()
    person.page.wait_for_selector("#code")
    person.type_code(person.code())
    yield "signed-in"
    asked = {"client": client, "redirect_uri": "https://shop.example/signed-in", "code_challenge": CHALLENGE}
    person.come(f"/login/?{urlencode(asked)}")
    yield "continue"
    person.come(f"/login/?{urlencode(asked | {'redirect_uri': 'https://shop.example/other'})}")
    yield "site-unknown"
    person.come("/account/")
    person.page.locator("form[action$='sign-out/'] button").click()
    yield "signed-out"
    person.come(notify(service, person.phone))
    yield "notice"
    person.page.locator("main button").click()
    person.page.wait_for_selector("[role=status]")
    yield "notice-ended"
    person.page.locator("main button").click()
    person.page.wait_for_selector("main button", state="detached")
    yield "notice-all-ended"


def _running_out(person, service):
    """Show a code that nobody enters: sent as often as allowed, then expired."""
    person.type_code(wrong(person.code()))
    yield "code-wrong"
    for wait in (60, 120):
        service.clock.advance(wait)
        person.come(person.path)
        person.page.locator("#again").click()
        person.page.wait_for_load_state()
    yield "code-last"
    service.clock.advance(95)
    person.come(person.path)
    person.page.wait_for_load_state("networkidle")
    yield "code-ending"
    service.clock.advance(30)
    person.come(person.path)
    yield "code-expired-waiting"
    service.clock.advance(180)
    person.come(person.path)
    yield "code-expired"
