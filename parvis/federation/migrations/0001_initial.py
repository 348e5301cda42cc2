import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("institutions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="SignInSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("cas", "CAS 3.0"),
                            ("oidc", "OpenID Connect (ProConnect, Keycloak, Entra…)"),
                            ("saml", "SAML 2.0 (Fédération Éducation-Recherche, eduGAIN)"),
                        ],
                        max_length=10,
                        verbose_name="protocol",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("is_active", models.BooleanField(default=False, verbose_name="active")),
                ("settings", models.JSONField(default=dict)),
                ("sealed_secret", models.TextField(blank=True, editable=False)),
                ("mapping", models.JSONField(default=dict)),
                ("logo", models.BinaryField(blank=True, default=bytes)),
                ("has_logo", models.BooleanField(default=False, editable=False)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "name"), name="source_name_once_per_institution"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200)),
                ("given_roles", models.JSONField(default=list)),
                ("given_groups", models.JSONField(default=list)),
                ("suspended_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="accounts", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="accounts", to="federation.signinsource"
                    ),
                ),
            ],
            options={
                "ordering": ["-seen_at", "-id"],
                "constraints": [models.UniqueConstraint(fields=("source", "key"), name="account_once_per_source")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="OpenSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("handle", models.CharField(max_length=64)),
                ("subject", models.CharField(blank=True, max_length=64)),
                ("session_key", models.CharField(max_length=40)),
                ("opened_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sessions", to="federation.account"
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
                "indexes": [
                    models.Index(fields=["handle"], name="open_session_handle"),
                    models.Index(fields=["subject"], name="open_session_subject"),
                    models.Index(fields=["opened_at"], name="open_session_age"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Federation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("aggregate", "an aggregate: all of its providers in one file"),
                            ("mdq", "by entity (MDQ): one small file for each provider"),
                        ],
                        max_length=10,
                    ),
                ),
                ("address", models.CharField(max_length=500)),
                ("keys", models.JSONField(default=list)),
                ("etag", models.CharField(blank=True, max_length=200)),
                ("valid_until", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("problem", models.CharField(blank=True, max_length=120)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "name"), name="federation_name_once_per_institution"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Entity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity_id", models.CharField(max_length=1024)),
                ("name", models.CharField(max_length=200)),
                ("words", models.TextField()),
                ("scopes", models.JSONField(default=list)),
                ("description", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("valid_until", models.DateTimeField(null=True)),
                ("is_hidden", models.BooleanField(default=False)),
                (
                    "federation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entities",
                        to="federation.federation",
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
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("institution", "federation", "entity_id"), name="entity_once_per_federation"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("federation", None)),
                        fields=("institution", "entity_id"),
                        name="entity_by_hand_once",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SamlResponse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("assertion", models.CharField(max_length=64)),
                ("handle", models.CharField(max_length=64)),
                ("sealed_body", models.TextField(blank=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="federation.signinsource"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["handle"], name="saml_response_handle"),
                    models.Index(fields=["expires_at"], name="saml_response_age"),
                ],
                "constraints": [models.UniqueConstraint(fields=("source", "assertion"), name="assertion_once_per_source")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ServiceKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("certificate", models.TextField()),
                ("sealed_key", models.TextField(editable=False)),
                ("made_at", models.DateTimeField()),
                ("is_in_use", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["-is_in_use", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_in_use", True)), fields=("is_in_use",), name="one_service_key_in_use"
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
