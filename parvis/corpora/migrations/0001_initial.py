import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("institutions", "0001_initial"),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="Corpus",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                ("description", models.TextField(blank=True, max_length=2000, verbose_name="description")),
                (
                    "kind",
                    models.CharField(
                        choices=[("course", "course"), ("administrative", "rules and procedures")],
                        default="course",
                        max_length=20,
                        verbose_name="kind",
                    ),
                ),
                (
                    "data_class",
                    models.CharField(
                        choices=[
                            ("public", "public: anybody may read them"),
                            ("internal", "internal: for the people of the institution"),
                            ("personal", "personal: they speak of identified people"),
                            ("sensitive", "sensitive: health, opinions, secrets"),
                        ],
                        default="internal",
                        max_length=10,
                        verbose_name="data",
                    ),
                ),
                ("language", models.CharField(default="fr", max_length=8)),
                (
                    "shared_with_institution",
                    models.BooleanField(default=False, verbose_name="shared with the whole institution"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("threshold", models.FloatField(null=True)),
                ("content_version", models.PositiveIntegerField(default=0)),
                ("calibrated_version", models.PositiveIntegerField(default=0)),
                ("embedded_version", models.PositiveIntegerField(default=0)),
                ("embedded_endpoint", models.CharField(blank=True, max_length=64)),
                ("served_at", models.DateTimeField(null=True)),
                ("groups", models.ManyToManyField(blank=True, related_name="+", to="institutions.group")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "verbose_name": "course",
                "ordering": ["name", "id"],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                ("title", models.CharField(blank=True, max_length=300)),
                ("protected", models.BooleanField(default=False)),
                ("media_type", models.CharField(blank=True, max_length=120)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("reading", "being read"),
                            ("indexed", "ready"),
                            ("failed", "not readable"),
                            ("expanded", "unpacked"),
                            ("removed", "removed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("failure_code", models.CharField(blank=True, max_length=40)),
                ("failure_params", models.JSONField(default=dict)),
                ("pages_done", models.PositiveIntegerField(default=0)),
                ("pages_total", models.PositiveIntegerField(null=True)),
                ("pages_without_text", models.JSONField(default=list)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease_token", models.CharField(blank=True, max_length=32)),
                ("lease_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("indexed_at", models.DateTimeField(null=True)),
                ("analysis_version", models.PositiveSmallIntegerField(default=0)),
                (
                    "archive",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="members", to="corpora.document"
                    ),
                ),
                (
                    "corpus",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="documents", to="corpora.corpus"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replacements",
                        to="corpora.document",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "verbose_name": "document",
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ("queued", "reading"))), fields=["id"], name="documents_waiting"
                    ),
                    models.Index(fields=["sha256"], name="documents_by_file"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("queued", "reading", "indexed"))),
                        fields=("corpus", "sha256"),
                        name="one_document_per_file_and_corpus",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Page",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("label", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("blocks", models.JSONField(default=list)),
                ("heading_path", models.JSONField(default=list)),
                ("words", models.BinaryField(default=bytes)),
                ("width", models.FloatField(default=0)),
                ("height", models.FloatField(default=0)),
                ("start_seconds", models.FloatField(null=True)),
                ("end_seconds", models.FloatField(null=True)),
                ("ocr", models.BooleanField(default=False)),
                (
                    "document",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pages",
                        to="corpora.document",
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
            ],
            options={
                "ordering": ["document_id", "number"],
                "constraints": [models.UniqueConstraint(fields=("document", "number"), name="page_number_once_per_document")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Passage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.PositiveIntegerField()),
                ("end", models.PositiveIntegerField()),
                ("heading_path", models.JSONField(default=list)),
                (
                    "corpus",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="corpora.corpus"
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="passages", to="corpora.document"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="passages", to="corpora.page"),
                ),
            ],
            options={
                "ordering": ["id"],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Embedding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint", models.CharField(max_length=64)),
                ("vector", models.BinaryField()),
                (
                    "corpus",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="corpora.corpus"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
                (
                    "passage",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="embedding", to="corpora.passage"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["corpus", "endpoint"], name="embeddings_of_corpora")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CourseRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "use",
                    models.CharField(
                        choices=[
                            ("allowed", "allowed"),
                            ("traced", "allowed with trace"),
                            ("forbidden", "forbidden"),
                        ],
                        default="allowed",
                        max_length=10,
                        verbose_name="use of AI",
                    ),
                ),
                ("words", models.TextField(blank=True, max_length=1000, verbose_name="in your words")),
                ("set_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="institutions.profile",
                    ),
                ),
                (
                    "corpus",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="ai_rule", to="corpora.corpus"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
