"""The dated table of procurement thresholds: rows are added, and end the row before them; none is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast, get_args

from django.db import transaction

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.offers.models import ThresholdParameter
from parvis.offers.refusals import Impossible
from parvis.offers.thresholds import Caution, Code, Threshold

CAUTIONS = tuple(one for one in get_args(Caution) if one)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewThreshold:
    code: str
    amount_cents: int
    valid_from: date
    valid_until: date | None
    legal_reference: str
    note: str = ""


def table() -> list[Threshold]:
    return [
        Threshold(
            code=cast(Code, row.code),
            amount_euro_cents=row.amount_cents,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            legal_reference=row.legal_reference,
            caution=cast(Caution, row.note if row.note in CAUTIONS else ""),
        )
        for row in ThresholdParameter.objects.all()
    ]


def add_threshold(principal: Principal, new: NewThreshold) -> ThresholdParameter:
    """From a day that no later row of its kind has begun; the row in force until then ends the day before."""
    with transaction.atomic():
        of_its_kind = list(ThresholdParameter.objects.select_for_update().filter(code=new.code))
        if any(row.valid_from >= new.valid_from for row in of_its_kind):
            raise Impossible("threshold_exists")
        for row in of_its_kind:
            if row.valid_until is None or row.valid_until >= new.valid_from:
                row.valid_until = new.valid_from - DAY
                row.save(update_fields=["valid_until"])
        row = ThresholdParameter.objects.create(**{name: getattr(new, name) for name in NewThreshold.__dataclass_fields__})
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="threshold.add",
            subject=f"threshold:{row.id}",
            code=row.code,
            amount_cents=row.amount_cents,
        )
    return row
