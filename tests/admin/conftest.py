"""Sign staff in who may see phones, and staff who may not."""

import pytest
from django.contrib.auth.models import Permission

from otp_app.models import User


@pytest.fixture
def sees_all(client):
    client.force_login(User.objects.create_superuser("+998900000001", "x"))
    return client


@pytest.fixture
def sees_some(client):
    staff = User.objects.create_user("+998900000002", is_staff=True)
    wanted = ("view_user", "change_user", "delete_user", "view_delivery")
    staff.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(staff)
    return client
