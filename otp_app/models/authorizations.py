"""Define the tables of sign-in for other sites: the sites, and the codes that they have not redeemed yet."""

import re
import secrets
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

_LOOPBACK = {"127.0.0.1", "localhost"}
# It is also a source in a content security policy, which cannot express IPv6 addresses and gives other signs a meaning.
_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?", re.IGNORECASE)
_APP_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # a domain of the app's owner, reversed (RFC 8252 §7.1)


def new_client_id() -> str:
    return secrets.token_hex(8)


def check_redirect_uris(text: str) -> None:
    """Raise ValidationError unless a code may be sent to the address on each line (RFC 6749 §3.1.2, RFC 8252 §7)."""
    for uri in text.split():
        if not _is_redirect_uri(uri):
            raise ValidationError(
                _("%(uri)s is no address to go back to: https://…, an app's own scheme, or http on this machine."),
                params={"uri": uri},
            )


def _is_redirect_uri(uri: str) -> bool:
    if not uri.isascii() or not uri.isprintable() or "#" in uri or ";" in uri:
        return False
    try:
        parts = urlsplit(uri)
        _port = parts.port  # raises ValueError if it is out of range
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return _HOST.fullmatch(parts.netloc) is not None and (parts.scheme == "https" or parts.hostname in _LOOPBACK)
    return _APP_SCHEME.fullmatch(parts.scheme) is not None


class AuthorizationClient(models.Model):
    """Represent a site or an app that sends people here to sign in. PKCE protects its codes, so it has no secret."""

    id = models.CharField(_("client id"), max_length=64, primary_key=True, default=new_client_id, editable=False)
    name = models.CharField(_("name"), max_length=64)
    redirect_uris = models.TextField(
        _("addresses to go back to"),
        validators=[check_redirect_uris],
        help_text=_("One on each line, exactly as the site sends it."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        db_table = "otp_app_authorization_client"
        verbose_name = _("site that signs in here")
        verbose_name_plural = _("sites that sign in here")

    def __str__(self) -> str:
        return self.name


class AuthorizationCode(models.Model):
    """Represent an authorization code by its SHA-256, so that a dump of the table signs nobody in."""

    digest = models.BinaryField(max_length=32, unique=True)
    client = models.ForeignKey(AuthorizationClient, on_delete=models.CASCADE)
    user: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    redirect_uri = models.TextField()
    code_challenge = models.CharField(max_length=43)
    expires_at = models.BigIntegerField()  # milliseconds by the store's clock

    class Meta:
        db_table = "otp_app_authorization_code"
        verbose_name = _("authorization code")
        verbose_name_plural = _("authorization codes")
        indexes: ClassVar[Any] = [models.Index("expires_at", name="otp_authorization_code_purge")]

    def __str__(self) -> str:
        return f"{self.client_id} {self.user_id}"
