"""Define the tables of tokens and sessions by which people are signed in."""

import hashlib
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SessionRow(models.Model):
    """Hold what the rows of tokens and of browser sessions tell of the client that signed in."""

    user_id: Any  # the foreign key is each table's own, for its name on the user
    began_at = models.DateTimeField(_("began"), null=True)  # None: begun by a release that did not write it
    client_name = models.CharField(_("client"), max_length=64, blank=True, default="", db_default="")
    network = models.CharField(_("network"), max_length=64, blank=True, default="", db_default="")  # /24 or /48

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.user_id}"


class Token(SessionRow):
    """Represent a token of the opaque backend by its SHA-256, so that a dump of the table signs nobody in."""

    digest = models.BinaryField(max_length=32, unique=True)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="otp_tokens"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(_("last used"))

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_token_purge")]

    @property
    def public_id(self) -> str:
        return session_id(bytes(self.digest))


class RefreshToken(SessionRow):
    """Represent a session whose client holds short access tokens, and one refresh token at a time to get the next.

    Of what all refresh tokens of the session share only the SHA-256 is kept, so a dump of the table signs nobody in.
    """

    sid = models.UUIDField(unique=True, editable=False)  # the claim sid of its access tokens
    digest = models.BinaryField(max_length=32)
    number = models.IntegerField(default=0)  # of the refresh token that is valid: how many came before it
    replaced_at = models.JSONField(default=list)  # milliseconds at which the last of those before it were replaced
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="otp_refresh_tokens"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(_("last used"))

    class Meta:
        db_table = "otp_app_refresh_token"
        verbose_name = _("refresh token")
        verbose_name_plural = _("refresh tokens")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_refresh_token_purge")]

    @property
    def public_id(self) -> str:
        return str(self.sid.hex)


class SigningKey(models.Model):
    """Represent a key that signs access tokens. The private half is encrypted under a key of the settings.

    Instants are milliseconds since 1970.
    """

    kid = models.CharField(max_length=64, primary_key=True)  # RFC 7638: a hash of the public half
    public = models.JSONField()  # the JSON Web Key as it is published
    private = models.TextField()
    signs_from = models.BigIntegerField()  # until then it is only published

    class Meta:
        db_table = "otp_app_signing_key"
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")

    def __str__(self) -> str:
        return self.kid


class UserSession(SessionRow):
    """Record the sessions that a sign-in by phone began, so that all of a user's can be ended."""

    key = models.CharField(max_length=40, unique=True)  # the length of Django's own column
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="otp_sessions"
    )
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "otp_app_user_session"
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_user_session_purge")]

    @property
    def public_id(self) -> str:
        return session_id(self.key.encode())


def session_id(secret: bytes) -> str:
    """Return the name of a session for its owner, made by a hash of what nobody can guess: it leads nowhere back."""
    return hashlib.sha256(b"otp_app.session" + secret).hexdigest()[:32]
