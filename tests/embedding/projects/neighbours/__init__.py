"""Sign-in by e-mail from django-allauth, and tokens from dj-rest-auth and simplejwt, beside that by phone."""


def story():
    """Sign up by e-mail, and show each token to a view that takes all of them."""
    from base.people import Person
    from base.story import FIRST

    person = Person(FIRST)
    account = {"email": "aziza@example.com", "password": "green tea at four"}
    page = person.send("/accounts/signup/", email=account["email"], password1=account["password"])
    by_email = Person(FIRST).post("/rest/login/", **account)
    by_phone = Person(FIRST).sign_in()
    tokens = {"email": by_email["access"], "phone": by_phone["token"], "none of them": "wrong"}
    orders = {name: Person(FIRST).get("/orders/", token) for name, token in tokens.items()}
    signed_out = Person(FIRST).post("/api/logout-everywhere/", by_phone["token"])["status"]
    return {"page": page, "id": by_phone["user"]["id"], "orders": orders, "signed out": signed_out}
