"""What the guard promises holds against attackers who know its rules. Small worlds: the large ones are documented."""

import pytest

from otp_app.simulation import attackers
from otp_app.simulation.profiles import ATTACKS, PROFILES


def total(world, who, what):
    return sum(getattr(tally, what) for name, tally in world.tallies.items() if who in name)


def attack_of(world):
    (tally,) = [tally for tally in world.tallies.values() if tally.hostile]
    return tally


def test_a_phone_that_is_bombed_gets_what_its_prefix_may_leave_unanswered_and_never_more_than_ten_a_day(
    played, settings
):
    for floor, messages in ((4, 4), (100, 10)):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = floor
        bombing = attack_of(played("bombing", "one phone", tries=300))
        assert (bombing.tries, bombing.messages) == (300, messages)


def test_a_phone_that_is_guessed_is_compared_twenty_times_a_day(played):
    world = played("guessing", "one phone", tries=300)
    assert attack_of(world).comparisons == world.ledger.failures == 20


def test_a_phone_that_is_guessed_for_days_is_compared_as_often_as_a_month_allows(played, settings):
    settings.OTP_FAILURES_PER_PHONE_MONTH = 25
    assert 20 < attack_of(played("guessing", "one phone", tries=300, days=3)).comparisons <= 25


def test_guesses_over_many_phones_are_bounded_by_what_strangers_may_leave_unanswered(played, settings):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 10
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    guessing = attack_of(played("guessing", "2,000 phones", tries=300))
    assert 0 < guessing.comparisons <= guessing.messages * 5
    assert guessing.refused["unconverted_per_region_day"] > 0


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_an_attack_costs_little_and_refuses_nobody_who_has_a_known_device(played, settings, attack):
    settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 20  # a share of the real one, as the attack is
    world = played("attacked", attack, tries=400, people=20, history=1)
    assert 0 < attack_of(world).messages < attack_of(world).tries == 400
    assert total(world, "known", "people") > 0
    assert total(world, "known", "lost") == 0


def test_honest_days_before_the_attack_are_played_but_not_judged(played):
    world = played("attacked", "concentrated", tries=100, people=20, history=2)
    assert total(world, "people", "people") == 20
    assert sum(tally.people for tally in world.history.values()) == 40
    assert not any(tally.hostile for tally in world.history.values())
    assert min(world.tallies["pumping"].sent_by_hour) >= 0


def test_a_pumper_of_few_prefixes_gets_no_further_than_what_these_may_leave_unanswered(played):
    world = played("first day", "concentrated", tries=600, people=10)
    assert attack_of(world).messages <= 64 * 4 + 10
    assert attack_of(world).refused["unconverted_per_prefix_day"] > 0


def test_an_attacker_who_adapts_gets_more_messages_for_its_tries(played, settings):
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 1
    size = {"tries": 400, "people": 5}
    stubborn, adaptive = (attack_of(played("first day", name, **size)) for name in ("concentrated", "adaptive"))
    assert adaptive.messages > stubborn.messages


def test_a_pumper_without_proofs_is_stopped_by_them(played, settings):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 20
    pumping = attack_of(played("first day", "no proofs", tries=150, people=5))
    assert pumping.proofs_solved == 0
    assert pumping.refused["proof_required"] > 50


def test_a_pumper_who_keeps_devices_gets_messages_by_them(played, settings):
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = settings.OTP_SENDS_PER_PREFIX_DAY = 1
    size = {"tries": 400, "people": 5}
    plain, kept = (attack_of(played("first day", name, **size)) for name in ("inverted", "inverted, devices kept"))
    assert kept.messages > plain.messages


def test_a_bomber_holds_a_share_of_the_people_and_those_alone_are_refused(played, settings):
    settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 5
    world = played("attacked", "region bomber", tries=600, people=40, history=1)
    assert 0 < world.share_held < 1
    assert total(world, "people", "lost") <= world.share_held * len(world.newcomers)


def test_named_home_networks_are_no_strangers_on_a_first_day(played, settings):
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
    size = {"tries": 300, "people": 30}
    assert total(played("first day", "spread, home networks named", **size), "people", "lost") <= 3


def test_a_service_that_grows_a_hundredfold_meets_no_wall(played):
    world = played("growing", "a hundredfold", days=5, people=100)
    assert total(world, "people", "people") > 200
    assert total(world, "people", "lost") == 0


def test_an_outage_of_the_only_provider_refuses_nobody(played):
    """People come back every ten minutes: if failed sends counted, the four of a prefix would soon be used up."""
    world = played("outage", "the only provider", people=100)
    assert total(world, "people", "undelivered") > 0
    assert total(world, "people", "lost") == 0
    assert {why for tally in world.tallies.values() for why in tally.refused} == {"undelivered"}


def test_an_outage_of_the_first_of_two_providers_costs_nobody(played):
    world = played("outage", "the first of two", people=100)
    assert total(world, "people", "undelivered") == total(world, "people", "lost") == 0


def test_strangers_cannot_keep_a_known_device_out(played):
    tallies = played("lockout", "all day", tries=300).tallies
    assert tallies["known device"].lost == 0
    assert tallies["known device"].people == tallies["without anything"].people == 20


def test_who_holds_the_id_of_an_open_challenge_gets_in_more_often_than_who_names_the_phone(played, monkeypatch):
    monkeypatch.setattr(attackers, "VICTIMS_WITH_OPEN_CHALLENGE", 4)
    lost = [total(played("lockout", f"challenge open, by {name}"), "owner", "lost") for name in ("id", "phone")]
    assert lost[0] < lost[1]


@pytest.mark.parametrize("name", list(PROFILES["honest"]))
def test_ordinary_days_lose_nobody(played, name):
    world = played("honest", name, people=10, history=1)
    assert total(world, "", "people") >= 10
    assert total(world, "", "lost") == 0


def test_in_a_single_region_everybody_is_there(played, settings):
    settings.OTP_ALLOWED_REGIONS = "DE"
    assert total(played("honest", "ordinary", people=10), "", "people") == 10
