"""``manage.py otp_limits``."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from otp_app import services, stores
from otp_app.delivery import suppressions
from otp_app.errors import Limited, Unavailable, UndeliverablePhone
from otp_app.limits import TABLE, request_limits
from otp_app.management.tables import duration, table
from otp_app.models import BlockRow, Counter
from tests.factories import new_phone, other_than

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
            line.name for line in TABLE
        ]
        assert "1234" in next(line for line in text.splitlines() if line.startswith("sends_per_phone_day"))

    @pytest.mark.parametrize("columns", [100, 120, 160])
    def test_it_fits_the_terminal(self, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = output().splitlines()
        assert max(map(len, lines)) <= columns
        assert columns == 100 or len(lines) < 50

    def test_what_happens_beyond_an_amount_is_said(self, settings, monkeypatch):
        monkeypatch.setenv("COLUMNS", "160")
        settings.OTP_PREFIX_BLOCK = 5400
        lines = {line.split()[0]: line for line in output().splitlines() if line}
        assert "proof, block 1 h 30 min" in lines["unconverted_per_prefix_hour"]
        assert "proof, refused" in lines["sends_per_client_hour"]
        assert "judged" in lines["fresh_per_region"]
        assert "60-600 s" in next(line for name, line in lines.items() if name.startswith("wait"))
        assert "5 clients" in lines["amount"]
        assert "OTP_PROOFS is off" in lines["proof"]

    def test_the_legend_follows_the_settings(self, settings):
        settings.OTP_PROOFS, settings.OTP_HOME_REGIONS, settings.OTP_WAITS = True, [], []
        text = output()
        assert "is off" not in text
        assert "unless it is a home region (none)" in text
        assert "60-600 s" not in text


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
        assert row(text, f"prefix {phone[:-6]}••", "unconverted_per_prefix_hour")[1:3] == ["1", "10"]
        assert row(text, "region UZ", "sends_per_region_day")[1:3] == ["1", "500"]
        assert "0 of 1 sends were followed by a success (0 %)." in text
        assert "A home region: it is never blocked." in text
        assert row(text, "everybody", "failures_per_day")[1:3] == ["5", "5000"]

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
        assert "1 of 1 sends were followed by a success (100 %)." in text

    @pytest.mark.parametrize("spelling", ["2001:db8:1:2::", "2001:db8:1:2:3:4:5:6", CLIENT, "2001:DB8:1:2::1%eth0"])
    def test_an_ipv6_client_is_shown_by_its_64_and_its_48(self, outbox, spelling):
        phone = new_phone()
        services.send_code(phone=phone, client=CLIENT)
        with pytest.raises(services.InvalidOrExpiredCode):
            services.verify_code(phone=phone, code=other_than(outbox[-1].code), client=CLIENT)
        text = output("--client", spelling)
        for title, site in (("client 2001:db8:1:2::/64", "client"), ("site 2001:db8:1::/48", "site")):
            used = {name: row(text, title, f"{name}_per_{site}_hour")[1] for name in ("sends", "unconverted", "checks")}
            assert used == {"sends": "1", "unconverted": "1", "checks": "1"}

    def test_an_ipv4_client_has_no_site_and_its_passwords_are_shown(self):
        stores.current().take(request_limits.for_password("192.0.2.1", "somebody"))
        text = output("--client", "192.0.2.1")
        assert "site" not in text
        assert row(text, "client 192.0.2.1", "passwords_per_client_hour")[1:3] == ["1", "20"]

    def test_a_blocked_prefix_says_until_when(self, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_HOUR = 1
        services.send_code(phone="+998911110000")
        with pytest.raises(Limited):
            services.send_code(phone="+998911110001")
        cells = row(output("--prefix", "+99891111"), "prefix +998911••", "unconverted_per_prefix_hour")
        assert cells[1:3] == ["1", "1"]
        assert cells[-1] == "UTC"
        assert " ".join(cells[5:7]) in ("12 h", "11 h")

    def test_a_country_is_asked_for_by_its_letters(self, outbox):
        services.send_code(phone="+77012345678")
        text = output("--region", " kz ")
        assert row(text, "region KZ", "sends_per_region_day")[1:3] == ["1", "500"]
        assert row(text, "region KZ", "fresh_per_region")[1:3] == ["1", "-"]
        assert "home region" not in text

    def test_a_country_whose_numbers_begin_like_anothers_can_be_asked_for(self):
        assert row(output("--region", "IM"), "region IM", "sends_per_region_day")[1] == "0"

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
            ("prefix", "99890123", "without its last four"),
            ("prefix", "+9989012345678", "without its last four"),
            ("region", "Uzbekistan", "two letters"),
        ],
    )
    def test_what_is_no_subject_is_refused_in_a_sentence(self, kind, text, words):
        with pytest.raises(CommandError, match=words) as error:
            output(f"--{kind}", text)
        assert str(error.value).startswith(f"--{kind} {text}: ")

    def test_two_subjects_at_once_are_refused(self):
        with pytest.raises(CommandError, match="not allowed with"):
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


class TestLift:
    """With a row of the block in the admin, and after a crash that has kept it from being written."""

    @pytest.fixture(params=[True, False])
    def blocked(self, request, each_store, outbox, settings):
        for n in range(10):
            services.send_code(phone=f"+99890123{n:04d}")
        with pytest.raises(Limited):
            services.send_code(phone="+998901239999")
        if not request.param:
            BlockRow.objects.all().delete()

    def test_a_block_is_ended_and_its_row_stamped(self, blocked, caplog):
        assert "UTC" in output("--prefix", "+99890123")
        with caplog.at_level("WARNING", "otp_app.guard"):
            text = output("--prefix", "+99890123", "--lift")
        assert row(text, "prefix +998901••", "unconverted_per_prefix_hour")[1] == "0"
        assert "UTC" not in text
        assert not BlockRow.objects.filter(lifted_at=None).exists()
        assert "unblocked subject='prefix +998901••'" in caplog.text
        services.send_code(phone="+998901239999")

    def test_others_are_left_alone(self, blocked):
        output("--phone", "+998901239999", "--lift")
        output("--prefix", "+99890124", "--lift")
        with pytest.raises(Limited):
            services.send_code(phone="+998901239999")

    def test_that_of_a_region_is_ended_too(self, each_store, settings, clock, outbox):
        settings.OTP_CONVERSION_LEAST = 5
        for n in range(5):
            services.send_code(phone=f"+7701{n:03d}4567")
        clock.advance(63)
        with pytest.raises(Limited):
            services.send_code(phone="+77019994567")
        output("--region", "KZ", "--lift")
        services.send_code(phone="+77019994567")

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
