from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


def _decided_by() -> models.ForeignKey[object, object]:
    return models.ForeignKey(
        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="institutions.profile"
    )


class Migration(migrations.Migration):
    dependencies = [("needs", "0004_index_layout")]
    operations = [
        migrations.AddField(model_name="rawneed", name=name, field=_decided_by())
        for name in ("validated_by", "published_by", "archived_by")
    ]
