"""The version of counters; and room on the pages of what changes often."""

from django.db import migrations, models


def leave_room(apps, schema_editor):
    """PostgreSQL writes a changed row beside the old one (HOT) only where its page has room for it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE otp_app_counter SET (fillfactor = 50)")
        schema_editor.execute("ALTER TABLE otp_app_challenge SET (fillfactor = 80)")


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0002_hosted_page"),
    ]

    operations = [
        migrations.AddField(
            model_name="counter",
            name="version",
            field=models.BigIntegerField(default=1),
        ),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
