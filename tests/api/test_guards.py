"""What guards of views share; the tests of confirmations and of fresh sign-ins play the rest."""

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse

from otp_app.api.guards import Guard


def test_a_guard_that_checks_nothing_is_a_mistake_and_opens_no_view(rf):
    request, opened = rf.get("/"), []
    request.user = get_user_model()()
    view = Guard().guarding(lambda request: opened.append(request) or HttpResponse())
    with pytest.raises(NotImplementedError):
        view(request)
    assert opened == []
