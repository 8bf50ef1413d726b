"""Every state of the pages, one after the other, as a person gets there: for whoever wants to look at them all."""

from urllib.parse import urlencode

from tests.service.talking import send, wrong

CHALLENGE = 43 * "A"


def register(service, name="Oltin Doʻkon", uri="https://shop.example/signed-in"):
    """A site that sends people here; its id."""
    script = f"""
from otp_app.models import AuthorizationClient
print(AuthorizationClient.objects.create(name={name!r}, redirect_uris={uri!r}).pk)
"""
    return service.manage("shell", "-c", script).strip().splitlines()[-1]


def tour(person, service, client):
    """Yields the name of each state while ``person`` is looking at it. The service's clock is moved."""
    person.come()
    yield "phone"
    person.ask("12345")
    yield "phone-wrong"
    assert send(service, person.phone).status == 200
    person.ask()
    yield "phone-limited"
    service.clock.advance(3600)
    person.ask()
    yield "code"
    person.type_code(wrong(person.code()))
    yield "code-wrong"
    service.clock.advance(275)
    person.come(person.path)
    person.page.wait_for_load_state("networkidle")
    yield "code-ending"
    service.clock.advance(30)
    person.come(person.path)
    yield "code-expired"
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
