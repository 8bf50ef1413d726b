import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0009_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                ("challenge", models.UUIDField(primary_key=True, serialize=False)),
                ("nonce", models.UUIDField()),
                ("purpose", models.CharField(max_length=32)),
                ("by", models.CharField(default="code", max_length=16)),
                ("context", models.TextField()),
                ("digest", models.BinaryField(max_length=32, null=True, unique=True)),
                ("created_at", models.BigIntegerField()),
                ("confirmed_at", models.BigIntegerField(null=True)),
                ("used_at", models.BigIntegerField(null=True)),
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
                "verbose_name": "confirmation",
                "verbose_name_plural": "confirmations",
                "db_table": "otp_app_confirmation",
                "indexes": [models.Index("created_at", name="otp_confirmation_purge")],
            },
        ),
    ]
