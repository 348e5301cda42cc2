"""Why a request goes to no model, in a sentence: for pages and for programs, by a language's code.

The sentences are here and not in the catalogue because the data plane says them too, without Django.
"""

from __future__ import annotations

from parvis.inference.routing import Refusal

LANGUAGES = ("fr", "en")


def sentence(refusal: Refusal, language: str = "fr") -> str:
    """A code of an error of the provider has no sentence here: "" then."""
    words = _SENTENCES.get(refusal.code)
    if words is None:
        return ""
    chosen = language if language in LANGUAGES else "fr"
    data = CLASSES[refusal.data_class][chosen] if refusal.data_class in CLASSES else _ANY[chosen]
    zones = _OR[chosen].join(ZONE_NAMES[zone][chosen] for zone in refusal.zones)
    able = CAPABILITIES[refusal.capability][chosen] if refusal.capability in CAPABILITIES else refusal.capability
    return words[chosen].format(data=data, zones=zones or _NOWHERE[chosen], capability=able)


def reason(code: str, data_class: str, zone: str, language: str = "fr") -> str:
    """The same of one model, for the page that tells why; `code` "" says that it may be asked."""
    return sentence(Refusal(code or "allowed", data_class, (zone,) if zone else ()), language)


CLASSES = {
    "public": {"fr": "publiques", "en": "public"},
    "internal": {"fr": "internes", "en": "internal"},
    "personal": {"fr": "personnelles", "en": "personal"},
    "sensitive": {"fr": "sensibles", "en": "sensitive"},
}
ZONE_NAMES = {
    "on_prem": {"fr": "sur les serveurs de l’établissement", "en": "on the institution’s own servers"},
    "fr": {"fr": "en France", "en": "in France"},
    "eu": {"fr": "dans l’Union européenne", "en": "in the European Union"},
    "world": {"fr": "hors de l’Union européenne", "en": "outside the European Union"},
}
CAPABILITIES = {
    "chat": {"fr": "répondre à une conversation", "en": "answer a conversation"},
    "embeddings": {"fr": "calculer des vecteurs", "en": "compute embeddings"},
    "stream": {"fr": "envoyer ses mots à mesure", "en": "send its words as they come"},
    "tools": {"fr": "appeler des outils", "en": "call tools"},
    "json_schema": {"fr": "suivre un schéma JSON", "en": "follow a JSON schema"},
    "images": {"fr": "lire des images", "en": "read images"},
    "responses": {"fr": "répondre à l’adresse /v1/responses", "en": "answer at /v1/responses"},
}
_ANY = {"fr": "de cette demande", "en": "of this kind"}
_OR = {"fr": " ou ", "en": " or "}
_NOWHERE = {"fr": "là où ce modèle calcule", "en": "where this model computes"}

_SENTENCES = {
    "allowed": {
        "fr": "Des données {data} peuvent y aller.",
        "en": "Data that are {data} may go there.",
    },
    "disabled": {
        "fr": "Ce modèle est désactivé.",
        "en": "This model is switched off.",
    },
    "not_attested": {
        "fr": "Rien ne lui est envoyé : son fournisseur n’a pas d’attestation datée de non-entraînement.",
        "en": "Nothing is sent to it: its provider has no dated attestation that it does not train on what it receives.",
    },
    "attestation_over": {
        "fr": "Rien ne lui est envoyé : l’attestation de non-entraînement de son fournisseur n’est plus valable.",
        "en": "Nothing is sent to it: the attestation of its provider no longer holds.",
    },
    "capability": {
        "fr": "Aucun modèle demandé ne sait {capability}.",
        "en": "No model that was asked for can {capability}.",
    },
    "class": {
        "fr": "Votre établissement ne laisse pas des données {data} être traitées {zones}.",
        "en": "Your institution does not let data that are {data} be processed {zones}.",
    },
    "not_entitled": {
        "fr": "Les règles de votre établissement ne vous ouvrent pas ce modèle pour cet usage.",
        "en": "The rules of your institution do not open this model to you for this use.",
    },
    "too_long": {
        "fr": "La demande est plus longue que ce que le modèle peut lire.",
        "en": "The request is longer than what the model can read.",
    },
    "all_out": {
        "fr": "Les modèles où des données {data} peuvent aller ne répondent pas pour l’instant. Rien n’a été envoyé ailleurs.",
        "en": "The models to which data that are {data} may go do not answer for now. Nothing was sent elsewhere.",
    },
    "no_such_model": {
        "fr": "Aucun modèle ne porte ce nom ici.",
        "en": "No model has this name here.",
    },
    "none": {
        "fr": "Votre établissement n’a pas de modèle pour cela.",
        "en": "Your institution has no model for this.",
    },
    "resting": {
        "fr": "Il a échoué plusieurs fois et n’est pas sollicité pour l’instant.",
        "en": "It failed several times and is left alone for now.",
    },
    "busy": {
        "fr": "Il traite déjà autant de demandes qu’il peut en recevoir.",
        "en": "It already handles as many requests as it may receive.",
    },
}
