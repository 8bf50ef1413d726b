"""What the guard promises holds against attackers who know its rules. Small worlds: the large ones are documented."""

import pytest

from otp_app.simulation import attackers
from otp_app.simulation.profiles import PROFILES


def total(worlds, who, what):
    return sum(getattr(world.tallies[name], what) for world in worlds.values() for name in world.tallies if who in name)


def test_a_phone_that_is_bombed_gets_ten_messages_a_day(played):
    bombing = played("bombing", tries=300)["one phone"].tallies["bombing"]
    assert (bombing.tries, bombing.messages) == (300, 10)


def test_a_phone_that_is_guessed_is_compared_twenty_times_a_day(played):
    guessing = played("guessing", "one phone", tries=300)["one phone"]
    assert guessing.tallies["guessing"].comparisons == guessing.ledger.failures == 20


def test_a_phone_that_is_guessed_for_days_is_compared_as_often_as_a_month_allows(played, settings):
    settings.OTP_FAILURES_PER_PHONE_MONTH = 25
    guessing = played("guessing", "one phone", tries=300, days=3)["one phone"]
    assert 20 < guessing.tallies["guessing"].comparisons <= 25


def test_guesses_over_many_phones_are_bounded_by_what_is_granted_in_all(played, settings):
    settings.OTP_FAILURES_PER_DAY = 50
    guessing = played("guessing", "2,000 phones", tries=200)["2,000 phones"].tallies["guessing"]
    assert 0 < guessing.comparisons <= 50
    assert guessing.refused["failures_per_day"] > 0


def test_a_pumper_without_proofs_gets_no_further_than_the_first_sends_of_a_region(played, settings):
    """Five until a region is judged: twice a day where a block ends after 12 hours, once where a proof is asked for."""
    settings.OTP_CONVERSION_LEAST = 5
    settings.OTP_HOME_REGIONS = ["UZ"]
    pumping = played("pumping", "no proofs", tries=150)["no proofs"].tallies["pumping"]
    assert pumping.messages <= (4 * 2 + 1) * 5
    assert pumping.proofs_solved == 0
    assert pumping.proofs_asked > 50


def test_a_pumper_with_proofs_gets_its_regions_blocked(played, settings):
    """Five twice a day, as above: tries come minutes apart, so that none is too fresh to be judged."""
    settings.OTP_CONVERSION_LEAST = 5
    settings.OTP_HOME_REGIONS = ["UZ"]
    settings.OTP_SENDS_PER_REGION_DAY = 30
    world = played("pumping", "solving proofs", tries=200)["solving proofs"]
    pumping = world.tallies["pumping"]
    assert world.ledger.blocks.count("conversion") == 4 * 2
    assert pumping.messages <= 4 * 2 * 5 + 30
    assert 0 < pumping.proofs_solved < pumping.messages


def test_a_pumper_gets_its_prefixes_blocked(played, settings):
    settings.OTP_UNCONVERTED_PER_PREFIX_HOUR = 1
    world = played("pumping", "solving proofs", tries=100)["solving proofs"]
    assert world.ledger.blocks.count("unconverted_per_prefix_hour") > 0


@pytest.mark.parametrize("world", list(PROFILES["inverted"]))
def test_a_pumper_who_verifies_is_bounded_by_the_limits_of_all(played, settings, world):
    settings.OTP_SENDS_PER_DAY = 50
    settings.OTP_DEVICE_SENDS_PER_DAY = 5
    inverted = played("inverted", world, tries=150)[world].tallies["pumping"]
    assert inverted.messages == (55 if world == "devices kept" else 50)
    assert inverted.refused["sends_per_day"] > 0


def test_strangers_cannot_keep_a_known_device_out(played):
    tallies = played("lockout", "all day", tries=300)["all day"].tallies
    assert tallies["known device"].lost == 0
    assert tallies["known device"].people == tallies["without anything"].people == 20


def test_who_holds_the_id_of_an_open_challenge_gets_in_more_often_than_who_names_the_phone(played, monkeypatch):
    monkeypatch.setattr(attackers, "VICTIMS_WITH_OPEN_CHALLENGE", 4)
    tallies = played("lockout", "challenge open", tries=1000)["challenge open"].tallies
    assert tallies["challenge_id"].lost < tallies["phone alone"].lost


@pytest.mark.parametrize("world", list(PROFILES["honest"]))
def test_ordinary_days_lose_nobody(played, world):
    worlds = played("honest", world, people=10)
    assert total(worlds, "", "people") >= 10
    assert total(worlds, "", "lost") == 0


def test_known_devices_get_in_while_everything_is_attacked(played):
    worlds = played("mixed", tries=200, people=10)
    assert total(worlds, "known", "people") > 0
    assert total(worlds, "known", "lost") == 0
    assert total(worlds, "pumping", "messages") > 0


def test_in_a_single_region_everybody_is_there(played, settings):
    settings.OTP_ALLOWED_REGIONS = "DE"
    assert total(played("honest", "ordinary", people=10), "", "people") == 10
