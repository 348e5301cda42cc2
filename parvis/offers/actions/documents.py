"""The dossier of a need or of a request, from the rows it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from parvis.institutions.models import Institution, Nature
from parvis.needs.actions.cosignatures import totals
from parvis.needs.actions.harmonised import specification
from parvis.needs.models import Attachment, NeedVersion
from parvis.needs.specification import Specification
from parvis.offers.aggregates import SMALLEST
from parvis.offers.conformity import grid_csv, write_grid
from parvis.offers.dossier.content import Cosignature, Dossier, Excerpt, RegisterLine, VendorNamed, namings
from parvis.offers.dossier.documents import answer_frame, french_instant, functional_expression
from parvis.offers.dossier.opendocument import odt
from parvis.offers.dossier.outline import Document, Facts, Heading, Paragraph, blocks_of
from parvis.offers.dossier.portable import pdf
from parvis.offers.dossier.word import docx
from parvis.offers.models import RegisterEntry, RequestForInformation


def dossier_of(version: NeedVersion, *, now: datetime, request: RequestForInformation | None = None) -> Dossier:
    """With the register of the request if there is one."""
    said = totals(version.cosignatures.all())
    return Dossier(
        specification=specification(version),
        issued_on=timezone.localdate(now),
        alliance=_alliance(),
        request=request.code if request else "",
        deadline_at=timezone.localtime(request.deadline_at) if request else None,
        cosignatures=_cosignatures(version),
        provenance=_provenance(version),
        students=said.students if said.said_students >= SMALLEST else None,
        envelope_euros=said.envelope_euros if said.said_envelope >= SMALLEST else None,
        register=tuple(register_line(entry) for entry in register_entries(request)) if request else (),
    )


def vendor_documents(request: RequestForInformation, now: datetime, ordinary: Sequence[str] = ()) -> Mapping[str, bytes]:
    """What every vendor is handed, by file name: of raw needs, the excerpts that institutions accepted. Raises VendorNamed."""
    dossier = Dossier(
        specification=specification(request.version),
        issued_on=timezone.localdate(now),
        alliance=_alliance(),
        request=request.code,
        deadline_at=timezone.localtime(request.deadline_at),
        cosignatures=_cosignatures(request.version),
        provenance=_provenance(request.version),
    )
    found = [
        *namings(dossier, vendor_names(), ordinary=ordinary),
        *(
            replace(one, place=f"request-{one.place}")
            for one in namings(_introduced(request, dossier), vendor_names(), ordinary=ordinary)
        ),
    ]
    if found:
        raise VendorNamed(tuple(found))
    expression = functional_expression(dossier)
    return {
        "reglement-du-sondage.pdf": pdf(_rules(request, dossier)),
        "expression-fonctionnelle.docx": docx(expression),
        "expression-fonctionnelle.odt": odt(expression),
        "expression-fonctionnelle.pdf": pdf(expression),
        "cadre-de-reponse.docx": docx(answer_frame(dossier)),
        "cadre-de-reponse.xlsx": write_grid(dossier.frame),
        "grille-de-conformite.csv": grid_csv(dossier.frame),
    }


def frozen_documents(request: RequestForInformation | None) -> Mapping[str, bytes]:
    """What every vendor was handed, byte for byte."""
    return {one.name: bytes(one.content) for one in request.documents.all()} if request else {}


def vendor_names() -> list[str]:
    vendors = Institution.objects.filter(nature=Nature.VENDOR).values_list("name", "short_name")
    return sorted({name for names in vendors for name in names if name})


def register_entries(request: RequestForInformation) -> list[RegisterEntry]:
    """Before the opening, nothing that tells who answered, nor that anybody did."""
    rows = request.register.select_related("recipient", "profile__person")
    return list(rows if request.opened_at else rows.exclude(kind__in=UNTIL_OPENED))


def register_line(entry: RegisterEntry) -> RegisterLine:
    """In French, as the documents it goes into."""
    recipient = entry.recipient.name if entry.recipient else _EVERYBODY.get(entry.kind, "tous les éditeurs")
    return RegisterLine(timezone.localtime(entry.at), f"{_WHAT[entry.kind]} : {entry.subject}", recipient, entry.sha256)


def _alliance() -> str:
    return Institution.objects.filter(nature=Nature.COORDINATION).values_list("name", flat=True).first() or ""


def _cosignatures(version: NeedVersion) -> tuple[Cosignature, ...]:
    signed = version.cosignatures.filter(state="valid").select_related("institution")
    return tuple(Cosignature(one.institution.name, one.engagement, one.users or one.students) for one in signed)


def _provenance(version: NeedVersion) -> tuple[Excerpt, ...]:
    accepted = Attachment.unscoped.accepted().filter(harmonised_id=version.need_id).select_related("institution", "text")
    return tuple(Excerpt(one.excerpt, one.institution.name, timezone.localdate(one.text.written_at)) for one in accepted)


def _introduced(request: RequestForInformation, dossier: Dossier) -> Dossier:
    """The words of the request itself, to be read for names like those of the need."""
    said = Specification(request.code, dossier.specification.version, request.title, request.introduction)
    return Dossier(said, dossier.issued_on)


def _rules(request: RequestForInformation, dossier: Dossier) -> Document:
    said = dossier.specification
    holders = [holder.institution.name for holder in request.holders.select_related("institution")]
    return Document(
        kind="Règlement du sondage",
        title=request.title,
        identity=f"{request.code} · {said.reference}, version {said.version} · empreinte {said.fingerprint[:16]}…",
        fingerprint=said.fingerprint,
        blocks=(
            Facts(
                (
                    ("Alliance", dossier.alliance or "–"),
                    ("Sondage", request.code),
                    ("Besoin", f"{said.reference}, version {said.version}"),
                    ("Questions", f"jusqu’au {french_instant(timezone.localtime(request.questions_until))}"),
                    ("Réponses", f"jusqu’au {french_instant(timezone.localtime(request.deadline_at))}"),
                    ("Empreinte", said.fingerprint),
                    ("Clé publique", bytes(request.public_key).hex()),
                )
            ),
            *([Heading(1, "Présentation"), *blocks_of(request.introduction)] if request.introduction.strip() else []),
            Heading(1, "Égalité d’information"),
            Paragraph(_EQUALITY),
            Heading(1, "Réponses scellées"),
            Paragraph(_SEALED.format(needed=request.holders_needed, holders=len(holders))),
            Paragraph(f"Établissements dépositaires : {', '.join(holders)}."),
        ),
    )


UNTIL_OPENED = ("submission", "refusal")
_WHAT = {
    "publication": "Document publié",
    "read": "Document remis",
    "question": "Question reçue",
    "answer": "Question et réponse publiées",
    "submission": "Réponse scellée reçue",
    "refusal": "Réponse arrivée trop tard, refusée",
    "postponement": "Date limite reportée",
    "opening": "Ouverture des réponses",
    "exchange": "Autre échange",
}
_EVERYBODY = {"question": "coordination", "opening": "membres de l’alliance"}
_EQUALITY = (
    "Chaque éditeur reçoit les mêmes documents, octet pour octet, au même instant. Toute question est publiée sans le nom de "
    "qui la pose, avec sa réponse, au même instant pour tous. L’heure qui compte est celle du serveur."
)
_SEALED = (
    "Chaque réponse est chiffrée dès sa réception et personne ne peut la lire avant l’ouverture commune, pas même "
    "l’administration du serveur : après la date limite, {needed} des {holders} dépositaires ci-dessous donnent leur part de "
    "la clé, et toutes les réponses s’ouvrent en même temps. Jusque-là, ni le nombre ni le nom des éditeurs qui ont répondu "
    "ne sont montrés."
)
