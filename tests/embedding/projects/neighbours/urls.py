from base.urls import urlpatterns
from django.urls import include, path

from .views import orders

urlpatterns = [
    *urlpatterns,
    path("accounts/", include("allauth.urls")),
    path("rest/", include("dj_rest_auth.urls")),
    path("orders/", orders),
]
