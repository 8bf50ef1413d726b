"""Install the second version of PostgreSQL's functions: the amounts of buckets follow what is answered there.

The functions of the first version stay for processes of the release before, which may run beside those of this one
while it is deployed; they go with a later migration. The counters of both are kept under names of their own.
"""

from django.db import migrations

from otp_app.stores import postgresql


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(postgresql.functions(), params=None)


def uninstall(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(postgresql.dropping(), params=None)


class Migration(migrations.Migration):
    dependencies = [("otp_app", "0005_functions")]

    operations = [migrations.RunPython(install, uninstall)]
