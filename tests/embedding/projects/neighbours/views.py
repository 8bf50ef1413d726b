from rest_framework.decorators import api_view, authentication_classes, permission_classes, throttle_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication

from otp_app.api.authentication import TokenAuthentication


@api_view()
@authentication_classes([TokenAuthentication, JWTAuthentication])
@permission_classes([IsAuthenticated])
@throttle_classes([])
def orders(request):
    return Response({"id": request.user.pk, "email": request.user.email})


def explain(error, context):
    return Response({"error": str(error)}, getattr(error, "status_code", 500))
