import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = at_once(
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=300, unique=True)),
                ("endorsed", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("institution_id", models.BigIntegerField(null=True)),
                ("actor", models.CharField(max_length=80)),
                ("action", models.CharField(max_length=80)),
                ("subject", models.CharField(max_length=120)),
                ("details", models.JSONField(default=dict)),
                ("salt", models.BinaryField(null=True)),
                ("commitment", models.BinaryField()),
                ("number", models.BigIntegerField(null=True)),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["institution_id", "id"], name="audit_entry_institu_676b91_idx"),
                    models.Index(fields=["institution_id", "action"], name="audit_entries_by_action"),
                    models.Index(
                        condition=models.Q(("number", None)), fields=["institution_id"], name="audit_entries_to_number"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("institution_id", "number"), name="entry_number_once_per_log"),
                    models.UniqueConstraint(
                        condition=models.Q(("institution_id", None)),
                        fields=("number",),
                        name="entry_number_once_in_the_alliance",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Log",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("institution_id", models.BigIntegerField(null=True)),
                ("name", models.CharField(max_length=32, unique=True)),
                ("origin", models.CharField(max_length=200)),
                ("size", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.comparison.Coalesce("institution_id", models.Value(0)),
                        name="one_log_for_each_and_the_alliance",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SignedHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("size", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("note", models.TextField()),
                ("at", models.DateTimeField()),
                ("log", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="heads", to="audit.log")),
            ],
            options={
                "ordering": ["size"],
                "constraints": [models.UniqueConstraint(fields=("log", "size"), name="one_head_per_size")],
            },
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField()),
                ("index", models.BigIntegerField()),
                ("hashes", models.BinaryField()),
                ("log", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="tiles", to="audit.log")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("log", "level", "index"), name="one_tile_per_place")],
            },
        ),
    )
