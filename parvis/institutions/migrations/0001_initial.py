import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from parvis.tables import at_once


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("identity", "__first__"),
    ]

    operations = at_once(
        migrations.CreateModel(
            name="Institution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "nature",
                    models.CharField(
                        choices=[
                            ("member", "member"),
                            ("coordination", "coordination of the alliance"),
                            ("observer", "observer"),
                            ("vendor", "vendor"),
                        ],
                        default="member",
                        max_length=20,
                    ),
                ),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("short_name", models.CharField(max_length=60)),
                ("kind", models.CharField(blank=True, max_length=60)),
                ("city", models.CharField(blank=True, max_length=80)),
                ("joined_date", models.DateField(blank=True, null=True)),
                ("left_date", models.DateField(blank=True, null=True)),
                ("rules_key", models.CharField(blank=True, max_length=22)),
                (
                    "data_class",
                    models.CharField(
                        default="internal",
                        choices=[
                            ("public", "public: anybody may read them"),
                            ("internal", "internal: for the people of the institution"),
                            ("personal", "personal: they speak of identified people"),
                            ("sensitive", "sensitive: health, opinions, secrets"),
                        ],
                        max_length=10,
                    ),
                ),
                ("is_invented", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("student", "student"),
                            ("teacher", "teacher"),
                            ("staff", "staff"),
                            ("administrator", "institution administrator"),
                            ("referent", "need referent"),
                            ("signatory", "signatory"),
                            ("coordinator", "alliance coordinator"),
                            ("observer", "observer"),
                            ("vendor", "vendor"),
                            ("app", "application"),
                            ("dpo", "data protection officer"),
                        ],
                        max_length=20,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=120)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "notices_by_mail",
                    models.CharField(
                        choices=[("none", "no e-mail"), ("each", "an e-mail for each notice"), ("daily", "one e-mail a day")],
                        default="daily",
                        max_length=6,
                    ),
                ),
                ("calendar_key", models.CharField(blank=True, max_length=43)),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="profiles", to="institutions.institution"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="profiles", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "person", "role"), name="one_profile_per_role")
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40)),
                ("params", models.JSONField(default=dict)),
                ("address", models.CharField(max_length=200)),
                ("sent_at", models.DateTimeField(auto_now_add=True)),
                ("read_at", models.DateTimeField(null=True)),
                ("mailed_at", models.DateTimeField(null=True)),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="institutions.profile"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["profile", "read_at"], name="notices_unread")],
            },
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="groups", to="institutions.institution"
                    ),
                ),
                ("profiles", models.ManyToManyField(blank=True, related_name="groups", to="institutions.profile")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("institution", "name"), name="group_name_once_per_institution")
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkingGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("profiles", models.ManyToManyField(blank=True, related_name="working_groups", to="institutions.profile")),
            ],
            options={
                "ordering": ["id"],
            },
        ),
    )
