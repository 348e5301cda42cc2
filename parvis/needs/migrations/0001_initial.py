import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("institutions", "0001_initial"),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="HarmonisedNeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("discussed", "in discussion"),
                            ("stabilised", "stabilised"),
                            ("cosigning", "open to co-signature"),
                            ("asked", "request for information open"),
                            ("answered", "answers published"),
                            ("choosing", "institutions choose"),
                            ("used", "usage feedback"),
                            ("closed", "closed"),
                        ],
                        default="proposed",
                        max_length=12,
                    ),
                ),
                ("undone_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merged",
                        to="needs.harmonisedneed",
                    ),
                ),
                (
                    "working_group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="needs", to="institutions.workinggroup"
                    ),
                ),
            ],
            options={
                "verbose_name": "harmonised need",
                "ordering": ["number"],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ImportedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("content", models.BinaryField()),
                ("received_at", models.DateTimeField(auto_now_add=True)),
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
                "ordering": ["id"],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Workshop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("opened_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "working_group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="workshops", to="institutions.workinggroup"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="NeedVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(default=1)),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("description", models.TextField(max_length=20000, verbose_name="description")),
                ("scope", models.TextField(blank=True, max_length=10000, verbose_name="scope")),
                ("out_of_scope", models.TextField(blank=True, max_length=10000, verbose_name="out of scope")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("stabilised_at", models.DateTimeField(null=True)),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "stabilised_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["need_id", "number"],
                "constraints": [
                    models.UniqueConstraint(fields=("need", "number"), name="version_number_once_per_need"),
                    models.UniqueConstraint(
                        condition=models.Q(("stabilised_at", None)), fields=("need",), name="one_draft_version_per_need"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("merge", "merge"), ("split", "split")], max_length=10)),
                ("reason", models.CharField(blank=True, max_length=1000)),
                ("done_at", models.DateTimeField(auto_now_add=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "done_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="operations", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Requirement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="requirements", to="needs.harmonisedneed"
                    ),
                ),
            ],
            options={
                "ordering": ["need_id", "number"],
                "constraints": [models.UniqueConstraint(fields=("need", "number"), name="requirement_number_once_per_need")],
            },
        ),
        migrations.CreateModel(
            name="Minute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("note", "note"), ("decision", "decision"), ("act", "done during the session")],
                        default="note",
                        max_length=10,
                    ),
                ),
                ("text", models.CharField(max_length=2000, verbose_name="text")),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "harmonised",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "workshop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="minutes", to="needs.workshop"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Ballot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("in_favour", models.BooleanField()),
                ("comment", models.CharField(blank=True, max_length=1000)),
                ("cast_at", models.DateTimeField(auto_now=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="ballots", to="needs.needversion"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("version", "institution"), name="one_ballot_per_institution")],
            },
        ),
        migrations.CreateModel(
            name="CoSignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("prepared", "to be signed"),
                            ("valid", "signed"),
                            ("to_confirm", "to be confirmed"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="prepared",
                        max_length=10,
                    ),
                ),
                (
                    "engagement",
                    models.CharField(
                        choices=[("interested", "interested"), ("cosignatory", "co-signatory"), ("pilot", "pilot")],
                        default="cosignatory",
                        max_length=12,
                        verbose_name="level",
                    ),
                ),
                ("students", models.PositiveIntegerField(blank=True, null=True, verbose_name="students concerned")),
                ("users", models.PositiveIntegerField(blank=True, null=True, verbose_name="users expected")),
                (
                    "envelope_euros",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="envelope, in euros before tax"),
                ),
                ("horizon_date", models.DateField(blank=True, null=True, verbose_name="horizon")),
                ("comment", models.CharField(blank=True, max_length=1000, verbose_name="comment")),
                ("prepared_at", models.DateTimeField(auto_now_add=True)),
                ("signed_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "prepared_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "signed_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="cosignatures", to="needs.needversion"
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cosignatures",
                        to="needs.operation",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("institution", "version"), name="one_cosignature_per_institution_and_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "valid"), _negated=True),
                            models.Q(("signed_at__isnull", False), ("signed_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="signed_by_a_person",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="RequirementText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "level",
                    models.CharField(
                        choices=[("P", "essential"), ("I", "important"), ("S", "desirable")],
                        default="I",
                        max_length=1,
                        verbose_name="level",
                    ),
                ),
                ("text", models.TextField(max_length=4000, verbose_name="requirement")),
                ("verification", models.TextField(blank=True, max_length=2000, verbose_name="how it is verified")),
                ("institutions", models.ManyToManyField(blank=True, related_name="+", to="institutions.institution")),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="texts", to="needs.requirement"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="requirement_texts", to="needs.needversion"
                    ),
                ),
            ],
            options={
                "ordering": ["version_id", "requirement__number"],
                "constraints": [
                    models.UniqueConstraint(fields=("requirement", "version"), name="one_text_per_requirement_and_version")
                ],
            },
        ),
        migrations.CreateModel(
            name="RawNeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on_behalf", models.BooleanField(default=False)),
                ("service", models.CharField(blank=True, max_length=120, verbose_name="service")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("validated", "validated"),
                            ("published", "published"),
                            ("attached", "attached"),
                            ("archived", "archived"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("published_from", models.PositiveSmallIntegerField(null=True)),
                ("import_key", models.CharField(max_length=80, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("validated_at", models.DateTimeField(null=True)),
                ("published_at", models.DateTimeField(null=True)),
                ("archived_at", models.DateTimeField(null=True)),
                (
                    "archived_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
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
                (
                    "published_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "validated_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "current",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="needs.rawneedtext"
                    ),
                ),
            ],
            options={
                "verbose_name": "need",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["state", "institution"], name="needs_by_state")],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "import_key"), name="need_imported_once_per_institution")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Judgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "answer",
                    models.CharField(
                        choices=[("same", "the same need"), ("linked", "a linked need"), ("different", "a different need")],
                        max_length=10,
                    ),
                ),
                ("answered_at", models.DateTimeField(auto_now=True)),
                (
                    "harmonised",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="needs.harmonisedneed"
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="judgements", to="needs.rawneed"
                    ),
                ),
                (
                    "other_need",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="needs.rawneed"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "need", "other_need"), name="one_judgement_per_pair"),
                    models.UniqueConstraint(
                        fields=("institution", "need", "harmonised"), name="one_judgement_per_harmonised_need"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("other_need__isnull", True), ("harmonised__isnull", True), _connector="XOR"),
                        name="judgement_about_one_thing",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="RawNeedText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(default=1)),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("text", models.TextField(max_length=8000, verbose_name="what is needed")),
                ("audience", models.CharField(blank=True, max_length=300, verbose_name="for whom")),
                ("frequency", models.CharField(blank=True, max_length=200, verbose_name="how often")),
                ("data_used", models.CharField(blank=True, max_length=400, verbose_name="with which data")),
                (
                    "insufficient_tool",
                    models.CharField(blank=True, max_length=400, verbose_name="which existing tool is not enough, and why"),
                ),
                ("domain", models.CharField(blank=True, max_length=60, verbose_name="domain")),
                ("public", models.CharField(blank=True, max_length=60, verbose_name="public")),
                ("activity", models.CharField(blank=True, max_length=60, verbose_name="activity")),
                ("data_class", models.CharField(blank=True, max_length=60, verbose_name="sensitivity of the data")),
                ("language", models.CharField(default="fr", max_length=8)),
                ("written_at", models.DateTimeField(auto_now_add=True)),
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
                    "need",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="texts", to="needs.rawneed"),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["need_id", "number"],
                "constraints": [models.UniqueConstraint(fields=("need", "number"), name="text_number_once_per_need")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.PositiveIntegerField(default=0)),
                ("end", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("suggested", "suggested"),
                            ("proposed", "proposed"),
                            ("accepted", "accepted"),
                            ("refused", "refused"),
                            ("cancelled", "cancelled"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("proposed_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=1000)),
                ("cancelled_at", models.DateTimeField(null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replacements",
                        to="needs.attachment",
                    ),
                ),
                (
                    "harmonised",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attachments",
                        to="needs.operation",
                    ),
                ),
                (
                    "text",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="needs.rawneedtext"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("suggested", "proposed", "accepted"))),
                        fields=("text", "harmonised", "start", "end"),
                        name="one_live_attachment_per_excerpt",
                    ),
                    models.CheckConstraint(condition=models.Q(("end__gt", models.F("start"))), name="excerpt_is_not_empty"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "accepted"), _negated=True),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="accepted_by_a_person",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="TextVector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("endpoint", models.CharField(max_length=64)),
                ("vector", models.BinaryField()),
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
                    "text",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="vector", to="needs.rawneedtext"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["endpoint", "institution"], name="text_vectors_by_endpoint")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
