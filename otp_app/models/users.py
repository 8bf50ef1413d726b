"""The user of the ready service."""

from ..users import AbstractPhoneUser


class User(AbstractPhoneUser):
    """The user of the ready service."""

    class Meta(AbstractPhoneUser.Meta):
        swappable = "AUTH_USER_MODEL"
