"""Tokens and sessions tell when they began, by which client and from which network."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0008_staff_factors"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="began_at",
            field=models.DateTimeField(null=True, verbose_name="began"),
        ),
        migrations.AddField(
            model_name="token",
            name="client_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=64, verbose_name="client"),
        ),
        migrations.AddField(
            model_name="token",
            name="network",
            field=models.CharField(blank=True, db_default="", default="", max_length=64, verbose_name="network"),
        ),
        migrations.AddField(
            model_name="usersession",
            name="began_at",
            field=models.DateTimeField(null=True, verbose_name="began"),
        ),
        migrations.AddField(
            model_name="usersession",
            name="client_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=64, verbose_name="client"),
        ),
        migrations.AddField(
            model_name="usersession",
            name="network",
            field=models.CharField(blank=True, db_default="", default="", max_length=64, verbose_name="network"),
        ),
        migrations.AlterField(
            model_name="token",
            name="used_at",
            field=models.DateTimeField(verbose_name="last used"),
        ),
    ]
