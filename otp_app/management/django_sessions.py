"""End the browser sessions of a user that began by a password: Django does not list them by user."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import router
from django.utils import timezone


def end_all(user: Any) -> bool:
    """Read all sessions and end those of a user; return False where the engine keeps them in no table to read."""
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return False
    model = store.get_model_class()
    live = model.objects.using(router.db_for_write(model)).filter(expire_date__gt=timezone.now())
    for row in live.iterator():
        if row.get_decoded().get(SESSION_KEY) == str(user.pk):
            store(row.session_key).delete()
    return True
