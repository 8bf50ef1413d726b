"""Ask Twilio Lookup whether a number has got another SIM or another owner.

The requests are those of https://www.twilio.com/docs/lookup/v2-api, its packages those of its pages ``sim-swap``,
``reassigned-number`` and ``line-type-intelligence``. Each package that is asked for costs money.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.utils.dateparse import parse_duration

from ..db import clock
from .base import Unknown, Unsuited
from .http import Http
from .line_checks import Line, LineCheck
from .twilio_codes import code_of, refused

SIM_SWAP, REASSIGNED, LINE_TYPE = "sim_swap", "reassigned_number", "line_type_intelligence"
FIELDS = (SIM_SWAP, REASSIGNED, LINE_TYPE)
TIMEOUTS = (1, 2)  # seconds to connect and to read: a person waits for the answer
_NOT_FOUND = 404
_NOBODYS = "+12025550100"  # of those that are kept for stories
_REASSIGNED = {"yes": True, "no": False}  # "no_data_available" is neither
_LINE_TYPES = {"mobile": "mobile", "landline": "landline", "fixedVoip": "voip", "nonFixedVoip": "voip"}
_UNKNOWN_TYPES = ("", "unknown")


class TwilioLookup(LineCheck):
    """Ask for the packages in ``fields``; ``base_url`` replaces lookups.twilio.com.

    Twilio has SIM swaps for some countries and reassigned numbers for the US alone, and lets an account use either only
    after an approval. Leave out what yours may not use.
    """

    def __init__(self, account_sid: str, auth_token: str, base_url: str = "", fields: Sequence[str] = FIELDS) -> None:
        auth = (account_sid, auth_token)
        self._http = Http(base_url or "https://lookups.twilio.com", auth=auth, timeouts=TIMEOUTS)
        self._fields = tuple(fields)

    def check(self, phone: str, *, last_seen: datetime) -> Line:
        asked = {"Fields": ",".join(self._fields)}
        if REASSIGNED in self._fields:
            asked["LastVerifiedDate"] = last_seen.astimezone(UTC).strftime("%Y%m%d")
        told = self._told(phone, asked)
        try:
            return self._line_of(told, last_seen)
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise Unknown("unreadable") from None

    def check_account(self) -> str:
        """Look a number up without packages, which Twilio does not bill."""
        if "valid" not in self._told(_NOBODYS, {}):
            raise Unknown("unreadable")
        guarded = [name for name in self._fields if name != LINE_TYPE]
        rest = f" Only a question that is billed tells whether the account may use {' and '.join(guarded)}."
        return f"The credentials are right.{rest if guarded else ''}"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _told(self, phone: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
        reply = self._http.get(f"/v2/PhoneNumbers/{quote(phone, safe='')}", params=asked)
        if reply.status == _NOT_FOUND:  # Twilio does not know the number: no reason to stop asking about others
            raise Unsuited("404")
        told = reply.data if isinstance(reply.data, dict) else {}
        if not reply.ok:
            raise refused(reply.status, told.get("code"))
        return told

    def _line_of(self, told: Mapping[str, Any], last_seen: datetime) -> Line:
        packages = {name: told[name] or {} for name in self._fields if name in told}
        if not packages:
            raise Unknown("unreadable")
        errors = [code_of(packages[name].get("error_code")) for name in packages if name != LINE_TYPE]
        return Line(
            sim_swapped=_swapped(packages.get(SIM_SWAP, {}).get("last_sim_swap") or {}, last_seen),
            reassigned=_REASSIGNED.get(str(packages.get(REASSIGNED, {}).get("is_number_reassigned"))),
            line_type=_line_type(packages.get(LINE_TYPE, {}).get("type")),
            error=errors[0] if errors and all(errors) else "",
        )


def _swapped(last: Mapping[str, Any], last_seen: datetime) -> bool | None:
    """Return whether the SIM was changed since ``last_seen``; None if that cannot be told.

    Of some countries Twilio tells no date, only whether it was within a period that ends now.
    """
    if date := last.get("last_sim_swap_date"):
        swapped_at = datetime.fromisoformat(date)
        return (swapped_at if swapped_at.tzinfo else swapped_at.replace(tzinfo=UTC)) >= last_seen
    within, period = last.get("swapped_in_period"), parse_duration(last.get("swapped_period") or "none")
    if not isinstance(within, bool) or period is None or period < timedelta(0):
        return None
    began = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC) - period
    tells = began >= last_seen if within else began <= last_seen
    return within if tells else None


def _line_type(told: Any) -> str:
    word = str(told or "")
    return "" if word in _UNKNOWN_TYPES else _LINE_TYPES.get(word, "other")
