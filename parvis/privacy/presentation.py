"""What pages show of what is held about a person."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import FileResponse
from django.utils import timezone

from parvis.institutions.models import Institution
from parvis.privacy.actions.holdings import Holding, holdings, subjects_of


@dataclass(frozen=True, slots=True)
class Known:
    """What one institution holds about the reader."""

    institution: Institution
    going: list[Holding]
    staying: list[Holding]

    @property
    def has_courses(self) -> bool:
        return any(one.table == "corpora_corpus" for one in self.staying)


def known_of(person_id: int) -> list[Known]:
    subjects = subjects_of(person_id)
    institutions = Institution.objects.in_bulk([subject.institution_id for subject in subjects])
    found = []
    for subject in subjects:
        every = holdings(subject)
        going, staying = [one for one in every if not one.why], [one for one in every if one.why]
        found.append(Known(institutions[subject.institution_id], going, staying))
    return found


def zip_response(content: object, name: str) -> FileResponse:
    response = FileResponse(
        content, as_attachment=True, filename=f"{name}-{timezone.localdate():%Y-%m-%d}.zip", content_type="application/zip"
    )
    response["Cache-Control"] = "no-store"
    return response
