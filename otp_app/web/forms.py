"""Validate what a person types. The pages forgive what the API refuses: spaces in a code, a national number."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .. import audit, phones
from ..challenges.policies import LOGIN, policy_for
from ..errors import InvalidPhone, OtpError

# A number copied from a contact or a page brings direction marks, narrow spaces and long dashes.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SEPARATORS = re.compile("[\\s\u2010-\u2015]+")


class PhoneField(forms.Field):
    """Convert a number to E.164, also from the national form of the home country."""

    def clean(self, value: Any) -> str:
        typed = _SEPARATORS.sub(" ", _INVISIBLE.sub("", value or "")).strip()
        if not typed:
            raise ValidationError(_("Enter your phone number."))
        try:
            return phones.parse(typed, region=phones.assumed_region())
        except OtpError as refused:
            invalid = isinstance(refused, InvalidPhone)
            text = _("Check the number: it does not look like a mobile one.") if invalid else str(refused.detail)
            raise ValidationError(text, params={"refused": refused}) from None


class CodeField(forms.Field):
    """Take the policy's number of digits, with spaces and hyphens; a mistyped code costs no check."""

    def clean(self, value: Any) -> str:
        typed, length = re.sub("[\\s-]", "", value or ""), policy_for(LOGIN).length
        if len(typed) != length or not re.fullmatch("[0-9]+", typed):
            raise ValidationError(_("Enter the %(length)d digits of the code."), params={"length": length})
        return typed


class PhoneForm(forms.Form):
    phone = PhoneField()

    def record_refusals(self, client: str) -> None:
        """Record each number that was refused, without what was typed."""
        for error in self.errors.as_data().get("phone", []):
            if error.params:
                audit.record_other_refusal(error.params["refused"], client)


class CodeForm(forms.Form):
    code = CodeField()

    def refuse_reload(self, checks: int) -> None:
        """Refuse what a reload after a wrong code sends again: it must not cost another check.

        ``checks`` is how many codes were entered; the page holds how many there were when it was shown.
        """
        if self.is_valid() and self.data.get("checks", str(checks)) != str(checks):
            self.add_error("code", _("This page was already sent. Enter the code again."))


class PhoneAndCodeForm(PhoneForm, CodeForm):
    pass
