"""Apply reports by a provider, and make deliveries for them."""

from otp_app import services
from otp_app.delivery import reports
from otp_app.models import Delivery
from otp_app.providers.base import Event, Unknown
from tests.factories import new_phone
from tests.remote import remotes

REFERENCE = "their-1"


def say(status, reference=REFERENCE, **more):
    reports.apply("remote", Event(status, reference=reference, **more))


def now(delivery):
    delivery.refresh_from_db()
    return delivery.status


def unanswered(phone=None):
    """Return a delivery whose provider has not answered yet, the id we gave it, and its challenge."""
    ids = []

    def lost(message):
        ids.append(message.id)
        raise Unknown("timeout")

    with remotes() as providers:
        providers.behave(lost)
        challenge = services.send_code(phone=phone or new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    Delivery.objects.update(status="queued", error="")  # as it was while the provider was at it
    return delivery, ids[0], challenge
