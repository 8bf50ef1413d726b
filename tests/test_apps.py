"""Start-up."""

import sys

from django.apps import apps

from otp_app.apps import warm


def test_without_the_schema_package_nothing_of_it_is_imported(monkeypatch):
    config = apps.get_app_config("otp_app")
    monkeypatch.setattr(apps, "is_installed", lambda name: False)
    monkeypatch.delitem(sys.modules, "otp_app.api.schema", raising=False)
    config.ready()
    assert "otp_app.api.schema" not in sys.modules


def test_warming_makes_the_provider_in_force(settings):
    settings.OTP_PROVIDERS = [{"ALIAS": "x", "BACKEND": f"{__name__}.Provider", "OPTIONS": {"one": 1}}]
    sys.modules.setdefault(__name__, sys.modules[Provider.__module__])
    warm()
    assert Provider.made == [{"one": 1}]


class Provider:
    made = []  # noqa: RUF012

    def __init__(self, **options):
        self.made.append(options)
