"""Fields that every user must have: the sign-up asks for them."""

from datetime import date


def story():
    """Sign up without the members, then with the same code and with them; by the page, too."""
    from base.people import Person
    from django.contrib.auth import get_user_model

    person = Person("+998915556690")
    answer = person.ask()
    without = person.post("/api/verify-otp/", **answer)
    wrong = person.post("/api/verify-otp/", **answer, profile={"born": "yesterday", "agreed": True})
    right = person.post("/api/verify-otp/", **answer, profile={"born": "1991-09-01", "agreed": True})
    born = get_user_model().objects.get(phone=person.phone).born
    kept = born == date(1991, 9, 1)
    return {"without": without, "wrong": wrong, "right": right, "kept": kept, "page": by_page(Person("+998915556691"))}


def by_page(person):
    """Return where the page leads with the code alone, with an empty form, and with what a reader must have."""
    before = len(person.outbox.messages)
    where = person.send("/login/", phone=person.phone)
    entered = {"code": person.code_after(before)}
    filled = {"profile": "1", "profile.born": "1991-09-01", "profile.agreed": "true"}
    return [person.send(where, **entered, **more) for more in ({}, {"profile": "1"}, filled)]
