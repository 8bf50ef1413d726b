"""What a report says is kept with it, for when it comes before the row of its delivery."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("otp_app", "0003_growth")]

    operations = [
        migrations.AddField("eventrow", "ours", models.CharField(blank=True, default="", max_length=64)),
        migrations.AddField("eventrow", "told", models.JSONField(default=dict)),
        migrations.AddIndex(
            "eventrow",
            models.Index(
                models.F("provider"),
                models.F("ours"),
                condition=models.Q(("delivery", None)),
                name="otp_event_ours",
            ),
        ),
    ]
