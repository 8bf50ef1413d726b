"""Where phones are kept and how they are written to, which allauth leaves to its users."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from peer import outbox
from peer.models import User


class Adapter(DefaultAccountAdapter):
    def get_phone(self, user: User) -> tuple[str, bool] | None:
        return (user.phone, user.phone_verified) if user.phone else None

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        user.phone, user.phone_verified = phone, verified
        user.save(update_fields=["phone", "phone_verified"])

    def set_phone_verified(self, user: User, phone: str) -> None:
        self.set_phone(user, phone, verified=True)

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone).first()

    def send_verification_code_sms(self, user: User, phone: str, code: str, **kwargs: Any) -> None:
        """Left for ``peer.tokens`` to send: the benchmark, which reads only the outbox, needs a token with the code."""
        self.request.message = (phone, code)

    def send_unknown_account_sms(self, phone: str, **kwargs: Any) -> None:
        outbox.append(phone, "unknown")

    def send_account_already_exists_sms(self, phone: str) -> None:
        outbox.append(phone, "exists")
