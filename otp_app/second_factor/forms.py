"""Take the second factor of staff, typed or by a passkey, or add the first one."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from .. import factors, passwords, proofs
from ..errors import InvalidOrExpiredCode
from ..factors import authenticators, passkeys, relying_party
from ..flows import passkeys as adding
from ..limits.clients import client_of
from ..proofs import enrolments
from .asked import Asked

_MAX_CHARACTERS = 32
_WRONG = _("This code is wrong, or it was used already.")
_REFUSED = _("This passkey was not accepted. Try again.")
_NOT_ADDED = _("The passkey could not be added. Try again.")


class SecondFactorForm(forms.Form):
    """Take a code of an authenticator that the person has or is about to add, a recovery code, or a passkey's answer.

    ``key`` is then that of the factor, and ``recovery_codes`` are those of a new one.
    """

    code = forms.CharField(label=_("Code"), max_length=_MAX_CHARACTERS)
    passkey = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, request: HttpRequest, asked: Asked, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.asked = request, asked
        self.key, self.recovery_codes = "", list[str]()
        self.by_passkey = "passkey" in self.data
        self.fields["code"].required, self.fields["passkey"].required = not self.by_passkey, self.by_passkey
        first = not asked.takes_passkey
        self.fields["code"].widget.attrs |= {"autocomplete": "one-time-code", "autofocus": first, "spellcheck": "false"}

    @sensitive_variables()
    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not self.by_passkey:
            self._limited(partial(self._enrol if self.asked.is_new else self._prove, code), _WRONG)
        return code

    @sensitive_variables()
    def clean_passkey(self) -> str:
        text: str = self.cleaned_data["passkey"]
        if self.by_passkey and self.asked.is_new:
            self._limited(partial(self._enrol_passkey, passkeys.read(text)), _NOT_ADDED)
        elif self.by_passkey:
            self._limited(partial(self._prove_by_passkey, passkeys.read(text)), _REFUSED)
        return text

    def _limited(self, give: Callable[[str], str], wrong: Any) -> None:
        """Keep the key that ``give`` returns for a client. Raise ValidationError, also if there is none."""
        client = client_of(self.request.META)
        with passwords.refusing(str(self.asked.user.pk), client, self.request):
            self.key = give(client)
        if not self.key:
            raise ValidationError(wrong, code="invalid")

    def _prove(self, code: str, client: str) -> str:
        return self.asked.key if self._is_right(factors.kind_of(code), code, client) else ""

    def _prove_by_passkey(self, answer: Any, client: str) -> str:
        given = passkeys.named_by(self.asked.user, answer) if self._is_right(factors.PASSKEY, answer, client) else None
        return given.pk.hex if given else ""

    def _is_right(self, by: str, answer: Any, client: str) -> bool:
        factor, bound_to = {"by": by, "answer": answer}, self.asked.bound_to
        return proofs.prove(self.asked.user, factor, client=client, request=self.request, bound_to=bound_to)

    def _enrol(self, code: str, client: str) -> str:
        self.recovery_codes = authenticators.enrol(self.asked.user, self.asked.new, code)
        if not self.recovery_codes:
            return ""
        enrolments.record_added(self.asked.user, self.request, client)
        return self.asked.new.pk.hex

    def _enrol_passkey(self, answer: Any, client: str) -> str:
        if not relying_party.is_on():
            return ""
        user, bound_to = self.asked.user, self.asked.bound_to
        try:
            added, self.recovery_codes = adding.enrol(user=user, answer=answer, bound_to=bound_to, request=self.request)
        except InvalidOrExpiredCode:
            return ""
        return added.pk.hex
