"""Key counters as rings, one row for each subject; failed checks in rows; the calls as functions of PostgreSQL.

The table of the counters before stays for processes of the release before, which may run beside those of this one while
it is deployed; what they count from here on is theirs alone. It goes with a later migration.
"""

import json
import time
from itertools import groupby

import phonenumbers
from django.db import migrations, models

import otp_app.models.fields
from otp_app.keys import ledger_id

HOUR = 3_600_000
MONTH = 30 * 24 * HOUR  # the span of a phone's failures
RINGS = {
    "region": ("sends_per_region_day", "unconverted_per_region_day", "fresh_per_region"),
    "all": ("sends_per_day", "device_sends_per_day", "unconverted_per_day", "failures_per_day"),
}

# The first line of each subject, by which its counters were named.
FIRST = {"region": "sends_per_region_day", "all": "sends_per_day"}


def places(challenges):
    """Say under which key and ring a counter goes on, by its old key; others are the first ring under the same key."""
    found = {}
    for per, lines in RINGS.items():
        for subject in phonenumbers.SUPPORTED_REGIONS if per == "region" else ["all"]:
            for ring, line in enumerate(lines):
                found[ledger_id(line, subject)] = (ledger_id(FIRST[per], subject), ring)
    # Who a client is nobody can tell from its key. What it had sent, and what was unconverted of that, stand together
    # with each of its sends.
    for charges in challenges:
        for _, of_a_send in groupby(charges, key=lambda charge: charge[5:]):
            own = [charge for charge in of_a_send if len(charge) == 6 and not charge[3]]
            for sends, unconverted in zip([c for c in own if not c[4]], [c for c in own if c[4]]):
                found[unconverted[0]] = (sends[0], 1)
    return found


def young(apps, schema_editor):
    """Return the challenges whose sends an hour counts."""
    since = int(time.time() * 1000) - 2 * HOUR
    rows = apps.get_model("otp_app", "ChallengeRow").objects.using(schema_editor.connection.alias)
    return rows.filter(created_at__gt=since)


def carry(apps, schema_editor):
    """Take the counters and blocks over: before challenges are locked, for the release before goes on meanwhile."""
    alias = schema_editor.connection.alias
    counter, failure = (apps.get_model("otp_app", name) for name in ("Counter", "Failure"))
    known = places(young(apps, schema_editor).values_list("charges", flat=True))
    counters, failures = {}, []
    for key, slots, newest, span, blocked_until, expires_at in old_rows(schema_editor.connection):
        held = {int(slot): n for slot, n in slots.items() if n > 0}
        if span == MONTH:
            failures += [failure(phone=key, at=at, checks=n) for at, n in held.items()]
            continue
        name, ring = known.get(key, (key, 0))
        made = counters.setdefault(name, counter(key=name, newest=[], rings=[], blocked_until=0, expires_at=expires_at))
        made.blocked_until = max(made.blocked_until, blocked_until)
        made.expires_at = max(made.expires_at, expires_at)
        if span == 24:
            put(made, ring, newest, held)
    counter.objects.using(alias).bulk_create(counters.values(), batch_size=500)
    failure.objects.using(alias).bulk_create(failures, batch_size=500)


def carry_charges(apps, schema_editor):
    """Tell what open challenges have taken by the new names."""
    challenges = young(apps, schema_editor)
    known = places(challenges.values_list("charges", flat=True))
    for challenge in challenges.filter(status="pending"):
        challenge.taken = [taken(charge, challenge, known) for charge in challenge.charges]
        challenge.save(update_fields=["taken"])


def old_rows(connection):
    from otp_app.stores.wire import loaded

    with connection.cursor() as cursor:
        cursor.execute("SELECT key, slots, newest, span, blocked_until, expires_at FROM otp_app_counter")
        for key, slots, *numbers in cursor:
            yield (str(key).replace("-", ""), loaded(slots), *numbers)


def put(counter, ring, newest, held):
    missing = max(0, ring + 1 - len(counter.newest))
    counter.newest += [0] * missing
    counter.rings += [0] * 25 * missing
    counter.newest[ring] = newest
    for slot, n in held.items():
        if 0 <= newest - slot <= 24:
            counter.rings[ring * 25 + slot % 25] = n


def taken(charge, challenge, known):
    key, slot, cost, shared, *named = charge
    converts, sent_at = named or (True, challenge.sent_at[-1] if challenge.sent_at else 0)
    return [*known.get(key, (key, 0)), slot, cost, shared, converts, sent_at]


def carry_back(apps, schema_editor):
    """Leave no block behind, nor one that was lifted, nor a failed check: each is under the same key as before."""
    alias = schema_editor.connection.alias
    counter, failure, block = (apps.get_model("otp_app", name) for name in ("Counter", "Failure", "BlockRow"))
    lifted = block.objects.using(alias).exclude(lifted_at=None)
    blocked = counter.objects.using(alias).filter(blocked_until__gt=0)
    until = {key: (0, 0) for key in lifted.values_list("key", flat=True)}
    until |= {key: (at, expires_at) for key, at, expires_at in blocked.values_list("key", "blocked_until", "expires_at")}
    for key, (at, expires_at) in until.items():
        put_back(schema_editor.connection, key, expires_at, blocked_until=at)
    failed = {}
    for phone, at, checks in failure.objects.using(alias).values_list("phone", "at", "checks"):
        slots = failed.setdefault(phone, {})
        slots[str(at)] = slots.get(str(at), 0) + checks
    for phone, slots in failed.items():
        newest = max(map(int, slots))
        values = {"slots": json.dumps(slots), "newest": newest, "span": MONTH}
        put_back(schema_editor.connection, phone, newest + MONTH, **values)


def put_back(connection, key, expires_at, **values):
    name = key if connection.vendor == "postgresql" else key.hex
    made = {"slots": "{}", "newest": 0, "span": 0, "amount": 0, "version": 1, "blocked_until": 0} | values
    changes, columns = (", ".join(f"{column} = %s" for column in values), ", ".join(made))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE otp_app_counter SET {changes} WHERE key = %s", [*values.values(), name])
        if not cursor.rowcount:
            marks = ", ".join(["%s"] * (len(made) + 2))
            sql = f"INSERT INTO otp_app_counter ({columns}, expires_at, key) VALUES ({marks})"
            cursor.execute(sql, [*made.values(), expires_at, name])


def leave_room(apps, schema_editor):
    """Leave room on the pages of counters, for changed rows beside the old ones (HOT)."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE otp_app_key_counter SET (fillfactor = 50)")


class Migration(migrations.Migration):
    dependencies = [("otp_app", "0004_early_reports")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Counter")]),
        migrations.CreateModel(
            "Counter",
            [
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("newest", otp_app.models.fields.IntegersField(big=True)),
                ("rings", otp_app.models.fields.IntegersField()),
                ("blocked_until", models.BigIntegerField(default=0)),
                ("expires_at", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "counter",
                "verbose_name_plural": "counters",
                "db_table": "otp_app_key_counter",
                "indexes": [models.Index(models.F("expires_at"), name="otp_key_counter_purge")],
            },
        ),
        migrations.CreateModel(
            "Failure",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.UUIDField()),
                ("at", models.BigIntegerField()),
                ("checks", models.PositiveSmallIntegerField(default=1)),
            ],
            options={
                "verbose_name": "failed check",
                "verbose_name_plural": "failed checks",
                "indexes": [
                    models.Index(models.F("phone"), models.F("at"), name="otp_failure_phone"),
                    models.Index(models.F("at"), name="otp_failure_purge"),
                ],
            },
        ),
        migrations.RunPython(carry, carry_back),
        migrations.AlterField("challengerow", "charges", models.JSONField(db_default=[], default=list)),
        migrations.AddField("challengerow", "taken", models.JSONField(default=list, null=True)),
        migrations.RunPython(carry_charges, migrations.RunPython.noop),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
