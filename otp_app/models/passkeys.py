"""Define the table of passkeys."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Passkey(models.Model):
    """Represent a passkey by its public key, which signs nobody in.

    The row stays until its owner removes the passkey, or until the end of the user deletes it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    credential_id = models.BinaryField(max_length=1023, unique=True)  # the longest that WebAuthn allows
    public_key = models.BinaryField()  # COSE
    user_handle = models.BinaryField(max_length=64)  # by which the authenticator knows the user
    sign_count = models.BigIntegerField()  # 32 bits; stays 0 where an authenticator does not count
    transports = models.JSONField(default=list)  # ["internal", "hybrid"]
    backup_eligible = models.BooleanField()  # whether other devices of the person may get a copy
    backed_up = models.BooleanField(_("backed up"))  # whether there is a copy, as of the last use
    name = models.CharField(_("name"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"))
    used_at = models.DateTimeField(_("last used"), null=True)

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        ordering: ClassVar[Any] = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.user_id}"
