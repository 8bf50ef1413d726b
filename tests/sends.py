"""Read a challenge's sends from the database and the store."""

from otp_app import stores
from otp_app.models import Delivery
from tests.asking import sending


def rows(challenge):
    found = Delivery.objects.filter(challenge=challenge.id).order_by("sent_at", "handover")
    return list(found.values_list("status", "error"))


def unconverted(challenge):
    limits = [limit for limit in sending(challenge, "192.0.2.1").limits if limit.converts]
    return {usage.limit.name: usage.used for usage in stores.current().usage(limits)}["unconverted_per_subnet_day"]


def counted(challenge):
    """Return the usage of a first send's limits."""
    limits = sending(challenge, "192.0.2.1").limits
    return {usage.limit.name: usage.used for usage in stores.current().usage(limits, phone=challenge.phone)}


def phone_sends(challenge):
    limits = [limit for limit in sending(challenge).limits if limit.name == "sends_per_phone_day"]
    return stores.current().usage(limits, phone=challenge.phone)[0].used
