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
            name="Provider",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="provider")),
                (
                    "kind",
                    models.CharField(
                        choices=[("openai", "OpenAI-compatible (vLLM, Ollama, llama.cpp, Albert…)"), ("mistral", "Mistral")],
                        default="openai",
                        max_length=20,
                        verbose_name="dialect",
                    ),
                ),
                ("base_url", models.CharField(max_length=300, verbose_name="address")),
                ("sealed_secret", models.TextField(blank=True, editable=False)),
                ("secret_version", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "zone",
                    models.CharField(
                        choices=[
                            ("on_prem", "the institution’s own servers"),
                            ("fr", "France"),
                            ("eu", "European Union"),
                            ("world", "outside the European Union"),
                        ],
                        default="world",
                        max_length=10,
                        verbose_name="hosting zone",
                    ),
                ),
                ("processor", models.CharField(blank=True, max_length=160, verbose_name="processor")),
                ("agreement_id", models.BigIntegerField(blank=True, null=True, verbose_name="agreement")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "name"), name="provider_name_once_per_institution")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Calibration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint", models.CharField(max_length=64)),
                ("weight", models.FloatField(default=0.0)),
                ("questions", models.PositiveIntegerField(default=0)),
                ("passages", models.PositiveIntegerField(default=0)),
                ("measured_at", models.DateTimeField(null=True)),
                ("failure_code", models.CharField(blank=True, max_length=40)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("retry_at", models.DateTimeField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "endpoint"), name="calibration_once_per_institution"),
                    models.CheckConstraint(condition=models.Q(("weight__gte", 0)), name="weight_is_not_negative"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LanguageModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name of the model at the provider")),
                ("display_name", models.CharField(max_length=80, verbose_name="name shown")),
                ("alias", models.CharField(blank=True, max_length=80)),
                (
                    "purpose",
                    models.CharField(
                        choices=[("chat", "writing answers"), ("embeddings", "comparing meanings (embeddings)")],
                        default="chat",
                        max_length=12,
                        verbose_name="used for",
                    ),
                ),
                ("capabilities", models.JSONField(default=list)),
                ("rank", models.PositiveSmallIntegerField(default=0)),
                ("is_default", models.BooleanField(default=False, verbose_name="used when an assistant names no other")),
                ("enabled", models.BooleanField(default=True)),
                ("context_tokens", models.PositiveIntegerField(blank=True, null=True)),
                ("max_output_tokens", models.PositiveIntegerField(blank=True, null=True)),
                ("concurrency", models.PositiveIntegerField(blank=True, null=True)),
                ("requests_per_minute", models.PositiveIntegerField(blank=True, null=True)),
                ("hedge_seconds", models.FloatField(blank=True, null=True)),
                ("counts_as_it_goes", models.BooleanField(default=False)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="models", to="inference.provider"
                    ),
                ),
            ],
            options={
                "ordering": ["purpose", "display_name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "name", "purpose"), name="model_once_per_provider_and_purpose"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("institution", "purpose"),
                        name="one_default_per_purpose",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Attestation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(max_length=300)),
                (
                    "zone",
                    models.CharField(
                        choices=[
                            ("on_prem", "the institution’s own servers"),
                            ("fr", "France"),
                            ("eu", "European Union"),
                            ("world", "outside the European Union"),
                        ],
                        max_length=10,
                    ),
                ),
                ("processor", models.CharField(blank=True, max_length=160)),
                ("attested_date", models.DateField(verbose_name="dated")),
                ("until_date", models.DateField(blank=True, null=True, verbose_name="holds until")),
                ("document_name", models.CharField(blank=True, max_length=200)),
                ("document", models.BinaryField(null=True)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "added_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="attestations", to="inference.provider"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("zone", "on_prem"), ("document__isnull", False), _connector="OR"),
                        name="attestation_has_its_document",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until_date", None), ("until_date__gte", models.F("attested_date")), _connector="OR"
                        ),
                        name="attestation_ends_later",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="RoutingMatrix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("cells", models.JSONField()),
                (
                    "default_class",
                    models.CharField(
                        choices=[
                            ("public", "public: anybody may read them"),
                            ("internal", "internal: for the people of the institution"),
                            ("personal", "personal: they speak of identified people"),
                            ("sensitive", "sensitive: health, opinions, secrets"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [models.UniqueConstraint(fields=("institution", "number"), name="routing_matrix_number_once")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Pseudonymisation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cases", models.JSONField(default=list)),
                ("student_numbers", models.TextField(blank=True, max_length=300, verbose_name="numbers of students")),
                ("terms", models.TextField(blank=True, max_length=20000, verbose_name="other words to hide")),
                ("set_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "institution",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Stop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request_id", models.CharField(max_length=40)),
                ("stopped_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "stopped_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("institution", "request_id"), name="stop_once_per_request")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
