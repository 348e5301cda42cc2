"""What in a question only asks: words that weigh little, phrases that are not looked for at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from parvis.retrieval.analysis import Token, folded_words, terms


def is_framing(term: str) -> bool:
    """Whether a word asks more than it tells: answers need not have it, and nothing is gained by finding one like it."""
    return term in _framing_terms()


def asked_tokens(question: str, tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The tokens without those of the phrases that only ask ("à quoi sert", "quel est le rôle de", "je voudrais savoir"), as
    long as something is left: a word of these, rare in a corpus, would weigh most."""
    words = folded_words(question)
    folded = " ".join(word for word, _ in words)
    framing: set[int] = set()
    for match in _PHRASE.finditer(folded):
        first = folded.count(" ", 0, match.start())
        framing.update(start for _, start in words[first : first + 1 + match[0].count(" ")])
    return tuple(token for token in tokens if token.start not in framing) or tuple(tokens)


_FRAMING = """
    commence commencent commencer compter coûte coûtent coûter débute débutent débuter déposer finir finit finissent max min
    obtient recevoir reçoit termine terminent terminer voir aider ailleurs aller an année appeler aurai aurais aurait
    appelle appelée arrive arriver avance bonjour but calculer calculent caractéristique cas cause cb cest chose cite
    citer combien comment composé compte concerne concrètement connaître conséquence consiste correspond coup date
    décrire définir définition dernier désigne devenir devoir devrais différence dire dit dois doit donner donne dun
    dune dure durent durée effet endroit énonce entendre entend époque exactement exemple existe expliquer explique
    façon falloir fonction fonctionne genre heure important intérêt jai jour jusque kel kelle ki lieu manque maximal
    maximum merci minimal minimum mois moment montant nom nombre nomme objectif obtenir origine parler part pays penser
    période permet permettre personne peux possible pourcentage pouvoir pr précise premier prendre prévoir prévu
    principal principe puis quantité question quoi raison résumer rôle savoir sens sert serais servir signifie situe
    sorte suis svp taille taux temps trouve trouver type utilise utiliser utilité valeur vais valent valoir vaut veux
    vouloir veut ville voudrais
"""


@lru_cache(maxsize=1)
def _framing_terms() -> frozenset[str]:
    return frozenset(terms(_FRAMING))


# Over folded words, one space between them, no apostrophe nor hyphen. A verb is here only where it asks: "sert" frames "à
# quoi sert la clé", not "la clé sert-elle deux fois". "Définition" is not here: headings have it.
_PHRASES = r"""
bonjour|bonsoir|salut|merci(?: d avance| beaucoup)?|s il (?:vous|te) plait|svp|stp
(?:je|j) (?:voudrais|voulais|veux|aimerais|souhaite|souhaiterais|cherche a|dois) (?:bien )?(?:savoir|connaitre|comprendre)
(?:peux|pouvez|pourriez|pourrais) (?:tu|vous) (?:(?:m|me|nous) )?(?:dire|expliquer|indiquer|rappeler|preciser|donner|aider a)
(?:explique|dis|donne|rappelle|indique|decris|precise|cite|enumere|resume|parle)[sz]? (?:moi|nous)(?: de| du| des)?
(?:en )?(?:dire|dis|dites|savoir) (?:moi )?(?:en )?plus (?:sur|a propos de)
(?:d apres|selon|dans) (?:le|la|les|ce|cette|ces) (?:cours|documents?|textes?|supports?|poly|polycopie)
a quoi (?:(?:ca|cela) )?(?:sert|servent|servait|servira|peut (?:bien )?servir|correspond|correspondent)
(?:(?:ca|cela) )?(?:sert|servent) a quoi
que (?:dit|disent|prevoit|prevoient|precise|precisent|indique|indiquent|enonce|enoncent|stipule|affirme)
que (?:signifie|signifient|designe|designent|veut dire|veulent dire)
(?:qu est ce que )?(?:ca|cela) (?:veut dire|signifie)(?: quoi)?|veut dire quoi
de quoi (?:parle|parlent|traite|traitent|s agit il|est il question)
comment (?:(?:(?:faire|fait on|on fait|je fais|dois je faire|faut il faire) pour)|s y prendre pour|proceder pour)
qu est ce qu(?:e|i)?(?: c est)?(?: on appelle| on nomme| on entend par)?
qu entend on par|que faut il entendre par|qu appelle t on|comment (?:definir|definit on|se definit|appelle t on)
(?:quel(?:le)?s? (?:est|sont|etait) )?(?:le|la|les|l) (?:role|but|utilite|signification|sens)s? (?:de|du|des|d)
(?:(?:je|j|on|tu|vous) )?(?:ai|a|as|avez) (?:(?:je|t on|on|tu|vous) )?(?:le )?droit d(?:e)?
(?:puis|dois|peux) je|(?:je|on|tu|vous) (?:peux|peut|pouvez|dois|doit|devez|pourrais|devrais)|(?:peut|doit) on
(?:est il|c est|est ce) possible d(?:e)?|existe t il|y a t il
que se passe t il|(?:il|ca) se passe quoi|qu arrive t il
en cas d(?:e|u)?|(?:a|ont|aura|auront) (?:t (?:il|elle) )?lieu
combien (?:(?:ca|cela) )?(?:coute(?:nt)?|vaut|valent|faut il (?:payer|compter)|(?:je|j|on) (?:dois|doit|va|vais) payer)
combien (?:de (?:temps|jours?|mois|semaines?|minutes?)|d (?:annees?|ans?|heures?))(?: dure(?:nt)?)?
combien(?: (?:ai je|a t on|j ai|on a|avons nous|faut il|il faut|y a t il|il y a))?
que faut il savoir (?:sur|de|du|des)|quand est ce que|en quoi consiste(?:nt)?
"""
_PHRASE = re.compile(rf"\b(?:{'|'.join(_PHRASES.split(chr(10))[1:-1])})(?= |$)")
