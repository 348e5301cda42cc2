from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = at_once(
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                ("key", models.CharField(max_length=200, unique=True)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("local", "this installation"),
                            ("demo", "demonstration"),
                            ("federated", "an institution’s account"),
                            ("app", "an application, which signs in nowhere"),
                            ("erased", "nobody any more"),
                        ],
                        max_length=20,
                    ),
                ),
                ("display_name", models.CharField(max_length=120, verbose_name="name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "abstract": False,
            },
        ),
    )
