import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0013_notifications"),
    ]

    operations = [
        migrations.CreateModel(
            name="NumberChange",
            fields=[
                ("challenge", models.UUIDField(primary_key=True, serialize=False)),
                ("old", models.CharField(max_length=16)),
                ("new", models.CharField(max_length=16)),
                ("created_at", models.BigIntegerField()),
                ("changed_at", models.BigIntegerField(null=True)),
                ("restored_at", models.BigIntegerField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "number change",
                "verbose_name_plural": "number changes",
                "db_table": "otp_app_number_change",
                "indexes": [
                    models.Index(models.F("old"), models.F("changed_at"), name="otp_number_change_old"),
                    models.Index(models.F("created_at"), name="otp_number_change_purge"),
                ],
            },
        ),
    ]
