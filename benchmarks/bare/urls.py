"""The yardsticks: a view of Django, and one of DRF that answers with the phone number it was given."""

import phonenumbers
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


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
    def post(self, request: Request) -> Response:
        serializer = PhoneSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


urlpatterns = [path("django/", plain), path("drf/", Echo.as_view()), path("healthz", plain)]
