"""Refuse sends and checks: what is asked, how often, and when we cannot serve it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import InterfaceError, InternalError, OperationalError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .base import OtpError, wait


class InvalidRequest(OtpError):
    code = "invalid_request"
    detail = _("The request is not of the documented form.")

    def __init__(self, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__()
        self.errors = errors or {}


class InvalidPhone(OtpError):
    code = "invalid_phone"
    detail = _("Enter a mobile number with its country code, for example +998901234567.")


class RegionNotAllowed(OtpError):
    code = "region_not_allowed"
    detail = _("We do not serve numbers of this country yet.")

    def __init__(self, served: Sequence[str] = (), region: str = "") -> None:
        """Add the names of the countries that are served, if they are few enough to be read."""
        super().__init__()
        self.region = region  # for logs
        if served:
            self.detail = format_lazy("{} {} {}.", self.detail, _("Countries we serve:"), ", ".join(served))


class ChannelNotOffered(InvalidRequest):
    """Refuse a channel for which the routes of the number have no provider."""

    def __init__(self) -> None:
        super().__init__({"channel": [str(_("This channel is not offered."))]})


class InvalidAuthorization(InvalidRequest):
    """Refuse a site's link to the page because of one ``parameter``, which only the site's developer can correct."""

    detail = _("This sign-in link is not valid. Go back to the site and try again, or tell its owner.")

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.parameter = parameter


class UndeliverablePhone(OtpError):
    code = "undeliverable_phone"
    detail = _("This number cannot receive text messages.")


class InvalidOrExpiredCode(OtpError):
    """Refuse a code, whatever the reason, with one answer that tells a guesser nothing (OWASP ASVS 5.0, 6.3.8)."""

    code = "invalid_or_expired_code"
    detail = _("The code is wrong or no longer valid. Check it or get a new one.")


class ProfileRequired(OtpError):
    """Ask a new person for the members of a sign-up that ``errors`` names. The code is right and may be sent again."""

    code = "profile_required"
    detail = _("One more step: we need some details to sign you up.")

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__()
        self.errors = errors


class ProofRequired(OtpError):
    """Ask for a proof of work. ``altcha`` is the task, in the form that the ALTCHA widget takes.

    ``channels`` would serve the number without one.
    """

    code = "proof_required"
    status = 403
    detail = _("Show that you are not a robot: your browser or app has to solve a small task first.")

    def __init__(self, altcha: Mapping[str, Any] | None = None, *, limit: str = "", subject: str = "") -> None:
        super().__init__()
        self.altcha = altcha or {}
        self.channels: Sequence[str] = ()
        self.limit = limit
        self.subject = subject


class Limited(OtpError):
    """Refuse a request by a limit, with the bucket that is full as its subject; never with a phone.

    ``channels`` would serve the number now.
    """

    code = "limited"
    status = 429
    detail = _("Too many tries.")

    def __init__(self, limit: str, retry_after: int, *, subject: str = "") -> None:
        super().__init__()
        self.limit = limit
        self.retry_after = max(1, retry_after)
        self.channels: Sequence[str] = ()
        self.detail = format_lazy("{} {}", self.detail, wait(self.retry_after))
        self.subject = subject


class DeliveryFailed(OtpError):
    code = "delivery_failed"
    status = 503
    detail = _("The message could not be sent.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, wait(retry_after))


class Unavailable(OtpError):
    code = "unavailable"
    status = 503
    detail = _("The service is not available at the moment.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, wait(retry_after))


# Raised while the database or the store cannot be reached. InternalError: a standby that takes no writes.
UNREACHABLE = (Unavailable, OperationalError, InterfaceError, InternalError)
