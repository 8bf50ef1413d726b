"""Where a code may be sent to, and what is kept of it."""

import re

import pytest
from django.core.exceptions import ValidationError

from otp_app.models import AuthorizationCode
from otp_app.models.authorizations import check_redirect_uris, new_client_id
from tests.sites import new_site


@pytest.mark.parametrize(
    "uri",
    [
        "https://shop.example.com/back",
        "https://shop.example.com",
        "https://shop.example.com:8443/back?a=b&c=%20d",
        "https://192.0.2.1/back",
        "http://127.0.0.1:5000/back",
        "http://localhost/back",
        "com.example.app:/cb",
        "com.example.app://back",
        "org.example.my-app.v2:/cb?a=b",
    ],
)
def test_https_this_machine_and_an_apps_own_scheme_are_taken(uri):
    check_redirect_uris(uri)


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://shop.example.com/back", "plain http to another machine"),
        ("http://127.0.0.1.evil.example/", "a host that only begins like this machine"),
        ("http://localhost.evil.example/", "the same"),
        ("http://0.0.0.0/", "every machine"),
        ("javascript:alert(1)", "a script"),
        ("javascript://shop.example.com/%0aalert(1)", "a script"),
        ("data:text/html,x", "a document"),
        ("file:///etc/passwd", "a file"),
        ("blob:https://shop.example.com/1", "a scheme without a dot"),
        ("myapp:/cb", "a scheme that anybody may take"),
        (".example:/cb", "no scheme"),
        ("com..app:/cb", "an empty label"),
        ("https://shop.example.com/back#", "a fragment, which the code would be put into"),
        ("https://shop.example.com/back#a", "a fragment"),
        ("com.example.app:/cb#a", "a fragment"),
        ("https://user@shop.example.com/", "a user"),
        ("https://user:word@shop.example.com/", "a user"),
        ("https://@shop.example.com/", "an empty user"),
        ("https://shop.example.com\\@evil.example/", "a host that browsers read in another way"),
        ("https://schön.example/", "not ASCII"),
        ("https://shop.example.com/назад", "not ASCII"),
        ("https://shop.example.com/\x00", "a control character"),
        ("https://shop.example.com/\x7f", "a control character"),
        ("https://shop.example.com/a;b", "what would end a directive of the policy"),
        ("https://[2001:db8::1]/back", "a host that no policy can name"),
        ("https://*/back", "every host"),
        ("https://*.example.com/back", "many hosts"),
        ("https://'self'/back", "a word of the policy"),
        ("https://a,b.example/back", "what would end a policy"),
        ("https://shop.example.com:99999/back", "no port"),
        ("https:///back", "no host"),
        ("https:back", "no host"),
        ("https://[::1/back", "no address at all"),
        ("//shop.example.com/back", "no scheme"),
        ("/back", "no scheme"),
        ("back", "no scheme"),
    ],
)
def test_every_other_address_is_refused_and_named(uri, why):
    with pytest.raises(ValidationError) as refused:
        check_redirect_uris(uri)
    assert uri in refused.value.messages[0], why
    assert "is no address to go back to" in refused.value.messages[0]


def test_of_several_lines_each_is_looked_at():
    good = "https://shop.example.com/back"
    check_redirect_uris(f"{good}\r\ncom.example.app:/cb\n")
    with pytest.raises(ValidationError, match="javascript:x is no address"):
        check_redirect_uris(f"{good}\njavascript:x\n{good}")


@pytest.mark.django_db
def test_saving_by_a_form_looks_at_the_addresses():
    site = new_site(redirect_uris="myapp:/cb")
    with pytest.raises(ValidationError) as refused:
        site.full_clean()
    assert list(refused.value.message_dict) == ["redirect_uris"]


def test_an_id_is_sixteen_random_digits():
    assert re.fullmatch("[0-9a-f]{16}", new_client_id())
    assert new_client_id() != new_client_id()


@pytest.mark.django_db
def test_a_site_is_called_by_its_name_and_a_code_by_whom_it_is_for(django_user_model):
    site = new_site()
    user = django_user_model.objects.create_user("+998901112255")
    assert str(site) == "The Shop"
    assert str(AuthorizationCode(client=site, user=user)) == f"{site.pk} {user.pk}"
