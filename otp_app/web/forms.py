"""What a person types. The pages forgive what the API refuses: spaces in a code, a number in its national form."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .. import phones
from ..challenges.policies import LOGIN, policy_for
from ..errors import InvalidPhone, OtpError

# What comes with a number that is copied from a contact or a page: narrow spaces, long dashes, marks of direction.
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SPACES = re.compile("[\\s\u2010-\u2015]+")


ALREADY_SENT = _("This page was already sent. Enter the code again.")


class PhoneField(forms.Field):
    """Becomes E.164."""

    def clean(self, value: Any) -> str:
        typed = _SPACES.sub(" ", _MARKS.sub("", value or "")).strip()
        if not typed:
            raise ValidationError(_("Enter your phone number."))
        try:
            return phones.parse(typed, region=phones.home())
        except InvalidPhone:
            raise ValidationError(_("Check the number: it does not look like a mobile one.")) from None
        except OtpError as error:
            raise ValidationError(str(error.detail)) from None


class CodeField(forms.Field):
    """The policy's number of digits; anything else is a slip that costs no check."""

    def clean(self, value: Any) -> str:
        typed, length = re.sub("[\\s-]", "", value or ""), policy_for(LOGIN).length
        if len(typed) != length or not re.fullmatch("[0-9]+", typed):
            raise ValidationError(_("Enter the %(length)d digits of the code."), params={"length": length})
        return typed


class PhoneForm(forms.Form):
    phone = PhoneField()


class CodeForm(forms.Form):
    code = CodeField()


class PhoneAndCodeForm(PhoneForm, CodeForm):
    pass
