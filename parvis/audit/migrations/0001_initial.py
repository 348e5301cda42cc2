from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("institution_id", models.BigIntegerField(null=True)),
                ("actor", models.CharField(max_length=80)),
                ("action", models.CharField(max_length=80)),
                ("subject", models.CharField(max_length=120)),
                ("details", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ["id"],
                "indexes": [models.Index(fields=["institution_id", "id"], name="audit_entry_institu_676b91_idx")],
            },
        ),
    ]
