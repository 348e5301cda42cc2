import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("corpora", "0001_initial"),
        ("inference", "0001_initial"),
        ("institutions", "0001_initial"),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="Assistant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=80)),
                ("name", models.CharField(max_length=160, verbose_name="name")),
                ("description", models.TextField(blank=True, max_length=2000, verbose_name="description")),
                ("instructions", models.TextField(blank=True, max_length=4000, verbose_name="instructions")),
                ("suggestions", models.TextField(blank=True, max_length=1000, verbose_name="questions to begin with")),
                (
                    "quotes_only",
                    models.BooleanField(default=False, verbose_name="only quote the documents, without any model"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("course", "understanding a course"),
                            ("administration", "rules and procedures"),
                            ("documentation", "finding one’s way in documents"),
                            ("research", "research"),
                        ],
                        default="course",
                        max_length=20,
                        verbose_name="purpose",
                    ),
                ),
                ("corpora", models.ManyToManyField(related_name="assistants", to="corpora.corpus")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inference.languagemodel",
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
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "slug"), name="assistant_slug_once_per_institution"),
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["course", "administration", "documentation", "research"])),
                        name="assistant_purpose_in_list",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                (
                    "data_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("public", "public: anybody may read them"),
                            ("internal", "internal: for the people of the institution"),
                            ("personal", "personal: they speak of identified people"),
                            ("sensitive", "sensitive: health, opinions, secrets"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "assistant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="conversations", to="assistants.assistant"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["-updated_at", "-id"],
                "indexes": [models.Index(fields=["profile", "-updated_at"], name="assistants__profile_9d07fa_idx")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Turn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("question", models.TextField(max_length=4000)),
                ("rewritten", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("running", "being written"),
                            ("answered", "answered"),
                            ("abstained", "the documents do not answer"),
                            ("failed", "failed"),
                            ("interrupted", "interrupted"),
                            ("cancelled", "stopped"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("extractive", "quoted from the documents"), ("generative", "written by a model")],
                        default="extractive",
                        max_length=12,
                    ),
                ),
                ("model_name", models.CharField(blank=True, max_length=80)),
                ("zone", models.CharField(blank=True, max_length=10)),
                ("error_code", models.CharField(blank=True, max_length=40)),
                ("usage", models.JSONField(default=dict)),
                ("latest_seq", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="turns", to="assistants.conversation"
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
                "ordering": ["conversation_id", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("conversation", "number"), name="turn_number_once_per_conversation")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("wrong", "signalled as wrong"), ("question", "passed on to the teacher")], max_length=10
                    ),
                ),
                ("question", models.TextField()),
                ("answer", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "assistant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="assistants.assistant"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "turn",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="signals", to="assistants.turn"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "constraints": [models.UniqueConstraint(fields=("turn", "kind"), name="signal_once_per_turn_and_kind")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="TurnEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("draft", "draft"),
                            ("text", "text"),
                            ("citation", "citation"),
                            ("nearest", "nearest"),
                            ("notice", "notice"),
                            ("done", "done"),
                        ],
                        max_length=10,
                    ),
                ),
                ("payload", models.JSONField(default=dict)),
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
                    "turn",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="assistants.turn",
                    ),
                ),
            ],
            options={
                "ordering": ["turn_id", "seq"],
                "constraints": [models.UniqueConstraint(fields=("turn", "seq"), name="event_once_per_turn_and_seq")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Asked",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("courses", models.JSONField(default=list)),
                ("assistant_name", models.CharField(max_length=160)),
                ("traced", models.BooleanField(default=False)),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("question_hash", models.CharField(max_length=64)),
                ("outcome", models.CharField(blank=True, max_length=12)),
                ("mode", models.CharField(blank=True, max_length=12)),
                ("model_name", models.CharField(blank=True, max_length=80)),
                ("zone", models.CharField(blank=True, max_length=10)),
                ("documents", models.JSONField(default=list)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "turn",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="asked",
                        to="assistants.turn",
                    ),
                ),
            ],
            options={
                "ordering": ["asked_at", "id"],
                "indexes": [models.Index(fields=["profile", "asked_at"], name="asked_by_person")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=14)),
                ("course_name", models.CharField(max_length=160)),
                ("first_date", models.DateField()),
                ("last_date", models.DateField()),
                ("questions", models.PositiveIntegerField()),
                ("fingerprint", models.CharField(max_length=64)),
                ("file_hash", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["institution", "file_hash"], name="statement_by_file")],
                "constraints": [models.UniqueConstraint(fields=("institution", "number"), name="statement_number_once")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
