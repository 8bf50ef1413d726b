"""The addresses of a project whose views authenticate by the libraries' own classes."""

from django.urls import include, path
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.views import LogoutView
from rest_framework.authentication import TokenAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt.authentication import JWTAuthentication

from otp_app import staff


class Careful(JWTAuthentication):
    """As docs/token-adapters.md has it."""

    def get_user(self, validated_token):
        return staff.without_rights(super().get_user(validated_token))


class ByAuthtoken(APIView):
    authentication_classes = (TokenAuthentication,)


class ByJwt(ViewSet):
    authentication_classes = (Careful, JWTAuthentication)

    def list(self, request):
        return Response()


@api_view()
@authentication_classes([KnoxAuthentication])
def ByKnox(request):  # noqa: N802  (named as its neighbours)
    return Response()


inner = [path("jwt/", ByJwt.as_view({"get": "list"})), path("knox/", ByKnox)]
urlpatterns = [
    path("inner/", include((inner, "inner"))),
    path("authtoken/", ByAuthtoken.as_view()),
    path("out/", LogoutView.as_view()),
]
