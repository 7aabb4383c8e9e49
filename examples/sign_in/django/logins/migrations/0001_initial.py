from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Login",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("version", models.CharField(max_length=22)),
                ("data", models.BinaryField()),
                ("expires_at", models.BigIntegerField(null=True)),
            ],
            options={"db_table": "logins"},
        ),
    ]
