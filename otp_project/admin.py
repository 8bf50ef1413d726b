"""Define the service's admin."""

from django.contrib.admin import AdminSite

from otp_app.second_factor import SecondFactorMixin


class ServiceAdmin(SecondFactorMixin, AdminSite):
    """Ask staff for password and second factor."""
