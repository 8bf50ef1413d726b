"""Classes of accounts as projects write them, named by tests in OTP_ACCOUNTS."""

import time
from uuid import UUID

from django.contrib.auth import get_user_model
from rest_framework import serializers

from otp_app.accounts import Accounts

INVITED = "+998901112233"


class ProfileSerializer(serializers.Serializer):
    full_name = serializers.CharField(max_length=20, help_text="As in your passport.")
    language = serializers.ChoiceField([("en", "English"), ("uz", "Uzbek")], required=False)
    consent = serializers.BooleanField(label="I agree")

    def validate_consent(self, value):
        if not value:
            raise serializers.ValidationError("You must agree.")
        return value


class NameSerializer(serializers.Serializer):
    full_name = serializers.CharField()


class Named(Accounts):
    """Leaves it to the default to keep what the serializer has."""

    sign_up_serializer = NameSerializer


class Asking(Accounts):
    sign_up_serializer = "tests.members.ProfileSerializer"

    def create(self, phone, request, profile):
        kept = {name: value for name, value in profile.items() if name != "consent"}
        return super().create(phone, request, kept)

    def shown(self, user):
        return {"full_name": user.full_name, "id": "not ours to change"}


class Dated(Named):
    """Shows values that JSON has no type for, as REST framework writes them."""

    def shown(self, user):
        return {"full_name": user.full_name, "joined": user.date_joined, "reference": UUID(int=user.pk)}


class Optional(Accounts):
    class sign_up_serializer(serializers.Serializer):  # noqa: N801
        full_name = serializers.CharField(required=False)


class Guests(Accounts):
    """Has an invite list of one."""

    def may_sign_up(self, phone, request):
        return phone == INVITED


class AskingGuests(Guests, Asking):
    pass


class ByHost(Accounts):
    """Tenants: one number has a user for each host name, kept in the language field for want of a better one."""

    def find(self, phone, request):
        users = get_user_model()._base_manager
        return users.filter(full_name=phone, language=request.get_host()[:8]).first()

    def create(self, phone, request, profile):
        users = get_user_model()._base_manager
        host = request.get_host()[:8]
        return users.create(phone=f"+1{users.count():010}", full_name=phone, language=host)

    def phone_of(self, user):
        return user.full_name

    def set_phone(self, user, phone):
        user.full_name = phone
        user.save()


class Own(Accounts):
    """Finds and makes users in its own way, without a unique field."""

    def find(self, phone, request):
        return get_user_model()._base_manager.filter(full_name=phone).first()

    def create(self, phone, request, profile):
        users = get_user_model()._base_manager
        return users.create(phone=f"+1{users.count():010}", full_name=phone)


class Mislaying(Accounts):
    """Reads phones in one place and leaves them to be written in another."""

    def phone_of(self, user):
        return user.full_name


class Slow(Own):
    """Looks, takes its time, and then writes."""

    def find(self, phone, request):
        found = super().find(phone, request)
        time.sleep(0.05)
        return found

    def phone_of(self, user):
        return user.full_name

    def set_phone(self, user, phone):
        user.full_name = phone
        user.save()


class Looking(Accounts):
    """Finds as the default does, and looks for something else before it writes."""

    def create(self, phone, request, profile):
        get_user_model()._base_manager.filter(language="none").exists()
        time.sleep(0.05)
        return super().create(phone, request, profile)


class Refusing(Accounts):
    """Makes a row beside the user, which is refused."""

    def create(self, phone, request, profile):
        super().create(phone, request, profile)
        return get_user_model()._base_manager.create(phone=phone)


class Incomplete:
    def find(self, phone, request):
        return None


def path(cls):
    return f"tests.members.{cls.__name__}"
