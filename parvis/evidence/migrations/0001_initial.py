import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("audit", "0002_append_only"),
        ("institutions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="Consultation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("number", models.BigIntegerField()),
                ("reason", models.TextField(max_length=1000, verbose_name="reason")),
                ("opened_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "reader",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "-id"],
                "indexes": [models.Index(fields=["reader", "kind", "number", "until"], name="consultations_open")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("address", models.CharField(max_length=300, verbose_name="address of its log")),
                ("key", models.CharField(max_length=300, verbose_name="its public key")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "not reached yet"),
                            ("holds", "consistent"),
                            ("silent", "does not answer"),
                            ("unsigned", "not signed by the key you gave"),
                            ("shrunk", "shorter than it was"),
                            ("forked", "rewritten: two histories are signed"),
                            ("ours_forked", "it saw another history of your own log"),
                        ],
                        default="new",
                        max_length=12,
                    ),
                ),
                ("origin", models.CharField(blank=True, max_length=200)),
                ("origin_digest", models.CharField(blank=True, max_length=64)),
                ("size", models.BigIntegerField(default=0)),
                ("head", models.TextField(blank=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("countersigned", models.TextField(blank=True)),
                ("contrary", models.TextField(blank=True)),
                ("our_note", models.TextField(blank=True)),
                ("our_size", models.BigIntegerField(default=0)),
                ("our_seen_at", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                ("log", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="audit.log")),
            ],
            options={
                "ordering": ["name", "id"],
                "indexes": [models.Index(fields=["log", "origin_digest"], name="witness_of_origin")],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "log", "address"), name="witness_once_per_log")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
