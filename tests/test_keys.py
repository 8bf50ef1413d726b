"""Keys are derived from the secrets, and the ledger's key outlives a rotation."""

from otp_app import keys


def test_the_ledger_keeps_its_key_through_a_rotation(settings):
    before = keys.ledger_id("failures", "+998901234567")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert keys.ledger_id("failures", "+998901234567") == before
    settings.SECRET_KEY_FALLBACKS = []
    assert keys.ledger_id("failures", "+998901234567") != before


def test_a_ledger_key_of_its_own_outlives_every_rotation(settings):
    settings.OTP_LEDGER_KEY = "kept"
    before = keys.ledger_id("failures", "+998901234567")
    settings.SECRET_KEY = "new"
    assert keys.ledger_id("failures", "+998901234567") == before
    assert keys.ledger_id("sends", "+998901234567") != before


def test_a_secret_of_bytes_will_do():
    assert keys.derive(b"secret", "code") == keys.derive("secret", "code")
