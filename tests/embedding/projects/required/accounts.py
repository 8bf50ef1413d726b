from rest_framework import serializers

from otp_app.accounts import Accounts


class ReaderSerializer(serializers.Serializer):
    born = serializers.DateField()
    agreed = serializers.BooleanField()


class ReaderAccounts(Accounts):
    sign_up_serializer = ReaderSerializer
