from __future__ import annotations

import json
from pathlib import Path

from django.db import migrations


def add_thresholds(apps, schema_editor):
    """Those of thresholds.json, as they were published when this was written; the coordination adds the next ones."""
    parameters = apps.get_model("offers", "ThresholdParameter")
    path = Path(__file__).parent.parent / "thresholds.json"
    for row in json.loads(path.read_text(encoding="utf-8")):
        parameters.objects.using(schema_editor.connection.alias).get_or_create(
            code=row["code"],
            valid_from=row["valid_from"],
            defaults={
                "amount_cents": row["amount_euro_cents"],
                "valid_until": row["valid_until"],
                "legal_reference": row["legal_reference"],
                "note": row["caution"],
            },
        )


class Migration(migrations.Migration):
    dependencies = [("offers", "0002_kept_as_received")]
    operations = [migrations.RunPython(add_thresholds, migrations.RunPython.noop)]
