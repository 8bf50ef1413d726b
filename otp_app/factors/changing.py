"""Change the factors of a user one request after the other.

Else each of two removals at once could see the other factor and leave none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import router, transaction

from ..errors import NotAuthenticated


@contextmanager
def alone(user: Any) -> Iterator[Any]:
    """Run this context in a transaction that holds the lock of the user's row; with SQLite, its lock to write.

    The context gets the user as the row is now. Raise NotAuthenticated if the user was erased meanwhile.
    """
    model = get_user_model()
    alias = router.db_for_write(model)
    with transaction.atomic(using=alias):
        row = model._base_manager.using(alias).select_for_update(no_key=True).filter(pk=user.pk).first()
        if row is None:
            raise NotAuthenticated
        yield row
