"""Define the user of the ready service."""

from ..users import AbstractPhoneUser


class User(AbstractPhoneUser):
    """Represent a user of the ready service; a project may have a user model of its own."""

    class Meta(AbstractPhoneUser.Meta):
        swappable = "AUTH_USER_MODEL"
