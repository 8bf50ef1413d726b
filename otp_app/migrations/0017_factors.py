from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0011_events"),
    ]

    operations = [
        migrations.AddField(
            model_name="confirmation",
            name="checks_left",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
