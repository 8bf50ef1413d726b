"""Create a superuser of otp_app.User, whose name is a phone."""

from typing import Any

from django.contrib.auth import get_user_model

ADMIN = "+12025550100"  # of the range that is reserved for fiction


def create_admin() -> Any:
    """Create a superuser with the phone ``ADMIN`` and the password "password"."""
    return get_user_model().objects.create_superuser(ADMIN, "password")
