"""The admin of sites and apps that send people here to sign in."""

import pytest
from django.contrib import admin
from django.urls import reverse

from otp_app.models import AuthorizationClient, AuthorizationCode
from tests.admin.pages import page

pytestmark = pytest.mark.django_db


class TestSites:
    """Sites and apps that send people here to sign in."""

    BACK = "https://shop.example.com/back"

    @pytest.fixture
    def site(self):
        return AuthorizationClient.objects.create(name="The Shop", redirect_uris=self.BACK)

    def test_one_is_added_by_name_and_addresses_and_gets_an_id(self, sees_all):
        data = {"name": "The Shop", "redirect_uris": f"{self.BACK}\r\ncom.example.app:/cb", "is_active": "on"}
        assert sees_all.post(reverse("admin:otp_app_authorizationclient_add"), data).status_code == 302
        site = AuthorizationClient.objects.get()
        assert site.pk.isalnum()
        assert (site.name, site.redirect_uris.split()) == ("The Shop", [self.BACK, "com.example.app:/cb"])
        assert site.pk in page(sees_all, "authorizationclient_changelist")
        assert site.pk in page(sees_all, "authorizationclient_change", site.pk)

    def test_no_id_is_shown_before_there_is_one(self, sees_all):
        assert "field-id" not in sees_all.get(reverse("admin:otp_app_authorizationclient_add")).content.decode()

    def test_an_address_that_no_code_may_be_sent_to_is_refused_with_the_reason(self, sees_all):
        data = {"name": "The Shop", "redirect_uris": f"{self.BACK}\nmyapp:/cb", "is_active": "on"}
        response = sees_all.post(reverse("admin:otp_app_authorizationclient_add"), data)
        assert "myapp:/cb is no address to go back to" in response.content.decode()
        assert not AuthorizationClient.objects.exists()

    def test_its_id_stays_when_it_is_changed(self, sees_all, site):
        data = {"id": "mine", "name": "Another name", "redirect_uris": self.BACK}
        address = reverse("admin:otp_app_authorizationclient_change", args=[site.pk])
        assert sees_all.post(address, data).status_code == 302
        changed = AuthorizationClient.objects.get()
        assert (changed.pk, changed.name, changed.is_active) == (site.pk, "Another name", False)

    def test_one_is_found_by_its_name_or_its_id_and_by_whether_it_is_active(self, sees_all, site):
        for asked in ({"q": "shop"}, {"q": site.pk}, {"is_active__exact": "1"}):
            assert site.pk in page(sees_all, "authorizationclient_changelist", **asked)
        assert site.pk not in page(sees_all, "authorizationclient_changelist", is_active__exact="0")

    def test_who_may_not_see_them_sees_none(self, sees_some, site):
        address = reverse("admin:otp_app_authorizationclient_change", args=[site.pk])
        assert sees_some.get(address).status_code == 403

    def test_codes_on_their_way_have_no_pages(self):
        assert not admin.site.is_registered(AuthorizationCode)
