"""The contract of stores: SQL, on SQLite or on PostgreSQL as the suite runs, and Redis."""

import pytest

from otp_app.testing.contracts.stores import StoreContract


class TestStore(StoreContract):
    @pytest.fixture
    def store(self, each_store, clock):
        return each_store
