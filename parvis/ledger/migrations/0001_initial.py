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
            name="Call",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("epoch", models.BigIntegerField()),
                ("sequence", models.BigIntegerField()),
                ("fingerprint", models.BinaryField(max_length=16)),
                ("occurred_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("component", models.CharField(blank=True, max_length=120)),
                ("app", models.CharField(blank=True, max_length=120)),
                ("person_id", models.BigIntegerField(null=True)),
                ("key_id", models.BigIntegerField(null=True)),
                ("model_id", models.BigIntegerField(null=True)),
                ("model_name", models.CharField(max_length=120)),
                ("agreement_id", models.BigIntegerField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("done", "done"),
                            ("cut", "cut"),
                            ("left", "left"),
                            ("failed", "failed"),
                            ("refused", "refused"),
                            ("unknown", "unknown"),
                        ],
                        max_length=10,
                    ),
                ),
                ("input_tokens", models.BigIntegerField(default=0)),
                ("cached_tokens", models.BigIntegerField(default=0)),
                ("output_tokens", models.BigIntegerField(default=0)),
                ("embedding_tokens", models.BigIntegerField(default=0)),
                ("images", models.BigIntegerField(default=0)),
                ("milliseconds", models.BigIntegerField(default=0)),
                ("is_estimated", models.BooleanField(default=False)),
                ("price_version", models.CharField(blank=True, max_length=60)),
                ("carbon_low_ug", models.BigIntegerField(null=True)),
                ("carbon_high_ug", models.BigIntegerField(null=True)),
                ("carbon_method", models.CharField(blank=True, max_length=60)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["institution", "occurred_at"], name="calls_of_a_time"),
                    models.Index(fields=["person_id", "occurred_at"], name="calls_of_a_person"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("epoch", "sequence"), name="a_call_is_counted_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("carbon_low_ug", None), ("carbon_high_ug__gte", models.F("carbon_low_ug")), _connector="OR"
                        ),
                        name="carbon_is_a_range",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ExpenseStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                (
                    "nature",
                    models.CharField(
                        choices=[
                            ("statement", "statement"),
                            ("supplement", "supplementary statement"),
                            ("credit", "credit note"),
                        ],
                        max_length=12,
                    ),
                ),
                ("month_date", models.DateField()),
                ("component", models.CharField(blank=True, max_length=120)),
                ("app", models.CharField(blank=True, max_length=120)),
                ("lines", models.JSONField(default=list)),
                ("total_nano", models.BigIntegerField()),
                ("unvalued", models.PositiveBigIntegerField(default=0)),
                ("digest", models.CharField(max_length=64)),
                ("made_by", models.CharField(max_length=80)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "completes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="completed_by",
                        to="ledger.expensestatement",
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["-month_date", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "number"), name="expense_statement_number_once")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Party",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("component", models.CharField(blank=True, max_length=120, verbose_name="component")),
                ("legal_name", models.CharField(max_length=160, verbose_name="legal name")),
                ("siret", models.CharField(max_length=14, verbose_name="SIRET")),
                ("vat_number", models.CharField(blank=True, max_length=20, verbose_name="VAT number")),
                ("street", models.CharField(max_length=160, verbose_name="street")),
                ("postcode", models.CharField(max_length=10, verbose_name="postcode")),
                ("city", models.CharField(max_length=80, verbose_name="town")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
            ],
            options={
                "ordering": ["component"],
                "constraints": [models.UniqueConstraint(fields=("institution", "component"), name="party_once_per_component")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PriceBook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("agreement_id", models.BigIntegerField(blank=True, null=True, verbose_name="agreement")),
                ("starts_date", models.DateField(verbose_name="in force from")),
                ("ends_date", models.DateField(blank=True, null=True, verbose_name="over from")),
                ("source", models.CharField(max_length=300, verbose_name="where these prices come from")),
                ("source_date", models.DateField(verbose_name="date of the source")),
                ("created_by", models.CharField(max_length=80)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "institution",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_date", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_date", None), ("ends_date__gt", models.F("starts_date")), _connector="OR"),
                        name="book_ends_after_it_starts",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model_id", models.BigIntegerField(null=True)),
                ("model_name", models.CharField(max_length=120)),
                ("unit", models.CharField(max_length=10)),
                ("amount_nano", models.BigIntegerField()),
                (
                    "book",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rates", to="ledger.pricebook"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="institutions.institution",
                    ),
                ),
            ],
            options={
                "ordering": ["model_name", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("book", "model_id", "unit"), name="one_rate_per_unit_and_model"),
                    models.UniqueConstraint(
                        condition=models.Q(("model_id", None)),
                        fields=("book", "unit"),
                        name="one_rate_per_unit_of_the_environment",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_nano__gte", 0)), name="rate_is_not_negative"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month_date", models.DateField()),
                ("agreement_id", models.BigIntegerField(null=True)),
                ("file_name", models.CharField(max_length=200)),
                ("file_digest", models.CharField(max_length=64)),
                ("lines", models.JSONField(default=list)),
                ("invoiced_nano", models.BigIntegerField()),
                ("counted_nano", models.BigIntegerField()),
                ("unvalued", models.PositiveBigIntegerField(default=0)),
                ("is_flagged", models.BooleanField()),
                ("made_by", models.CharField(max_length=80)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
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
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("charge", "charge"), ("reversal", "reversal"), ("correction", "correction")], max_length=10
                    ),
                ),
                ("debit", models.CharField(max_length=300)),
                ("credit", models.CharField(max_length=300)),
                ("amount_nano", models.BigIntegerField()),
                ("price_version", models.CharField(max_length=60)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "call",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="ledger.call"),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.institution"
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="ledger.transfer",
                    ),
                ),
                (
                    "reverses",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="ledger.transfer",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "charge")), fields=("call",), name="a_call_is_charged_once"
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_nano__gte", 0)), name="a_transfer_has_one_way"),
                    models.CheckConstraint(
                        condition=models.Q(("debit", models.F("credit")), _negated=True), name="a_transfer_joins_two_accounts"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "charge"), ("replaces", None), ("reverses", None)),
                            models.Q(("kind", "reversal"), ("replaces", None), ("reverses__isnull", False)),
                            models.Q(("kind", "correction"), ("replaces__isnull", False), ("reverses", None)),
                            _connector="OR",
                        ),
                        name="a_transfer_says_what_it_mends",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    )
