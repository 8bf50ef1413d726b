"""The lab's tests play small worlds under the defaults of the guard, proofs of work included."""

import pytest

from otp_app.conf import Conf
from otp_app.simulation.profiles import play
from otp_app.simulation.world import Size


@pytest.fixture(autouse=True)
def defaults(settings):
    settings.OTP_PROOFS = True
    settings.OTP_ALLOWED_REGIONS = []
    for per in ("PREFIX", "SUBNET", "NETWORK"):
        setattr(settings, f"OTP_UNCONVERTED_PER_{per}_DAY", getattr(Conf, f"UNCONVERTED_PER_{per}_DAY"))
    settings.OTP_SENDS_PER_PREFIX_DAY = Conf.SENDS_PER_PREFIX_DAY


@pytest.fixture(autouse=True)
def databases(django_db_setup, django_db_blocker):
    """No test case of Django's: it would know only the databases of the settings, and the lab makes its own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def played():
    """A world of a profile that has ended."""

    def run(profile, name, **size):
        return play(profile, name, 1, Size(**size))

    return run
