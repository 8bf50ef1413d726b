from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("otp_app", "0013_notifications"),
    ]

    operations = [
        migrations.AddField(
            model_name="devicesend",
            name="erased",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
