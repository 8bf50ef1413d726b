import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("otp_app", "0013_notifications"),
    ]

    operations = [
        migrations.AddField(
            model_name="confirmation",
            name="checks_left",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="EmailAddress",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254)),
                ("nonce", models.UUIDField(default=uuid.uuid4)),
                ("checks_left", models.PositiveSmallIntegerField()),
                ("created_at", models.BigIntegerField()),
                ("verified_at", models.BigIntegerField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "e-mail address",
                "verbose_name_plural": "e-mail addresses",
                "db_table": "otp_app_email_address",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(verified_at__isnull=False), fields=("user",), name="otp_email_address_user"
                    )
                ],
            },
        ),
    ]
