"""A round: life goes on, something dies, everything is put right again, and the invariants are asked."""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from . import fault_points, invariants
from .cluster import LEASE, cluster
from .life import Life

KINDS = list(product(("celery", "inline"), ("sql", "redis")))


def play(folder, seed, rounds, say=print):
    """So many rounds from this seed, as many of each kind, and as many kinds side by side as there are cores.

    What was broken, and how many processes died.
    """
    begun, over = time.monotonic(), threading.Event()
    shares = [(rounds + number) // len(KINDS) for number in range(len(KINDS))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        played = [pool.submit(_share, folder, *each, seed, over, say) for each in zip(KINDS, shares, strict=True)]
        ends = [each.result() for each in played]
    dead = sum(died for _, died in ends)
    say(f"{rounds} rounds in {time.monotonic() - begun:.0f} s, {dead} deaths")
    return [problem for found, _ in ends for problem in found], dead


def _share(folder, kind, rounds, seed, over, say):
    """The rounds of one kind, until something breaks, here or elsewhere; what that was here, and how many died."""
    if not rounds:
        return [], 0
    name = " ".join(kind)
    room = folder / "-".join(kind)
    room.mkdir()
    with cluster(room, *kind, seed) as made:
        for number in range(rounds):
            if over.is_set():
                break
            word, problems = _round(made, random.Random(f"{seed} {name} {number}"), outside=number % 2 == 1)
            if number == rounds - 1:
                problems += invariants.counted(made)
            say(f"{name} {number + 1}/{rounds}: {word}: {problems or 'all holds'}")
            if problems:
                over.set()
                say(made.output[-6000:])
                return problems, made.deaths()
        say(f"{name}: {_sum(made)}")
        return [], made.deaths()


def _sum(made):
    """How much life there was, so that nobody is content with rounds in which nothing happened."""
    states = made.database.rows("SELECT status, COUNT(*) FROM otp_app_delivery GROUP BY status ORDER BY status")
    tokens = made.database.value("SELECT COUNT(*) FROM otp_app_token")
    events = made.database.value("SELECT COUNT(*) FROM otp_app_event")
    said = ", ".join(f"{count} {status}" for status, count in states)
    return f"{len(made.company.handed)} calls of providers; deliveries: {said}; {tokens} tokens, {events} events"


def _round(made, chance, *, outside):
    life = Life(made, chance.random())
    word = "kill" if outside else _plan(made, chance)
    done = threading.Event()
    again = threading.Thread(target=made.redeliver, args=(done,))
    thread = threading.Thread(target=life.play)
    thread.start()
    again.start()
    if outside:
        for _ in range(chance.choice([1, 2, 3])):
            time.sleep(chance.random())
            word += f", {made.kill_one(chance)}"
            made.revive() if chance.random() < 0.5 else None
    thread.join()
    done.set()
    again.join()
    made.company.finish()
    made.revive()
    return word, list(_put_right(made)) + invariants.broken(made, life)


def _plan(made, chance):
    """Somebody is to die at a fault point; in every other round it is a kill from outside."""
    place, odds = chance.choice(fault_points.NAMES), chance.choice([0.2, 0.5, 1])
    made.plan.write_text(f"{place} {odds}")
    return f"{place} {odds}"


def _put_right(made):
    """What was begun and not ended is given up after its lease; what was not begun goes out: a sweep does both."""
    time.sleep(1)  # the workers are at it
    for _ in range(10):
        made.clock.advance(LEASE + 1)
        if made.settles_within(12):  # seconds, in which a sweep calls both providers as patiently as it may
            made.company.finish()
            return
    yield "sends do not come to an end by a sweep"
