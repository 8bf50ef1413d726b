"""A month of attacks on one phone, played through with the service's clock."""

import random

import pytest

from .talking import code_of, messages_to, most_within, phone, send, verify, wrong


@pytest.fixture(params=["sql_service", "redis_service"])
def service(request):
    return request.getfixturevalue(request.param)


MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


class Attack:
    """What strangers from ever new addresses do to one phone, and what of it was let through."""

    def __init__(self, service):
        self.service = service
        self.clock = service.clock
        self.phone = phone()
        self.open = {}  # challenge id: its code
        self.checks_left = {}
        self.failed = []  # instants of failed comparisons, in milliseconds of the store's clock
        self.sent = []  # the same, of messages
        self.wait = 0  # the last Retry-After
        self.promised = False  # whether a new code must be sent when it has passed

    def ask(self):
        """Asks for a code, mostly a new one."""
        again = {"challenge_id": random.choice(list(self.open))} if self.open and random.random() < 0.3 else {}
        answer = send(self.service, self.phone, **again)
        assert answer.status == 200 or again or not self.promised, "Retry-After has passed, and it is refused again"
        self.wait, self.promised = 0, False
        if answer.status == 200:
            challenge_id = answer.json["challenge_id"]
            self.open[challenge_id] = code_of(self.service, challenge_id)
            self.look()
        elif answer.code == "limited":
            self.wait, self.promised = answer.json["retry_after"], not again  # a resend waits for less than a new code
        else:
            assert again
            assert answer.code == "invalid_or_expired_code"  # its time or its three sends are over
            self.open.pop(again["challenge_id"])

    def pass_time(self):
        """Waits as long as it was told to, half a day at the most, or a while."""
        step = min(self.wait, 12 * HOUR) or random.choice([0, 1, 2, 10]) * MINUTE
        self.promised &= step == self.wait
        self.clock.advance(step)
        if step >= 10 * MINUTE:
            self.open.clear()

    def guess(self, challenge_id=None):
        """A few wrong codes for an open challenge, with its id or without; or as many as it takes for this one."""
        self.promised = False  # what fails now moves the end of the wait
        chosen = challenge_id or random.choice(list(self.open))
        code, named = self.open[chosen], challenge_id or random.choice([None, chosen, chosen])
        for n in range(5 if challenge_id else random.randint(1, 7)):
            assert verify(self.service, self.phone, wrong(code, n), named).code == "invalid_or_expired_code"
        self.look()

    def own(self):
        """Its owner signs in, if strangers have left a check of his challenge."""
        self.promised = False
        challenge_id, code = random.choice(list(self.open.items()))
        answer = verify(self.service, self.phone, code, challenge_id)
        self.look(approved=challenge_id if answer.status == 200 else None)

    def look(self, approved=None):
        """Books what the store tells of comparisons and messages since the last look."""
        for challenge_id in self.open:
            found = self.service.challenge(challenge_id)
            compared = self.checks_left.get(challenge_id, 5) - found["checks_left"]
            self.failed += [found["checked_at"]] * (compared - (challenge_id == approved))
            self.checks_left[challenge_id] = found["checks_left"]
            self.sent += set(found["sent_at"]) - set(self.sent)


def guess_at_once(attack):
    if attack.open:
        attack.guess()


def guess_late(attack):
    """Collects open challenges as long as it gets them quickly, then guesses at all: what was reserved must hold."""
    if attack.open and attack.wait > 2 * MINUTE:
        for challenge_id in attack.open:
            attack.guess(challenge_id)
        attack.clock.advance(HOUR)
        attack.open.clear()


def only_ask(attack):
    """Messages are what it is after."""


def do_anything(attack):
    if attack.open and random.random() < 0.3:
        attack.guess()
    if attack.open and random.random() < 0.05:
        attack.own()


@pytest.mark.parametrize(("days", "act"), [(31, guess_at_once), (31, do_anything), (7, guess_late), (7, only_ask)])
def test_days_of_attacks_stay_within_the_phones_budget(service, days, act):
    attack = Attack(service)
    begin, purged = service.clock.seconds, 0
    while (passed := service.clock.seconds - begin) < days * DAY:
        attack.ask()
        act(attack)
        attack.pass_time()
        if passed > (purged + 1) * days * DAY / 3:
            service.manage("otp_purge")
            purged += 1
    assert purged == 2
    attack.look()
    assert len(attack.sent) == len(messages_to(service, attack.phone))
    assert most_within(attack.sent, DAY) <= 10
    assert most_within(attack.sent, HOUR) <= 5
    assert most_within(attack.failed, DAY) <= 20
    assert most_within(attack.failed, 30 * DAY) <= 100
    # And the attack was one: it has come to where a limit stands (a challenge needs room for its five checks).
    # That is no chance: without the limit the laziest of them would fail some 350 times in 30 days, give or take 35.
    if act is only_ask:
        assert most_within(attack.sent, DAY) == 10
    else:
        assert most_within(attack.failed, min(days, 30) * DAY) > (100 if days > 30 else 20) - 5
