import django.db.models.deletion
import django.utils.timezone
import otp_app.users
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="DevicesEnd",
            fields=[
                ("phone", models.UUIDField(primary_key=True, serialize=False)),
                ("at", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "end of devices",
                "verbose_name_plural": "ends of devices",
                "db_table": "otp_app_devices_end",
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("phone", otp_app.users.PhoneField(max_length=16, unique=True, verbose_name="phone")),
                ("full_name", models.CharField(blank=True, max_length=150, verbose_name="full name")),
                ("language", models.CharField(blank=True, max_length=8, verbose_name="language")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("is_staff", models.BooleanField(default=False, verbose_name="staff")),
                (
                    "date_joined",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="date joined"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "permissions": [("see_phones", "Can see phones in full")],
                "abstract": False,
                "swappable": "AUTH_USER_MODEL",
            },
        ),
        migrations.CreateModel(
            name="BlockRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField()),
                ("forgives", models.UUIDField()),
                ("subject", models.CharField(max_length=64, verbose_name="who")),
                ("limit", models.CharField(max_length=64, verbose_name="limit")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("since", models.BigIntegerField()),
                ("until", models.BigIntegerField()),
                ("lifted_at", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "block",
                "verbose_name_plural": "blocks",
                "db_table": "otp_app_block",
                "indexes": [models.Index(models.F("until"), name="otp_block_until")],
            },
        ),
        migrations.CreateModel(
            name="ChallengeRow",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("nonce", models.CharField(max_length=32)),
                ("key_id", models.CharField(max_length=16)),
                ("phone", models.CharField(max_length=16)),
                ("purpose", models.CharField(max_length=32)),
                ("language", models.CharField(max_length=8)),
                ("channel", models.CharField(max_length=16)),
                ("length", models.PositiveSmallIntegerField()),
                ("ttl", models.PositiveSmallIntegerField()),
                ("checks", models.PositiveSmallIntegerField()),
                ("checks_left", models.PositiveSmallIntegerField()),
                ("phone_checks_left", models.PositiveSmallIntegerField()),
                ("sends_left", models.PositiveSmallIntegerField()),
                ("device", models.CharField(blank=True, max_length=32)),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "pending"), ("approved", "approved"), ("canceled", "canceled")],
                        max_length=8,
                    ),
                ),
                ("created_at", models.BigIntegerField()),
                ("expires_at", models.BigIntegerField()),
                ("checked_at", models.BigIntegerField(default=0)),
                ("closed_at", models.BigIntegerField(default=0)),
                ("sent_at", models.JSONField()),
                ("charges", models.JSONField()),
            ],
            options={
                "verbose_name": "challenge",
                "verbose_name_plural": "challenges",
                "db_table": "otp_app_challenge",
                "indexes": [
                    models.Index(
                        models.F("phone"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        name="otp_challenge_phone",
                    ),
                    models.Index(models.F("expires_at"), name="otp_challenge_purge"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("slots", models.JSONField()),
                ("newest", models.BigIntegerField()),
                ("span", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("blocked_until", models.BigIntegerField(default=0)),
                ("expires_at", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "counter",
                "verbose_name_plural": "counters",
                "indexes": [models.Index(models.F("expires_at"), name="otp_counter_purge")],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("challenge", models.UUIDField(verbose_name="challenge")),
                ("phone", models.UUIDField(null=True)),
                ("device", models.BooleanField(default=False, verbose_name="known device")),
                ("region", models.CharField(blank=True, max_length=3, verbose_name="country")),
                ("unconverted", models.PositiveIntegerField(default=0)),
                ("sent_at", models.BigIntegerField(verbose_name="send of the challenge")),
                ("handover", models.PositiveSmallIntegerField(default=1, verbose_name="hand-over")),
                ("claimed_at", models.BigIntegerField(default=0)),
                ("channel", models.CharField(max_length=16, verbose_name="channel")),
                ("provider", models.CharField(blank=True, max_length=32, verbose_name="provider")),
                ("reference", models.CharField(blank=True, max_length=64, verbose_name="provider's reference")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sent", "sent"),
                            ("delivered", "delivered"),
                            ("undelivered", "undelivered"),
                            ("failed", "failed"),
                            ("unknown", "unknown"),
                        ],
                        default="queued",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=64, verbose_name="error")),
                ("segments", models.PositiveSmallIntegerField(default=0, verbose_name="segments")),
                ("price", models.DecimalField(decimal_places=6, max_digits=12, null=True, verbose_name="price")),
                ("latency", models.PositiveIntegerField(null=True, verbose_name="answered after, ms")),
                ("delivered_after", models.PositiveIntegerField(null=True, verbose_name="delivered after, ms")),
                ("converted", models.BooleanField(default=False, verbose_name="led to a sign-in")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "indexes": [
                    models.Index(models.F("phone"), models.F("sent_at"), name="otp_delivery_phone"),
                    models.Index(models.F("provider"), models.F("reference"), name="otp_delivery_reference"),
                    models.Index(models.F("sent_at"), name="otp_delivery_purge"),
                    models.Index(
                        models.F("sent_at"), condition=models.Q(("status", "queued")), name="otp_delivery_queued"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("challenge", "sent_at", "handover"), name="otp_delivery_handover")
                ],
            },
        ),
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("body", models.UUIDField()),
                ("challenge", models.UUIDField()),
                ("answer", models.JSONField(null=True)),
                ("expires_at", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "kept answer",
                "verbose_name_plural": "kept answers",
                "db_table": "otp_app_kept_answer",
                "indexes": [models.Index(models.F("expires_at"), name="otp_kept_answer_purge")],
            },
        ),
        migrations.CreateModel(
            name="EventRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.UUIDField(unique=True)),
                ("provider", models.CharField(max_length=32, verbose_name="provider")),
                ("reference", models.CharField(blank=True, max_length=64, verbose_name="provider's reference")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sent", "sent"),
                            ("delivered", "delivered"),
                            ("undelivered", "undelivered"),
                            ("failed", "failed"),
                            ("unknown", "unknown"),
                        ],
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=64, verbose_name="error")),
                ("raw", models.JSONField(verbose_name="report")),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="received")),
                (
                    "delivery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="otp_app.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "db_table": "otp_app_event",
                "indexes": [
                    models.Index(
                        models.F("provider"),
                        models.F("reference"),
                        condition=models.Q(("delivery", None)),
                        name="otp_event_early",
                    ),
                    models.Index(models.F("received_at"), name="otp_event_purge"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="otp_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "token",
                "verbose_name_plural": "tokens",
                "indexes": [models.Index(models.F("expires_at"), name="otp_token_purge")],
            },
        ),
    ]
