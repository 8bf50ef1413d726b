"""A round: life goes on, something dies, everything is put right again, and the invariants are asked."""

import random
import threading
import time

from otp_app import faults

from . import invariants
from .cluster import LEASE, cluster
from .life import Life

PLACES = [line.split()[0] for line in faults.__doc__.split("::")[1].splitlines() if line.strip()]


def play(folder, seed, rounds, say=print):
    """So many rounds from this seed, half of them on each store; what was broken, and how many processes died."""
    found, dead, begun = [], 0, time.monotonic()
    for store, share in (("sql", rounds - rounds // 2), ("redis", rounds // 2)):
        if not share:
            continue
        room = folder / store
        room.mkdir()
        with cluster(room, store, seed) as made:
            for number in range(share):
                word, problems = _round(made, random.Random(f"{seed} {store} {number}"), outside=number % 2 == 1)
                say(f"{store} {number + 1}/{share}: {word}: {problems or 'all holds'}")
                found += problems
                if problems:
                    say(made.output[-6000:])
                    return found, dead
            dead += made.deaths()
            say(f"{store}: {_sum(made)}")
    say(f"{rounds} rounds in {time.monotonic() - begun:.0f} s, {dead} deaths")
    return found, dead


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
    """Somebody is to die at a named place; in every other round it is a kill from outside."""
    place, odds = chance.choice(PLACES), chance.choice([0.2, 0.5, 1])
    made.plan.write_text(f"{place} {odds}")
    return f"{place} {odds}"


def _put_right(made):
    """What was begun and not ended is given up after its lease; what was not begun goes out."""
    time.sleep(1)  # the workers are at it
    made.clock.advance(LEASE + 1)
    made.sweep()
    until = time.monotonic() + 120
    while made.database.value("SELECT COUNT(*) FROM otp_app_delivery WHERE status = 'queued'"):
        if time.monotonic() > until:
            yield "deliveries stay queued after a sweep"
            return
        time.sleep(0.2)
        made.clock.advance(LEASE + 1)
        made.sweep()
    made.company.finish()
