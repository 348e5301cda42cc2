"""“Bonjour”, “Merci”: words said to a person, which no document answers. Pure."""

from __future__ import annotations

import re

from parvis.retrieval.analysis import folded_and_terms

GREETING, THANKS = "greeting", "thanks"


def courtesy(question: str) -> str:
    """GREETING or THANKS when the question is that and nothing else, else ""."""
    said = folded_and_terms(question)[0]
    if _GREETING.fullmatch(said):
        return GREETING
    return THANKS if _THANKS.fullmatch(said) else ""


_TO = (
    r"(?: (?:a|tous|toutes|parvis|monsieur|madame|professeur|beaucoup|bien|infiniment|encore|pour|de|votre|ton|aide|reponse"
    r"|very|much|all|there|you|so))*"
)
_GREETING = re.compile(
    rf"(?:bonjour|bonsoir|salut|coucou|hello|hi|hey|good (?:morning|evening)){_TO}"
    r"(?: (?:comment )?(?:ca va|vas tu|allez vous))?"
)
_THANKS = re.compile(
    rf"(?:(?:ok|d accord|super|parfait|tres bien|great) )?(?:merci|thanks|thank you){_TO}"
    r"|ok|d accord|au revoir|bye|bonne (?:journee|soiree)"
)
