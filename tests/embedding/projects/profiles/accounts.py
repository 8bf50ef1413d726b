import uuid

from django.contrib.auth.models import User

from otp_app.accounts import Accounts

from .models import Profile


class ProfileAccounts(Accounts):
    def find(self, phone, request):
        return User.objects.filter(profile__phone=phone).first()

    def create(self, phone, request, profile):
        user = User.objects.create_user(f"user-{uuid.uuid4().hex}")
        Profile.objects.create(user=user, phone=phone)
        return user

    def phone_of(self, user):
        found = Profile.objects.filter(user=user).first()
        return found.phone if found else ""

    def set_phone(self, user, phone):
        Profile.objects.filter(user=user).update(phone=phone)
