"""Read pages of the admin."""

from django.urls import reverse


def page(client, name, *args, **query):
    response = client.get(reverse(f"admin:otp_app_{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()
