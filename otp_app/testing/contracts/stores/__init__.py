"""Test what every store must do."""

import pytest

from ...clock import Clock
from .buckets import BucketContract
from .checks import CheckContract
from .devices import DeviceContract
from .ends import EndContract
from .erasures import ErasureContract
from .opening import OpeningContract
from .phones import PhoneContract
from .purges import PurgeContract
from .sends import SendContract


class StoreContract(
    BucketContract,
    CheckContract,
    DeviceContract,
    EndContract,
    ErasureContract,
    OpeningContract,
    PhoneContract,
    PurgeContract,
    SendContract,
):
    """Test a store. A subclass has the fixture ``store``: the one that OTP_STORE names, empty, made after ``clock``."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def clock(self, tmp_path, settings):
        settings.OTP_CLOCK_OFFSET_FILE = str(tmp_path / "clock")
        return Clock(tmp_path / "clock")

    @pytest.fixture(autouse=True)
    def roomy(self, settings):
        """Make the amounts that these tests are not about larger than any test takes."""
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = settings.OTP_SENDS_PER_PREFIX_DAY = 1000
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1000
        settings.OTP_PROOFS = False
        settings.OTP_WRITE_BEHIND = 0
