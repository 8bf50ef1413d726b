"""Key counters as rings, one row for each subject; failed checks in rows; the calls as functions of PostgreSQL.

The table of the counters before stays for processes of the release before, which may run beside those of this one while
it is deployed; what they count from here on is theirs alone. It goes with a later migration.
"""

import json

from django.db import migrations, models

import otp_app.models.fields

MONTH = 30 * 24 * 3_600_000  # the span of a phone's failures


def carry(apps, schema_editor):
    """Take blocks and failed checks over; the counts of hours and days begin anew."""
    alias = schema_editor.connection.alias
    counter, failure = (apps.get_model("otp_app", name) for name in ("Counter", "Failure"))
    counters, failures = [], []
    for key, slots, _newest, span, blocked_until, expires_at in old_rows(schema_editor.connection):
        if span == MONTH:
            failures += [failure(phone=key, at=int(at), checks=n) for at, n in slots.items() if n > 0]
        elif blocked_until:
            empty = {"newest": [], "rings": []}
            counters.append(counter(key=key, blocked_until=blocked_until, expires_at=expires_at, **empty))
    counter.objects.using(alias).bulk_create(counters, batch_size=500)
    failure.objects.using(alias).bulk_create(failures, batch_size=500)


def old_rows(connection):
    from otp_app.stores.wire import loaded

    with connection.cursor() as cursor:
        cursor.execute("SELECT key, slots, newest, span, blocked_until, expires_at FROM otp_app_counter")
        for key, slots, *numbers in cursor:
            yield (str(key).replace("-", ""), loaded(slots), *numbers)


def carry_back(apps, schema_editor):
    """Leave no block behind, nor one that was lifted, nor a failed check: each is under the same key as before."""
    alias = schema_editor.connection.alias
    counter, failure, block = (apps.get_model("otp_app", name) for name in ("Counter", "Failure", "BlockRow"))
    lifted = block.objects.using(alias).exclude(lifted_at=None)
    blocked = counter.objects.using(alias).filter(blocked_until__gt=0)
    until = {key: (0, 0) for key in lifted.values_list("key", flat=True)}
    until |= {
        key: (at, expires_at) for key, at, expires_at in blocked.values_list("key", "blocked_until", "expires_at")
    }
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
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
