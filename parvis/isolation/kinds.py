"""What each table is, as far as institutions are concerned: the one list from which policies, keys and tests are made.

A table that is not here is nobody's: PostgreSQL shows none of its rows, and a test fails with the sentence of `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

UNKNOWN = (
    "{table} says nothing of institutions. Write its line in parvis/isolation/kinds.py: `own` if each row belongs to one"
    " institution (give the table an `institution` key), `part` if it hangs from a row that does, `shared` if others may read"
    " some of its rows (say which), `commons` if it belongs to the alliance, `public` or `installation` otherwise, with why."
)


class Reach(StrEnum):
    OWN = "own"  # the institution's, and nobody else's
    SHARED = "shared"  # the institution's; others read what `condition` says, and write nothing
    COMMONS = "commons"  # the alliance's: for whoever is signed in
    PUBLIC = "public"  # anybody reads; who is signed in writes
    INSTALLATION = "installation"  # named escapes only


@dataclass(frozen=True, slots=True)
class Kind:
    """`parent` is the table whose row, named by `column`, says the institution of a row that does not. `condition` is SQL
    over the row's own columns. `or_none`: rows of no institution are the whole installation's, for everybody to read."""

    table: str
    reach: Reach
    why: str = ""
    parent: str = ""
    column: str = ""
    condition: str = ""
    or_none: bool = False

    @property
    def has_institution(self) -> bool:
        return self.reach in (Reach.OWN, Reach.SHARED) and not self.parent


def own(table: str, *, or_none: bool = False) -> Kind:
    return Kind(table, Reach.OWN, or_none=or_none)


def part(table: str, parent: str, column: str) -> Kind:
    return Kind(table, Reach.OWN, parent=parent, column=column)


def shared(table: str, condition: str, why: str) -> Kind:
    return Kind(table, Reach.SHARED, why, condition=condition)


def commons(table: str, why: str) -> Kind:
    return Kind(table, Reach.COMMONS, why)


def public(table: str, why: str) -> Kind:
    return Kind(table, Reach.PUBLIC, why)


def installation(table: str, why: str) -> Kind:
    return Kind(table, Reach.INSTALLATION, why)


def _kinds() -> Iterator[Kind]:
    # access: the rules of an institution and what they give
    yield own("access_ruleset")
    yield own("access_entitlement")
    yield own("access_rulecheck")
    yield own("access_courseperiod")
    yield own("access_apikey")
    yield own("access_pace")

    # federation: sign-in sources, their secrets, whom they brought
    yield own("federation_signinsource")
    yield own("federation_account")
    yield own("federation_opensession")
    yield own("federation_samlresponse")
    yield own("federation_federation")
    yield own("federation_entity")
    yield own("federation_directoryentry")
    yield own("federation_directorygroup")
    yield part("federation_directorygroup_members", "federation_directorygroup", "directorygroup_id")
    yield own("federation_suspension")
    yield own("federation_scimsetup")
    yield own("federation_scimtoken")
    yield own("federation_peoplelist")
    yield commons("federation_servicekey", "the installation's own key, sealed; each institution shows its public half")

    # ledger: prices, what was called and charged, what was stated of it; prices of no institution are the whole alliance's
    yield own("ledger_pricebook", or_none=True)
    yield own("ledger_rate", or_none=True)
    yield own("ledger_call")
    yield own("ledger_transfer")
    yield own("ledger_expensestatement")
    yield own("ledger_reconciliation")
    yield own("ledger_party")

    # inference: providers and their secrets, what they promised, and how far data may go
    yield own("inference_provider")
    yield own("inference_languagemodel")
    yield own("inference_attestation")
    yield own("inference_routingmatrix")
    yield own("inference_calibration")
    yield own("inference_pseudonymisation")
    yield own("inference_stop")

    # ledger: who spends, within which limits
    yield own("budgets_node", or_none=True)
    yield own("budgets_budget", or_none=True)
    yield own("budgets_spending")
    yield own("budgets_lease")
    yield own("budgets_term")

    # corpora: documents, and the search engine's own tables
    yield own("corpora_corpus")
    yield part("corpora_corpus_groups", "corpora_corpus", "corpus_id")
    yield own("corpora_document")
    yield own("corpora_page")
    yield own("corpora_passage")
    yield own("corpora_courserule")
    yield own("corpora_embedding")
    yield part("search_passage", "corpora_corpus", "corpus_id")
    yield part("search_vocabulary", "corpora_corpus", "corpus_id")
    yield part("search_corpus", "corpora_corpus", "corpus_id")
    yield commons("search_word", "words without their passages; counted only where one may read")

    # assistants: what people ask
    yield own("assistants_assistant")
    yield part("assistants_assistant_corpora", "assistants_assistant", "assistant_id")
    yield own("assistants_conversation")
    yield own("assistants_turn")
    yield own("assistants_turnevent")
    yield own("assistants_signal")
    yield own("assistants_asked")
    yield own("assistants_statement")

    # needs: written by one institution, published to the alliance
    yield commons("needs_rawneed", "published needs are read by the whole alliance; the doors keep drafts at home")
    yield commons("needs_rawneedtext", "as its need")
    yield commons("needs_textvector", "as its text")
    yield own("needs_judgement")
    yield commons("needs_importedfile", "the coordination imports in the name of an institution; its importer alone reads it")
    yield commons("needs_harmonisedneed", "written together")
    yield commons("needs_needversion", "as its need")
    yield commons("needs_requirement", "as its need")
    yield commons("needs_requirementtext", "as its need")
    yield commons("needs_requirementtext_institutions", "which institutions ask for it: known to all")
    yield commons("needs_ballot", "votes are cast before everybody")
    yield commons("needs_operation", "mergers and divisions are done before everybody")
    yield commons("needs_attachment", "an excerpt of a need that was published")
    yield commons("needs_cosignature", "what an institution signed commits it before the others")
    yield commons("needs_workshop", "held together")
    yield commons("needs_minute", "taken together")

    for part_of_index in ("passage", "vocabulary", "corpus", "word"):
        yield commons(f"needs_search_{part_of_index}", "the index of needs, under the rights of who writes one")

    # offers: answers are their vendor's until opened; agreements and portfolios stay at home
    yield commons("offers_requestforinformation", "asked together")
    yield commons("offers_requestdocument", "as its request")
    yield commons("offers_keyholder", "who holds a key is announced; shares are sealed by a passphrase that is kept nowhere")
    yield commons("offers_question", "published without the name of who asks; the coordination reads all")
    yield commons("offers_registerentry", "the register is open to the members")
    yield own("offers_sealedanswer")
    yield own("offers_answerdraft")
    yield commons("offers_offer", "opened before everybody")
    yield commons("offers_conformityline", "as its offer")
    yield commons("offers_priceline", "as its offer")
    yield commons("offers_choice", "shown to the others if the institution shares it")
    yield own("offers_agreement")
    yield part("offers_agreementprice", "offers_agreement", "agreement_id")
    yield commons("offers_usagereference", "an opinion given to the others")
    yield own("offers_tool")
    yield own("offers_coverage")
    yield own("offers_portfoliofile")
    yield commons("offers_thresholdparameter", "figures of the law")

    # institutions and people
    yield public("institutions_institution", "the list of members is public")
    yield commons("institutions_workinggroup", "across institutions")
    yield commons("institutions_workinggroup_profiles", "who works together is known to all")
    yield commons("institutions_profile", "who wrote, signed or answered is named to the others")
    yield own("institutions_group")
    yield part("institutions_group_profiles", "institutions_group", "group_id")
    yield commons("institutions_notice", "sent to a person by the act of another institution")
    yield commons("identity_person", "one person may act in several institutions; names are shown across them")

    # evidence and data protection
    yield own("audit_entry", or_none=True)
    yield public("audit_log", "the name of a journal and its size are published, for witnesses")
    yield public("audit_tile", "hashes of hashes: from them anybody verifies that nothing was rewritten")
    yield public("audit_signedhead", "published, for witnesses")
    yield public("audit_signingkey", "public keys")
    yield own("evidence_witness")
    yield own("evidence_consultation")
    yield own("privacy_rightrequest")
    yield own("privacy_retention")
    yield own("privacy_retentionrun")
    yield own("privacy_processing")

    # the installation's: what its workers do next
    yield installation("chores_turn", "whose turn it is, for workers")

    # Django's own
    yield installation("access_session", "whoever reads one could sign in as its person")
    yield installation("django_session", "unused")
    yield installation("django_migrations", "the state of the tables")
    yield installation("django_content_type", "unused")
    yield installation("auth_permission", "unused")
    yield installation("auth_group", "unused")
    yield installation("auth_group_permissions", "unused")


KINDS: dict[str, Kind] = {kind.table: kind for kind in _kinds()}


def kind_of(table: str) -> Kind:
    """Raises KeyError with what to write."""
    if table not in KINDS:
        raise KeyError(UNKNOWN.format(table=table))
    return KINDS[table]
