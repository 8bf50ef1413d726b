"""``manage.py otp_limits``."""

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from otp_app import notifications, services, stores
from otp_app.delivery import suppressions
from otp_app.errors import Limited, Unavailable, UndeliverablePhone
from otp_app.limits import TABLE, request_limits
from otp_app.management.tables import duration, table
from otp_app.models import Counter
from tests.factories import new_phone, other_than
from tests.rulings.made import ruled

pytestmark = pytest.mark.django_db

CLIENT = "2001:db8:1:2::/64"


def output(*args):
    stream = io.StringIO()
    call_command("otp_limits", *args, stdout=stream)
    return stream.getvalue()


def row(text, title, name):
    """Return the cells of a limit in the part with that title."""
    (part,) = [part for part in text.split("\n\n") if part.startswith(title)]
    (line,) = [line for line in part.splitlines() if line.startswith(name + " ")]
    return line.split()


class TestTable:
    def test_it_has_every_limit_with_the_amount_in_force(self, settings):
        settings.OTP_SENDS_PER_PHONE_DAY = 1234
        text = output()
        assert [line.split()[0] for line in text.splitlines() if "_per_" in line or "_of_" in line] == [
            line.name for line in TABLE if not line.name.startswith("answered")
        ]
        assert "1234" in next(line for line in text.splitlines() if line.startswith("sends_per_phone_day"))

    @pytest.mark.parametrize("columns", [100, 120, 160])
    def test_it_fits_the_terminal(self, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = output().splitlines()
        assert max(map(len, lines)) <= columns
        assert columns == 100 or len(lines) < 50

    def test_how_an_amount_grows_and_what_happens_beyond_it_is_said(self, settings, monkeypatch):
        monkeypatch.setenv("COLUMNS", "160")
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 6
        lines = {line.split()[0]: line for line in output().splitlines() if line}
        assert "6 + 25 %" in lines["unconverted_per_prefix_day"]
        assert "proof" not in lines["unconverted_per_prefix_day"]
        assert "proof, refused" in lines["unconverted_per_network_day"]
        assert "60-600 s" in next(line for name, line in lines.items() if name.startswith("wait"))
        assert "OTP_PROOFS is off" in lines["proof"]

    def test_the_legend_follows_the_settings(self, settings):
        settings.OTP_PROOFS, settings.OTP_SITE_CLIENTS, settings.OTP_WAITS = True, 7, []
        text = output()
        assert "is off" not in text
        assert "amount of 7 clients" in text
        assert "60-600 s" not in text

    def test_the_budget_is_shown_in_its_currency(self, settings):
        line = next(line for line in output().splitlines() if line.startswith("budget_per_day"))
        assert line.split()[3] == "-"
        settings.OTP_BUDGET_PER_DAY, settings.OTP_CURRENCY = 12, "EUR"
        assert "12 EUR" in next(line for line in output().splitlines() if line.startswith("budget_per_day"))

    def test_rules_of_the_hosts_own_stand_at_its_end(self, settings):
        settings.OTP_RULES = "tests.limits.test_request_limits.TENANT_RULES"
        assert (
            next(line for line in output().splitlines() if line.startswith("sends_per_tenant_day")).split()[3] == "50"
        )


class TestState:
    def test_a_phone_is_shown_with_its_devices_its_prefix_its_country_and_everybody(self, outbox):
        phone = new_phone()
        services.send_code(phone=phone, client=CLIENT)
        shown = f"phone {phone[:-6]}••••••"
        text = output("--phone", phone)
        assert phone not in text
        assert row(text, f"{shown}, strangers", "sends_per_phone_day")[1:3] == ["1", "10"]
        assert row(text, f"{shown}, strangers", "failures_per_phone_day")[1:3] == ["5", "20"]
        assert row(text, f"{shown}, strangers", TABLE[0].name)[1:6] == ["1", "60-600", "s", "1", "h"]
        assert row(text, f"{shown}, devices", "sends_of_devices_day")[1:3] == ["0", "5"]
        assert row(text, f"prefix {phone[:-6]}••", "unconverted_per_prefix_day")[1:3] == ["1", "1000"]
        assert row(text, "region UZ", "unconverted_per_region_day")[1:3] == ["1", "2500"]
        assert row(text, "everybody", "device_sends_per_day")[1:3] == ["0", "2000"]

    def test_a_known_device_is_counted_in_its_own_lane(self, outbox):
        phone = new_phone()
        services.send_code(phone=phone)
        device = services.sign_in(phone=phone, code=outbox[-1].code).device
        services.send_code(phone=phone, device=device)
        text = output("--phone", phone)
        shown = f"phone {phone[:-6]}••••••"
        assert row(text, f"{shown}, devices", "sends_of_devices_day")[1:3] == ["1", "5"]
        assert row(text, f"{shown}, devices", "failures_of_devices_day")[1:3] == ["5", "10"]
        assert row(text, f"{shown}, strangers", "failures_per_phone_day")[1:3] == ["0", "20"]
        assert row(text, "region UZ", "answered_in_region")[1:3] == ["1", "-"]
        assert row(text, "everybody", "device_sends_per_day")[1:3] == ["1", "2000"]

    def test_messages_without_a_code_are_counted_apart(self, outbox, django_user_model):
        notifications.send(user := django_user_model.objects.create_user(new_phone()), notifications.NEW_DEVICE)
        text = output("--phone", user.phone)
        shown = f"phone {user.phone[:-6]}••••••"
        assert row(text, f"{shown}, messages without a code", "notifications_per_phone_day")[1:3] == ["1", "5"]
        assert row(text, f"{shown}, strangers", "sends_per_phone_day")[1:3] == ["0", "10"]

    @pytest.mark.parametrize("spelling", ["2001:db8:1:2::", "2001:db8:1:2:3:4:5:6", CLIENT, "2001:DB8:1:2::1%eth0"])
    def test_an_ipv6_client_is_shown_with_its_48_and_its_32(self, outbox, spelling):
        phone = new_phone()
        services.send_code(phone=phone, client=CLIENT)
        with pytest.raises(services.InvalidOrExpiredCode):
            services.verify_code(phone=phone, code=other_than(outbox[-1].code), client=CLIENT)
        text = output("--client", spelling)
        assert row(text, "client 2001:db8:1:2::/64", "checks_per_client_hour")[1] == "1"
        assert row(text, "site 2001:db8:1::/48", "checks_per_site_hour")[1] == "1"
        assert row(text, "subnet 2001:db8:1::/48", "unconverted_per_subnet_day")[1] == "1"
        assert row(text, "network 2001:db8::/32", "unconverted_per_network_day")[1] == "1"

    def test_an_ipv4_client_has_no_site_and_its_passwords_are_shown(self):
        stores.current().take(request_limits.for_password("192.0.2.1", "somebody"))
        text = output("--client", "192.0.2.1")
        assert "site" not in text
        assert "subnet 192.0.2.0/24" in text
        assert "network 192.0.0.0/16" in text
        assert row(text, "client 192.0.2.1", "passwords_per_client_hour")[1:3] == ["1", "20"]

    def test_a_full_prefix_says_how_long_it_waits(self, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 1
        services.send_code(phone="+998911110000")
        with pytest.raises(Limited):
            services.send_code(phone="+998911110001")
        cells = row(output("--prefix", "+99891111"), "prefix +998911••", "unconverted_per_prefix_day")
        assert cells[1:3] == ["1", "1"]
        assert cells[5:7] == ["1", "d"]

    def test_a_country_is_asked_for_by_its_letters(self, outbox):
        services.send_code(phone="+77012345678")
        text = output("--region", " kz ")
        assert row(text, "region KZ", "unconverted_per_region_day")[1:3] == ["1", "2500"]

    def test_the_pot_of_strangers_is_shown_as_it_is_although_no_network_asks(self, settings, outbox):
        settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]
        services.send_code(phone="+77012345678", client="192.0.2.1")
        settings.OTP_HOME_NETWORKS = []
        assert row(output("--region", "KZ"), "everybody", "unconverted_of_strangers_day")[1:3] == ["1", "300"]

    def test_a_country_whose_numbers_begin_like_anothers_can_be_asked_for(self):
        assert row(output("--region", "IM"), "region IM", "unconverted_per_region_day")[1] == "0"

    def test_the_budget_is_shown_in_its_currency(self, settings, outbox):
        settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"PRICE": "0.25"}]
        settings.OTP_BUDGET_PER_DAY = 2
        services.send_code(phone=new_phone())
        assert row(output("--region", "UZ"), "everybody", "budget_per_day")[1:5] == ["0.25", "USD", "2", "USD"]

    def test_a_test_number_is_said_to_be_one(self, settings):
        settings.OTP_TEST_NUMBERS = {"+999123456789": {"code": "246810"}}
        text = output("--phone", "+999 123 456 789")
        assert "A test number: nothing is sent to it." in text
        assert "region" not in text.partition("everybody")[0]

    def test_looking_takes_nothing(self):
        phone = new_phone()
        first = output("--phone", phone)
        assert output("--phone", phone) == first
        assert not Counter.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "text", "words"),
        [
            ("phone", "901234567", "country code"),
            ("phone", "", "country code"),
            ("client", "localhost", "no IPv4 or IPv6 address"),
            ("client", "192.0.2.0/24", "no IPv4 or IPv6 address"),
            ("prefix", "99890123", "first digits"),
            ("prefix", "+9989012345678", "first digits"),
            ("region", "Uzbekistan", "two letters"),
        ],
    )
    def test_what_is_no_subject_is_refused_in_a_sentence(self, kind, text, words):
        with pytest.raises(CommandError, match=words) as error:
            output(f"--{kind}", text)
        assert str(error.value).startswith(f"--{kind} {text}: ")

    def test_two_subjects_at_once_are_refused(self):
        with pytest.raises(CommandError, match="Give one subject"):
            output("--region", "UZ", "--client", "192.0.2.1")

    @pytest.mark.parametrize("error", [OperationalError("no route"), Unavailable()])
    def test_a_store_that_is_down_is_said_in_a_sentence(self, monkeypatch, error):
        def usage(*_args, **_kwargs):
            raise error

        monkeypatch.setattr(stores.current(), "usage", usage, raising=False)
        with pytest.raises(CommandError, match=r"The store cannot be reached: (no route|unavailable)"):
            output("--region", "UZ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (12 * 3600, "12 h"), (30 * 86400, "30 d")],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


class TestWidths:
    ROWS = (("a", "b"), ("one two three", "four five"), ("x", ""))

    def test_a_table_that_fits_has_its_natural_widths(self):
        assert table(self.ROWS, 100)[2] == "one two three  four five"

    def test_texts_that_may_break_do_so_at_words(self):
        lines = table(self.ROWS, 14, wrapped=(0,))
        assert [line.split() for line in lines[2:5]] == [["one", "four", "five"], ["two"], ["three"]]

    def test_a_word_is_never_broken(self):
        assert "three" in "\n".join(table(self.ROWS, 3, wrapped=(0, 1)))


class TestExplanation:
    """``--phone`` with ``--client``: what a send would meet."""

    PHONE, CLIENT = "+998901234567", "192.0.2.1"

    def explained(self, phone=PHONE, client=CLIENT):
        return output("--phone", phone, "--client", client)

    def test_each_bucket_says_what_it_has_and_what_it_has_earned(self, outbox, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 4
        for number in range(4):
            services.send_code(phone=f"+99890123000{number}", client=self.CLIENT)
            services.verify_code(phone=f"+99890123000{number}", code=outbox[-1].code)
        services.send_code(phone="+998901239999", client=self.CLIENT)
        text = self.explained()
        assert "prefix +998901••: 1 of 5 unconverted in 1 d (floor 4 + 1 earned: 4 answered in 7 days).\n" in text
        assert "subnet 192.0.2.0/24: 1 of 1001 unconverted in 1 d (floor 1000 + 1 earned" in text
        assert "network 192.0.0.0/16: 1 of 1001 unconverted" in text
        assert "strangers: this client is none" in text
        assert "phone: 0 of 10 sends by strangers in 1 d.\n" in text
        assert "phone: 0 s to wait after the send before.\n" in text
        assert text.endswith("Verdict: sent.\n\n")
        assert self.PHONE not in text

    def test_what_an_operator_has_ruled_is_said_and_counts(self):
        ruled("network 192.0.2.0/24", "open", amount=5, until=4_102_444_800_000, reason="a school")
        text = self.explained()
        assert "By hand: network 192.0.2.0/24 is held open until 2100-01-01 00:00 UTC: a school.\n" in text
        assert "subnet 192.0.2.0/24: 0 of 5 unconverted" in text
        assert text.endswith("Verdict: sent.\n\n")
        ruled("prefix +99890123")
        text = self.explained()
        assert "By hand: prefix +998901•• is shut: no reason given.\n" in text
        assert text.endswith("Verdict: refused by hand.\n\n")

    def test_a_full_bucket_is_the_verdict_with_the_wait(self, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 1
        services.send_code(phone="+998901230000", client=self.CLIENT)
        text = self.explained()
        assert "prefix +998901••: 1 of 1 unconverted in 1 d (floor 1 + 0 earned: 0 answered in 7 days). Free" in text
        assert re.search(
            r"Verdict: refused by unconverted_per_prefix_day of prefix \+998901••, for (1 d|23 h 59 min)", text
        )

    def test_a_phone_that_has_to_wait_is_the_verdict_too(self):
        services.send_code(phone=self.PHONE, client=self.CLIENT)
        text = self.explained()
        assert "Verdict: refused by wait_per_phone of phone, for " in text
        assert "0 s to wait" not in text

    def test_more_than_half_is_a_proof_of_work(self, settings):
        settings.OTP_PROOFS, settings.OTP_HOME_NETWORKS = True, ["203.0.113.0/24"]
        settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
        text = self.explained()
        assert "strangers: 0 of 1 of strange networks in 1 d.\n" in text
        assert "Verdict: a proof of work is asked for, because more than half of unconverted_of_strangers_day" in text

    def test_money_is_told_in_its_currency_and_a_test_number_costs_none(self, settings):
        settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"PRICE": "0.25"}]
        settings.OTP_BUDGET_PER_DAY = 2
        services.send_code(phone=new_phone())
        assert "everybody: 0.25 of 2 USD in 1 d.\n" in self.explained()
        settings.OTP_TEST_NUMBERS = {"+999123456789": {"code": "246810"}}
        text = self.explained("+999123456789")
        assert "USD" not in text
        assert "client 192.0.2.1: 0 of 300 sends to test numbers in 1 h." in text

    def test_looking_takes_nothing(self):
        assert self.explained() == self.explained()
        assert not Counter.objects.exists()

    @pytest.mark.parametrize(
        ("phone", "client", "words"),
        [("901234567", "192.0.2.1", "--phone 901234567: .*country code"), ("+998901234567", "x", "--client x: .*IPv4")],
    )
    def test_what_is_no_subject_is_refused_in_a_sentence(self, phone, client, words):
        with pytest.raises(CommandError, match=words):
            self.explained(phone, client)


class TestLift:
    def test_only_the_suppression_of_a_phone_can_be_lifted(self):
        for subject in ([], ["--region", "UZ"], ["--phone", "+998901234567", "--client", "192.0.2.1"]):
            with pytest.raises(CommandError, match="--lift ends the suppression of a phone"):
                output(*subject, "--lift")

    def test_a_suppression_is_shown_and_ended(self, outbox):
        phone = "+998901234567"
        assert "Suppressed" not in output("--phone", phone)
        suppressions.suppress(phone, "call")
        assert "Suppressed: nothing is sent to it by call," in output("--phone", phone)
        suppressions.suppress(phone, "")
        assert "nothing is sent to it by any channel, call, because" in output("--phone", phone)
        with pytest.raises(UndeliverablePhone):
            services.send_code(phone=phone)
        assert "Suppressed" not in output("--phone", phone, "--lift")
        services.send_code(phone=phone)
