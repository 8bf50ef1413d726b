"""Time passes only in the world, and in order."""

import pytest

from otp_app.models import ChallengeRow, Counter
from otp_app.providers import memory
from otp_app.simulation import honest, numbers
from otp_app.simulation.attackers import bomber
from otp_app.simulation.client import Answer, Caller, ask, check
from otp_app.simulation.honest import Person
from otp_app.simulation.population import Country
from otp_app.simulation.pumpers import Pumper
from otp_app.simulation.sandbox import sandbox
from otp_app.simulation.world import DAY_SECONDS, Size, World


@pytest.fixture
def world():
    with sandbox() as time:
        yield World(time, "tests", "seed", Size())


def caller(world, **values):
    defaults = {"group": "tests", "phone": numbers.phone(world.chance, "UZ"), "client": "192.0.2.1"}
    return Caller(world, **(defaults | values))


def test_actors_take_turns_by_time(world):
    seen = []

    def actor(name, *waits):
        for wait in waits:
            seen.append((name, world.seconds))
            yield wait

    world.enter(5, actor("late", 10, 10))
    world.enter(0, actor("early", 7, DAY_SECONDS, 1))
    world.run()
    assert seen == [("early", 0), ("late", 5), ("early", 7), ("late", 15)]
    assert world.seconds == DAY_SECONDS


def test_each_day_ends_with_a_purge(world):
    world.size = Size(days=4)
    world.enter(0, bomber(world, numbers.phone(world.chance, "UZ"), ["192.0.2.1"], 4))
    world.run()
    assert world.tallies["bombing"].messages > 1
    assert ChallengeRow.objects.count() < world.tallies["bombing"].messages
    assert Counter.objects.exists()


def test_a_pumper_stops_after_its_tries(world):
    assert len(list(Pumper(world, Country(world.chance)).act(3))) == world.tally_of("pumping").tries == 3


def test_an_attacker_who_adapts_waits_where_it_was_refused_and_goes_where_it_passes(world):
    pumper = Pumper(world, Country(world.chance), networks=("rented", "home"), adapts=True)
    caller, way = pumper.choose()
    pumper.told(caller, way, Answer(why="unconverted_per_prefix_day", retry_after=60))
    assert pumper._shut_until == {caller.phone[:-4]: 60}
    pumper.told(caller, way, Answer(why="unconverted_per_subnet_day", retry_after=90))
    assert pumper._shut_until[caller.client] == 90
    better = next(other for other in (pumper.choose()[1] for _ in range(100)) if other != way)
    pumper.told(caller, better, Answer(grant=object()))
    assert pumper._share_passed(better) > pumper._share_passed(way)


def test_messages_do_not_pile_up(world):
    assert ask(caller(world)).code
    assert memory.outbox == []


def test_a_failed_check_counts_as_a_comparison_only_where_there_was_something_to_compare(world):
    somebody = caller(world)
    check(somebody, "-")
    assert world.tally_of("tests").comparisons == 0
    grant = ask(somebody).grant
    check(somebody, "-")
    check(somebody, "-", grant.challenge.id)
    world.ledger.read()
    assert world.tally_of("tests").comparisons == world.ledger.failures == 2


def test_a_check_that_is_limited_says_for_how_long(world, settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    somebody = caller(world)
    ask(somebody)
    check(somebody, "-")
    assert check(somebody, "-").retry_after > 60
    assert sum(world.tally_of("tests").refused.values()) == 1


def test_a_person_who_may_not_check_for_long_is_lost(world, settings, monkeypatch):
    monkeypatch.setattr(honest, "MISTYPE_PERCENT", 100)
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    monkeypatch.setattr(honest, "CHANGE_NETWORK_PERCENT", 0)
    world.enter(0, Person(caller(world), may_give_up=False).visit())
    world.run()
    assert (world.tally_of("tests").people, world.tally_of("tests").lost) == (1, 1)


def test_a_person_waits_two_minutes_but_not_longer(world, settings, monkeypatch):
    settings.OTP_WAITS = [90]
    quick, slow = caller(world), caller(world)
    for number, (who, wait) in enumerate([(quick, 90), (slow, 150)]):
        settings.OTP_WAITS = [wait]
        ask(who)
        person = Person(who, may_give_up=False)
        for pause in person.visit():
            world._time.at += int(pause * 1000)
        assert person.signed_in is (number == 0)


def test_a_person_waits_for_a_check_that_is_limited_for_a_short_time(world, settings, monkeypatch):
    monkeypatch.setattr(honest, "CHANGE_NETWORK_PERCENT", 0)
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    first, second = caller(world), caller(world)
    ask(first)
    check(first, "-")
    world._time.at += 3_600_000
    person = Person(second, may_give_up=False)
    for pause in person.visit():
        world._time.at += int(pause * 1000)
    assert person.signed_in


def test_a_region_without_known_mobile_numbers_is_named(world):
    with pytest.raises(ValueError, match="'XX'"):
        numbers.phone(world.chance, "XX")
    with pytest.raises(ValueError, match="'DE'"):
        numbers.phone(world.chance, "DE")  # not served here


def test_addresses_are_of_every_kind_an_attacker_rents(world):
    clients = numbers.addresses(world.chance, 100)
    assert len(clients) == 100
    assert sum(client.startswith("2001:db8:bad:") for client in clients) == 25
    assert sum("." in client for client in clients) == 50


@pytest.mark.parametrize(
    ("named", "served"),
    [
        (None, numbers.REGIONS),
        ("*", numbers.REGIONS),
        (["*"], numbers.REGIONS),
        ("uz, KZ", ("UZ", "KZ")),
        (["DE"], ("DE",)),
    ],
)
def test_people_are_where_the_project_serves(settings, named, served):
    settings.OTP_ALLOWED_REGIONS = named
    assert numbers.regions() == served
