"""Run one call in many threads at the same instant, as the contracts do."""

from otp_app.testing.contracts.races import race

__all__ = ["race"]
