"""The lab's tests play small worlds under the defaults of the guard, proofs of work included."""

import pytest

from otp_app.simulation.profiles import play
from otp_app.simulation.world import Size


@pytest.fixture(autouse=True)
def defaults(settings):
    settings.OTP_PROOFS = True
    settings.OTP_ALLOWED_REGIONS = []


@pytest.fixture(autouse=True)
def databases(django_db_setup, django_db_blocker):
    """No test case of Django's: it would know only the databases of the settings, and the lab makes its own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def played():
    """The tallies of each world of a profile, by name."""

    def run(profile, only="", **size):
        return {world.name: world for world in play(profile, 1, Size(**size), only)}

    return run
