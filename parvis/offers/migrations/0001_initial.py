import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("institutions", "0001_initial"),
        ("needs", "0001_initial"),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="PortfolioFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("form", "typed in"),
                            ("csv", "imported file"),
                            ("decp", "open data of public contracts"),
                            ("agreement", "agreement in force here"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("rows", models.JSONField(default=list)),
                ("problems", models.JSONField(default=list)),
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
            name="RequestForInformation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True)),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("introduction", models.TextField(blank=True, max_length=10000, verbose_name="introduction for vendors")),
                ("holders_needed", models.PositiveSmallIntegerField(default=2, verbose_name="key holders needed to open")),
                ("questions_until", models.DateTimeField(verbose_name="questions until")),
                ("deadline_at", models.DateTimeField(verbose_name="answers until")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("published_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("public_key", models.BinaryField(default=bytes)),
                ("private_key", models.BinaryField(default=bytes)),
                ("fingerprint", models.CharField(blank=True, max_length=64)),
                ("ordinary", models.JSONField(default=list)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="needs.needversion"
                    ),
                ),
            ],
            options={
                "verbose_name": "request for information",
                "ordering": ["-number"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("deadline_at__gte", models.F("questions_until"))),
                        name="questions_close_before_answers",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("opened_at__isnull", True), ("opened_at__gte", models.F("deadline_at")), _connector="OR"
                        ),
                        name="opened_after_the_deadline",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ThresholdParameter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40)),
                ("amount_cents", models.PositiveBigIntegerField()),
                ("valid_from", models.DateField()),
                ("valid_until", models.DateField(blank=True, null=True)),
                ("legal_reference", models.CharField(max_length=300)),
                ("note", models.CharField(blank=True, max_length=400)),
            ],
            options={
                "ordering": ["code", "valid_from"],
                "constraints": [models.UniqueConstraint(fields=("code", "valid_from"), name="one_threshold_per_day")],
            },
        ),
        migrations.CreateModel(
            name="RequestDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("media_type", models.CharField(max_length=120)),
                ("content", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="offers.requestforinformation",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("request", "name"), name="document_name_once_per_request")],
            },
        ),
        migrations.CreateModel(
            name="RegisterEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("publication", "publication"),
                            ("read", "document received"),
                            ("question", "question received"),
                            ("answer", "question and answer published"),
                            ("submission", "sealed answer received"),
                            ("refusal", "late answer refused"),
                            ("postponement", "deadline postponed"),
                            ("opening", "opening"),
                            ("exchange", "other exchange"),
                        ],
                        max_length=12,
                    ),
                ),
                ("subject", models.CharField(max_length=300)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "profile",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="register", to="offers.requestforinformation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(max_length=4000, verbose_name="question")),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("published_text", models.TextField(blank=True, max_length=4000)),
                ("answer", models.TextField(blank=True, max_length=8000, verbose_name="answer")),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
                        to="offers.requestforinformation",
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
            name="KeyHolder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wrong_tries", models.PositiveSmallIntegerField(default=0)),
                ("tries_again_at", models.DateTimeField(null=True)),
                ("salt", models.BinaryField(default=bytes)),
                ("public_key", models.BinaryField(default=bytes)),
                ("enrolled_at", models.DateTimeField(null=True)),
                ("sealed_share", models.BinaryField(default=bytes)),
                ("share", models.BinaryField(default=bytes)),
                ("contributed_at", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="holders", to="offers.requestforinformation"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("request", "institution"), name="one_key_holder_per_institution")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="AnswerDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wrong_tries", models.PositiveSmallIntegerField(default=0)),
                ("tries_again_at", models.DateTimeField(null=True)),
                ("salt", models.BinaryField()),
                ("blob", models.BinaryField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="offers.requestforinformation"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("request", "institution"), name="one_draft_per_vendor")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SealedAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField()),
                ("blob", models.BinaryField()),
                ("own_salt", models.BinaryField(default=bytes)),
                ("own_blob", models.BinaryField(default=bytes)),
                ("sha256", models.CharField(max_length=64)),
                ("submitted_at", models.DateTimeField(auto_now_add=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="offers.requestforinformation"
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["request_id", "institution_id", "revision"],
                "constraints": [
                    models.UniqueConstraint(fields=("request", "institution", "revision"), name="one_blob_per_revision")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product", models.CharField(max_length=200, verbose_name="product")),
                ("summary", models.TextField(blank=True, max_length=8000, verbose_name="summary")),
                (
                    "zone",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("on-prem", "on the institution’s servers"),
                            ("fr", "France"),
                            ("eu", "European Union"),
                            ("world", "elsewhere"),
                        ],
                        max_length=10,
                        verbose_name="hosting zone",
                    ),
                ),
                ("processor", models.CharField(blank=True, max_length=300, verbose_name="who processes the data")),
                ("no_training", models.BooleanField(null=True, verbose_name="data never used for training")),
                ("no_training_date", models.DateField(null=True)),
                ("no_training_document", models.CharField(blank=True, max_length=300)),
                ("accessibility", models.TextField(blank=True, max_length=4000, verbose_name="accessibility statement")),
                ("reversibility", models.TextField(blank=True, max_length=4000, verbose_name="reversibility")),
                ("opened_at", models.DateTimeField()),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offers", to="offers.requestforinformation"
                    ),
                ),
                (
                    "sealed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offer", to="offers.sealedanswer"
                    ),
                ),
            ],
            options={
                "verbose_name": "offer",
                "ordering": ["request_id", "institution__name"],
                "constraints": [
                    models.UniqueConstraint(fields=("request", "institution"), name="one_offer_per_vendor_and_request")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Choice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("studied", "under study"),
                            ("tried", "on trial"),
                            ("chosen", "chosen"),
                            ("declined", "declined"),
                            ("not_concerned", "not concerned"),
                        ],
                        max_length=14,
                        verbose_name="decision",
                    ),
                ),
                ("reason", models.TextField(blank=True, max_length=4000, verbose_name="reason")),
                ("is_shared", models.BooleanField(default=False, verbose_name="shown to the other institutions")),
                ("prepared_at", models.DateTimeField(auto_now=True)),
                ("decided_at", models.DateTimeField(null=True)),
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
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="choices", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "prepared_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="choices", to="offers.offer"
                    ),
                ),
            ],
            options={
                "verbose_name": "choice",
                "ordering": ["need_id", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("institution", "need", "offer"), name="one_choice_per_offer_and_institution"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("offer", None)),
                        fields=("institution", "need"),
                        name="one_choice_per_need_without_offer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "declined"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="declined_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("studied", "declined", "not_concerned")), ("offer__isnull", False), _connector="OR"
                        ),
                        name="an_offer_is_tried_or_chosen",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ConformityLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(blank=True, max_length=4)),
                ("proof", models.CharField(blank=True, max_length=1000)),
                ("available_date", models.DateField(null=True)),
                ("comment", models.CharField(blank=True, max_length=2000)),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="needs.requirementtext"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="offers.offer"),
                ),
            ],
            options={
                "ordering": ["requirement__requirement__number"],
                "constraints": [models.UniqueConstraint(fields=("offer", "requirement"), name="one_line_per_requirement")],
            },
        ),
        migrations.CreateModel(
            name="PriceLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=200)),
                ("unit", models.CharField(max_length=60)),
                ("amount_nano", models.BigIntegerField()),
                ("tier_from", models.PositiveBigIntegerField(default=0)),
                ("valid_from", models.DateField(null=True)),
                ("valid_until", models.DateField(null=True)),
                (
                    "offer",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="offers.offer"),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_nano__gte", 0)), name="price_is_not_negative")
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField(blank=True, max_length=4000, verbose_name="opinion")),
                ("used_since_date", models.DateField(blank=True, null=True, verbose_name="used since")),
                ("users", models.PositiveIntegerField(blank=True, null=True, verbose_name="users")),
                ("signed_at", models.DateTimeField()),
                ("reply", models.TextField(blank=True, max_length=4000, verbose_name="the vendor’s reply")),
                ("replied_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="references", to="offers.offer"
                    ),
                ),
                (
                    "replied_by",
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
            ],
            options={
                "ordering": ["-signed_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "offer"), name="one_reference_per_offer_and_institution"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("withdrawn_at", None),
                            models.Q(
                                ("institution", None), ("replied_by", None), ("reply", ""), ("signed_by", None), ("text", "")
                            ),
                            _connector="OR",
                        ),
                        name="withdrawn_reference_is_nameless",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Agreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product", models.CharField(max_length=200, verbose_name="product")),
                (
                    "vehicle",
                    models.CharField(
                        choices=[
                            ("own", "own procedure"),
                            ("grouped", "grouped order"),
                            ("purchasing_body", "purchasing body"),
                            ("innovation", "innovative purchase"),
                        ],
                        max_length=16,
                        verbose_name="purchasing procedure",
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=80, verbose_name="reference")),
                ("start_date", models.DateField(verbose_name="from")),
                ("end_date", models.DateField(verbose_name="until")),
                ("notice_date", models.DateField(blank=True, null=True, verbose_name="last day to give notice")),
                (
                    "zone",
                    models.CharField(
                        choices=[
                            ("on-prem", "on the institution’s servers"),
                            ("fr", "France"),
                            ("eu", "European Union"),
                            ("world", "elsewhere"),
                        ],
                        max_length=10,
                        verbose_name="hosting zone",
                    ),
                ),
                (
                    "no_training_date",
                    models.DateField(blank=True, null=True, verbose_name="date of the no-training attestation"),
                ),
                ("no_training_document", models.CharField(blank=True, max_length=300, verbose_name="no-training attestation")),
                ("users_quota", models.PositiveIntegerField(blank=True, null=True, verbose_name="users included")),
                (
                    "yearly_euros",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="amount per year, in euros before tax"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("activated_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "vendor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "choice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="agreements", to="offers.choice"
                    ),
                ),
            ],
            options={
                "verbose_name": "agreement",
                "ordering": ["-start_date", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_date__gte", models.F("start_date"))), name="agreement_ends_after_it_starts"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="AgreementPrice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=200)),
                ("unit", models.CharField(max_length=60)),
                ("amount_nano", models.BigIntegerField()),
                ("tier_from", models.PositiveBigIntegerField(default=0)),
                ("valid_from", models.DateField(null=True)),
                ("valid_until", models.DateField(null=True)),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="offers.agreement"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Tool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="tool")),
                ("vendor_name", models.CharField(blank=True, max_length=200, verbose_name="vendor")),
                ("service", models.CharField(blank=True, max_length=120, verbose_name="service that pays")),
                (
                    "yearly_cents",
                    models.PositiveBigIntegerField(blank=True, null=True, verbose_name="cost per year before tax"),
                ),
                ("start_date", models.DateField(blank=True, null=True, verbose_name="since")),
                ("end_date", models.DateField(blank=True, null=True, verbose_name="until")),
                ("notice_date", models.DateField(blank=True, null=True, verbose_name="last day to give notice")),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("form", "typed in"),
                            ("csv", "imported file"),
                            ("decp", "open data of public contracts"),
                            ("agreement", "agreement in force here"),
                        ],
                        default="form",
                        max_length=10,
                    ),
                ),
                ("reference", models.CharField(max_length=120, null=True, verbose_name="contract reference")),
                ("cpv", models.CharField(blank=True, max_length=20)),
                ("details", models.JSONField(default=dict)),
                ("quantity", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="quantity per year")),
                ("is_quantity_counted", models.BooleanField(default=False, verbose_name="this quantity was counted")),
                (
                    "spared_hours",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="hours of procedure spared"),
                ),
                ("are_hours_counted", models.BooleanField(default=False, verbose_name="these hours were counted")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "agreement",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="tool", to="offers.agreement"
                    ),
                ),
                (
                    "created_by",
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
                "verbose_name": "tool",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "reference"), name="contract_once_per_institution")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Coverage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.CharField(max_length=4, verbose_name="how it covers the need")),
                ("is_used", models.BooleanField(default=False, verbose_name="use confirmed")),
                ("evidence", models.CharField(blank=True, max_length=400, verbose_name="what confirms it")),
                ("moved_date", models.DateField(blank=True, null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "need",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="needs.harmonisedneed"
                    ),
                ),
                (
                    "moved_to",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="offers.tool"
                    ),
                ),
                (
                    "tool",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="coverages", to="offers.tool"),
                ),
            ],
            options={
                "ordering": ["need__number"],
                "constraints": [models.UniqueConstraint(fields=("tool", "need"), name="one_coverage_per_tool_and_need")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
