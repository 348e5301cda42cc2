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
                (
                    "institution",
                    models.ForeignKey(
                        blank=True,
                        null=True,
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
                (
                    "purpose",
                    models.CharField(
                        choices=[("chat", "writing answers"), ("embeddings", "comparing meanings (embeddings)")],
                        default="chat",
                        max_length=12,
                        verbose_name="used for",
                    ),
                ),
                ("is_default", models.BooleanField(default=False, verbose_name="used when an assistant names no other")),
                ("enabled", models.BooleanField(default=True)),
                (
                    "institution",
                    models.ForeignKey(
                        blank=True,
                        null=True,
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
    )
