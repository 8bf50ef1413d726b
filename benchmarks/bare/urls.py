"""The yardsticks: a view of Django, and one of DRF that answers with the phone number it was given.

And what that costs when it asks other servers as often as ours, for next to nothing: nobody who asks that often, by the
same libraries, can cost less.
"""

import os

import phonenumbers
import redis
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

_valkey = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


def plain(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"message": "hello"})


class PhoneSerializer(serializers.Serializer):  # type: ignore[type-arg]  # not generic at run time
    phone = serializers.CharField(max_length=32)

    def validate_phone(self, value: str) -> str:
        number = phonenumbers.parse(value)
        if not phonenumbers.is_valid_number(number):
            raise serializers.ValidationError("This is not a phone number.")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Echo(APIView):
    scripts = 0  # of Valkey
    statements = 0  # of PostgreSQL

    def post(self, request: Request) -> Response:
        serializer = PhoneSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        for _ in range(self.scripts):
            _valkey.eval("return ARGV[1]", 0, "x")
        for number in range(self.statements):
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s", [number])
                cursor.fetchone()
        return Response(serializer.validated_data)


urlpatterns = [
    path("django/", plain),
    path("drf/", Echo.as_view()),
    path("redis-send/", Echo.as_view(scripts=1)),
    path("redis-verify/", Echo.as_view(scripts=2, statements=1)),
    path("sql-send/", Echo.as_view(statements=2)),
    path("sql-verify/", Echo.as_view(statements=3)),
    path("healthz", plain),
]
