"""Blocks are made by operators, who may also hold a subject open or watch it.

Processes of the release before go on writing blocks of their own guard: they know none of the new columns.
"""

import uuid

from django.db import migrations, models


FOR_GOOD = 2**53  # an instant that the release before can read, and nobody lives to see


def carry_back(apps, schema_editor):
    """Leave only blocks behind, each with an end: whatever else there was would be read as a block."""
    rows = apps.get_model("otp_app", "BlockRow").objects.using(schema_editor.connection.alias)
    rows.exclude(mode="shut").delete()
    rows.filter(until=None).update(until=FOR_GOOD)


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0006_own_history"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="blockrow",
            options={"verbose_name": "block or allowance", "verbose_name_plural": "blocks and allowances"},
        ),
        migrations.AddField(
            model_name="blockrow",
            name="amount",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="amount"),
        ),
        migrations.AddField(
            model_name="blockrow",
            name="author",
            field=models.CharField(db_default="", default="", max_length=64, verbose_name="author"),
        ),
        migrations.AddField(
            model_name="blockrow",
            name="mode",
            field=models.CharField(
                choices=[("shut", "shut"), ("open", "held open"), ("watch", "watched")],
                db_default="shut",
                default="shut",
                max_length=8,
                verbose_name="rule",
            ),
        ),
        migrations.AlterField(
            model_name="blockrow",
            name="forgives",
            field=models.UUIDField(default=uuid.uuid4),
        ),
        migrations.AlterField(
            model_name="blockrow",
            name="key",
            field=models.UUIDField(default=uuid.uuid4),
        ),
        migrations.AlterField(
            model_name="blockrow",
            name="limit",
            field=models.CharField(blank=True, default="", max_length=64, verbose_name="limit"),
        ),
        migrations.AlterField(
            model_name="blockrow",
            name="until",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunPython(migrations.RunPython.noop, carry_back),
    ]
