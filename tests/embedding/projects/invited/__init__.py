"""Who is on a list may sign up, unless the number is blocked."""


def prepare():
    """Invite the numbers of the story, and two more, of which one is blocked."""
    from base.story import NUMBERS

    from .models import Blocked, Invitation

    for phone in [*NUMBERS, "+998915556691", "+998915556692"]:
        Invitation.objects.create(phone=phone)
    Blocked.objects.create(phone="+998915556692")


def story():
    """Ask for codes with a number that nobody knows, one that is blocked, and at last with one that is invited."""
    from base.people import Person

    numbers = {"unknown": "+998915556693", "blocked": "+998915556692", "invited": "+998915556691"}
    before = len(Person.outbox.messages)
    told = {name: asked(Person(phone)) for name, phone in numbers.items()}
    Person(numbers["invited"]).code_after(before)
    for name, phone in numbers.items():
        told[name]["messages"] = [message.to for message in Person.outbox.messages].count(phone)
    return told


def asked(person):
    """Return the answer to a send, and the state of its challenge, without what differs in all of them."""
    sent = person.post("/api/send-otp/", phone=person.phone)
    assert sent.pop("phone") == person.phone
    state = person.get(f"/api/challenges/{sent.pop('challenge_id')}/")
    return {"sent": sent, "state": {name: state[name] for name in state if name not in {"challenge_id", "expires_in"}}}
