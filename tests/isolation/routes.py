"""The matrix: one line for each address of Parvis. A route without its line fails `test_every_route_has_its_line`.

A line says who opens the route in the world of `world.py` (the holder of its rows, in that role), and how far what it shows
reaches. Everything else is generated: verbs, other roles, colleagues, neighbours, strangers, suspended people, and identifiers
of the other institution in the address and in whatever the view reads of a form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from parvis.institutions.models import Role
from parvis.privacy.actions.register import OWN as OWN_LINE

STUDENT, TEACHER, ADMINISTRATOR = Role.STUDENT, Role.TEACHER, Role.ADMINISTRATOR
REFERENT, SIGNATORY, COORDINATOR, VENDOR = Role.REFERENT, Role.SIGNATORY, Role.COORDINATOR, Role.VENDOR


class To(IntEnum):
    """Who may open a route, with the right role. Each holds those before it."""

    HOLDER = 1  # the person whose row it is, and no colleague in the same role
    INSTITUTION = 2
    ALLIANCE = 3  # the same address opens for another institution's people; or it names no row, and shows each their own
    ANYBODY = 4  # without signing in
    NOBODY = 0  # closed in this world: `why` says why


@dataclass(frozen=True, slots=True)
class Route:
    """`named` are the values of text parameters: something of one's own, of the other institution's, and of nobody's.
    `others` are the fields of a form that may name what another institution published, and `known` says so of the address:
    the answer is a refusal, and may tell it from nothing. `holder_only`: what it shows is each visitor's own, and a colleague
    has none. `shift` is added to the identifiers: the profile of another role.
    `by` is the credential: "session", "key" (of the API) or "token" (of a directory). `others_only`: not for the holder.
    `coordinated`: the coordination reaches any institution here, whose representatives it names."""

    opens: str
    to: To
    verb: str = "get"
    scene: str = "drafted"
    named: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    known: bool = False
    holder_only: bool = False
    shift: int = 0
    by: str = "session"
    others_only: bool = False
    coordinated: bool = False
    why: str = ""


def same(value: str) -> tuple[str, str, str]:
    return (value, value, value)


def slug(prefix: str) -> tuple[str, str, str]:
    return (f"{prefix}-500001", f"{prefix}-700001", f"{prefix}-900001")


UIDS = ("uid500001", "uid700001", "uid900001")
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
LINES = (f"{OWN_LINE}500001", f"{OWN_LINE}700001", f"{OWN_LINE}900001")
HOLDER, INSTITUTION, ALLIANCE, ANYBODY = To.HOLDER, To.INSTITUTION, To.ALLIANCE, To.ANYBODY

ROUTES: dict[str, Route] = {
    "preferences": Route(TEACHER, ANYBODY, "post"),
    "health": Route(TEACHER, ANYBODY),
    # access
    "access:sign_in": Route(TEACHER, ANYBODY),
    "access:sign_in_as": Route(TEACHER, To.NOBODY, "post", why="personas sign in on the demonstration only"),
    "access:sign_in_link": Route(TEACHER, To.NOBODY, named={"token": slug("jeton")}, why="the link is the credential"),
    "access:sign_out": Route(TEACHER, ALLIANCE, "post"),
    "access:signed_out": Route(TEACHER, ANYBODY),
    "access:notices": Route(TEACHER, ALLIANCE),
    "access:notices_read": Route(TEACHER, ALLIANCE, "post"),
    "access:mailing": Route(TEACHER, To.NOBODY, "post", why="without the one value it takes, nothing is there"),
    "access:calendar_key": Route(TEACHER, ALLIANCE, "post"),
    "access:notice": Route(TEACHER, HOLDER, "post"),
    "access:calendar": Route(
        TEACHER, To.NOBODY, named={"key": slug("cle")}, why="the key is the credential: see the test of calendars"
    ),
    "access:switch_profile": Route(TEACHER, To.NOBODY, "post", why="without a profile of one's own, nothing is there"),
    # federation
    "federation:choice": Route(TEACHER, ANYBODY),
    "federation:start": Route(TEACHER, To.NOBODY, why="the world's sources are not active"),
    "federation:back": Route(TEACHER, ANYBODY, "post"),
    "federation:back_channel": Route(TEACHER, To.NOBODY, "post", why="needs a signed token of the source"),
    "federation:logo": Route(TEACHER, To.NOBODY, why="the world's sources have no logo"),
    "federation:link": Route(TEACHER, To.NOBODY, "post", why="the world's sources are not active"),
    "federation:accounts": Route(TEACHER, ALLIANCE),
    "federation:linking": Route(TEACHER, To.NOBODY, "post", why="nothing waits to be linked"),
    "federation:list": Route(ADMINISTRATOR, ALLIANCE),
    "federation:add": Route(ADMINISTRATOR, ALLIANCE, named={"kind": same("cas")}),
    "federation:source": Route(ADMINISTRATOR, INSTITUTION),
    "federation:edit": Route(ADMINISTRATOR, INSTITUTION),
    "federation:trial": Route(ADMINISTRATOR, INSTITUTION),
    "federation:activation": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "federation:deletion": Route(ADMINISTRATOR, INSTITUTION),
    "federation:suspension": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "saml:metadata": Route(TEACHER, To.NOBODY, why="the world's installation has no key, as before its first SAML source"),
    "saml:landing": Route(TEACHER, To.NOBODY, "post", why="needs a response that the provider signed"),
    "saml:logout": Route(TEACHER, To.NOBODY, why="needs an order that the provider signed"),
    "saml:leave": Route(TEACHER, To.NOBODY, why="needs a token sealed at sign-in"),
    "saml:metadata_of_source": Route(TEACHER, To.NOBODY, why="the world's sources speak CAS"),
    "saml:choice": Route(ADMINISTRATOR, ALLIANCE),
    "saml:add": Route(ADMINISTRATOR, INSTITUTION),
    "saml:add_federation": Route(ADMINISTRATOR, ALLIANCE),
    "saml:federation": Route(ADMINISTRATOR, INSTITUTION),
    "saml:edit_federation": Route(ADMINISTRATOR, INSTITUTION),
    "saml:reading": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "saml:federation_removal": Route(ADMINISTRATOR, INSTITUTION, "post"),
    # rules
    "rules:matrix": Route(ADMINISTRATOR, ALLIANCE),
    "rules:choose_column": Route(ADMINISTRATOR, ALLIANCE),
    "rules:column": Route(ADMINISTRATOR, INSTITUTION, named={"column": ("corpus:500001", "corpus:700001", "corpus:900001")}),
    "rules:editor": Route(ADMINISTRATOR, ALLIANCE),
    "rules:versions": Route(ADMINISTRATOR, ALLIANCE),
    "rules:version": Route(ADMINISTRATOR, ALLIANCE),
    "rules:why": Route(ADMINISTRATOR, ALLIANCE),
    "rules:who": Route(ADMINISTRATOR, ALLIANCE),
    "rules:checks": Route(ADMINISTRATOR, ALLIANCE),
    "rules:check_removal": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "rules:periods": Route(ADMINISTRATOR, ALLIANCE),
    "rules:period_removal": Route(ADMINISTRATOR, INSTITUTION, "post"),
    # corpora
    "corpora:list": Route(TEACHER, ALLIANCE),
    "corpora:detail": Route(TEACHER, HOLDER),
    "corpora:edit": Route(TEACHER, HOLDER),
    "corpora:consultation": Route(ADMINISTRATOR, INSTITUTION),
    "corpora:share": Route(TEACHER, HOLDER, "post"),
    "corpora:delete": Route(TEACHER, HOLDER, "post"),
    "corpora:upload": Route(TEACHER, HOLDER, "post"),
    "corpora:open": Route(TEACHER, HOLDER),
    "corpora:document": Route(TEACHER, HOLDER),
    "corpora:page_image": Route(TEACHER, HOLDER),
    "corpora:original": Route(TEACHER, HOLDER),
    "corpora:replace": Route(TEACHER, HOLDER, "post"),
    "corpora:remove": Route(TEACHER, HOLDER, "post"),
    "corpora:retry": Route(TEACHER, HOLDER, "post"),
    "corpora:protection": Route(TEACHER, HOLDER, "post"),
    # ledger
    "ledger:usage": Route(ADMINISTRATOR, ALLIANCE),
    "ledger:usage_table": Route(ADMINISTRATOR, ALLIANCE),
    "ledger:own": Route(TEACHER, ALLIANCE),
    "ledger:books": Route(ADMINISTRATOR, ALLIANCE),
    "ledger:book_new": Route(ADMINISTRATOR, ALLIANCE),
    "ledger:book": Route(ADMINISTRATOR, INSTITUTION),
    "ledger:book_edit": Route(ADMINISTRATOR, INSTITUTION),
    "ledger:book_publication": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "ledger:book_deletion": Route(ADMINISTRATOR, INSTITUTION),
    "ledger:valuation": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "ledger:statements": Route(ADMINISTRATOR, ALLIANCE),
    "ledger:statement": Route(ADMINISTRATOR, INSTITUTION),
    "ledger:statement_file": Route(ADMINISTRATOR, INSTITUTION, named={"kind": same("csv")}),
    "ledger:reconciliations": Route(ADMINISTRATOR, ALLIANCE),
    "ledger:reconciliation": Route(ADMINISTRATOR, INSTITUTION),
    "ledger:parties": Route(ADMINISTRATOR, ALLIANCE),
    # needs
    "needs:dashboard": Route(REFERENT, ALLIANCE),
    "needs:list": Route(TEACHER, ALLIANCE),
    "needs:new": Route(TEACHER, ALLIANCE, others=("institution",)),  # the coordination writes for an institution
    "needs:export": Route(TEACHER, ALLIANCE),
    "needs:import": Route(TEACHER, ALLIANCE, others=("institution",)),
    "needs:import_model": Route(TEACHER, ALLIANCE),
    "needs:import_preview": Route(REFERENT, HOLDER),
    "needs:close": Route(TEACHER, ALLIANCE, "post"),
    "needs:detail": Route(TEACHER, HOLDER),
    "needs:edit": Route(TEACHER, HOLDER),
    "needs:version": Route(TEACHER, HOLDER),
    "needs:validation": Route(REFERENT, INSTITUTION, "post"),
    "needs:publication": Route(REFERENT, INSTITUTION, "post"),
    "needs:archiving": Route(REFERENT, INSTITUTION, "post"),
    "needs:deletion": Route(TEACHER, HOLDER, "post", "alone"),
    "needs:judgement": Route(TEACHER, HOLDER, "post"),
    "needs:attach": Route(TEACHER, HOLDER),
    "needs:harmonised_list": Route(REFERENT, ALLIANCE),
    "needs:harmonised_new": Route(COORDINATOR, ALLIANCE),
    "needs:harmonised": Route(REFERENT, ALLIANCE),
    "needs:harmonised_version": Route(REFERENT, ALLIANCE),
    "needs:harmonised_edit": Route(COORDINATOR, ALLIANCE),
    "needs:requirement_new": Route(COORDINATOR, ALLIANCE, others=("institutions",)),
    "needs:requirement": Route(COORDINATOR, ALLIANCE, others=("institutions",)),
    "needs:requirement_removal": Route(COORDINATOR, ALLIANCE, "post", "alone"),
    "needs:discussion": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:ballot": Route(REFERENT, ALLIANCE, "post"),
    "needs:stabilisation": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:opening": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:merger": Route(COORDINATOR, ALLIANCE),
    "needs:division": Route(COORDINATOR, ALLIANCE),
    "needs:cosignature": Route(REFERENT, ALLIANCE),
    "needs:withdrawal": Route(SIGNATORY, ALLIANCE, "post"),
    "needs:workshops": Route(REFERENT, ALLIANCE),
    "needs:workshop": Route(REFERENT, ALLIANCE),
    "needs:workshop_following": Route(REFERENT, ALLIANCE),
    "needs:workshop_minute": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:workshop_gathering": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:workshop_closing": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:minutes_file": Route(REFERENT, ALLIANCE, named={"kind": same("docx")}),
    "needs:alliance": Route(REFERENT, ALLIANCE),
    "needs:envelope": Route(REFERENT, ALLIANCE),
    "needs:envelope_csv": Route(REFERENT, ALLIANCE),
    "needs:groups": Route(COORDINATOR, ALLIANCE, "post"),
    "needs:group": Route(COORDINATOR, ALLIANCE, named={"slug": slug("margelle")}),
    "needs:people": Route(ADMINISTRATOR, INSTITUTION, named={"slug": slug("univ")}, known=True, coordinated=True),
    "needs:role_end": Route(COORDINATOR, ALLIANCE, "post", named={"slug": slug("univ")}, shift=3),
    "needs:published_list": Route(TEACHER, ANYBODY),
    "needs:published_json": Route(TEACHER, ANYBODY),
    "needs:published": Route(TEACHER, ANYBODY, scene="asked"),
    "needs:acceptance": Route(REFERENT, INSTITUTION, "post"),
    "needs:refusal": Route(REFERENT, INSTITUTION, "post"),
    "needs:cancellation": Route(REFERENT, INSTITUTION, "post"),
    "needs:undoing": Route(COORDINATOR, ALLIANCE, "post"),
    # offers
    "offers:requests": Route(REFERENT, ALLIANCE),
    "offers:request_new": Route(COORDINATOR, ALLIANCE),
    "offers:request": Route(REFERENT, ALLIANCE),
    "offers:request_edit": Route(COORDINATOR, ALLIANCE),
    "offers:key": Route(REFERENT, ALLIANCE, holder_only=True),
    "offers:publication": Route(COORDINATOR, ALLIANCE, "post"),
    "offers:documents": Route(COORDINATOR, ALLIANCE, "post"),
    "offers:document": Route(COORDINATOR, ALLIANCE, "post"),
    "offers:questions": Route(VENDOR, ALLIANCE, "post", "asked"),
    "offers:question": Route(COORDINATOR, ALLIANCE),
    "offers:postponement": Route(COORDINATOR, ALLIANCE),
    "offers:opening": Route(REFERENT, ALLIANCE, "get", "closing"),
    "offers:closing": Route(COORDINATOR, ALLIANCE, "post"),
    "offers:compare": Route(REFERENT, ALLIANCE, scene="opened"),
    "offers:compare_csv": Route(REFERENT, ALLIANCE, scene="opened"),
    "offers:compare_xlsx": Route(REFERENT, ALLIANCE, scene="opened"),
    "offers:register": Route(REFERENT, ALLIANCE),
    "offers:register_csv": Route(REFERENT, ALLIANCE),
    "offers:register_pdf": Route(REFERENT, ALLIANCE),
    "offers:exchanges": Route(COORDINATOR, ALLIANCE, "post"),
    "offers:dossier": Route(REFERENT, ALLIANCE),
    "offers:dossier_zip": Route(REFERENT, ALLIANCE),
    "offers:space": Route(VENDOR, ALLIANCE),
    "offers:answer": Route(VENDOR, ALLIANCE, scene="asked"),
    "offers:answer_requirements": Route(VENDOR, ALLIANCE, scene="asked"),
    "offers:answer_prices": Route(VENDOR, ALLIANCE, scene="asked"),
    "offers:answer_company": Route(VENDOR, ALLIANCE, scene="asked"),
    "offers:workbook": Route(VENDOR, ALLIANCE, scene="asked"),
    "offers:upload": Route(VENDOR, ALLIANCE, "post", "asked"),
    "offers:sending": Route(VENDOR, ALLIANCE, "post", "asked"),
    "offers:sent": Route(VENDOR, ALLIANCE, scene="asked"),
    "offers:locking": Route(VENDOR, ALLIANCE, "post", "asked"),
    "offers:restarting": Route(VENDOR, ALLIANCE, "post", "asked"),
    "offers:choices": Route(REFERENT, ALLIANCE),
    "offers:choice": Route(REFERENT, ALLIANCE, scene="opened"),
    "offers:decision": Route(SIGNATORY, ALLIANCE, "post", "opened"),
    "offers:offer_decision": Route(SIGNATORY, ALLIANCE, "post", "opened"),
    "offers:sharing": Route(SIGNATORY, INSTITUTION, "post"),
    "offers:agreements": Route(REFERENT, ALLIANCE),
    "offers:agreement_new": Route(SIGNATORY, INSTITUTION),
    "offers:agreement": Route(SIGNATORY, INSTITUTION),
    "offers:agreement_edit": Route(SIGNATORY, INSTITUTION),
    "offers:agreement_prices": Route(SIGNATORY, INSTITUTION),
    "offers:activation": Route(SIGNATORY, INSTITUTION, "post"),
    "offers:ending": Route(SIGNATORY, INSTITUTION, "post"),
    "offers:discarding": Route(SIGNATORY, INSTITUTION, "post", "alone"),
    "offers:references": Route(REFERENT, ALLIANCE),
    "offers:opinion": Route(REFERENT, ALLIANCE),
    "offers:reference_edit": Route(REFERENT, INSTITUTION, known=True),
    "offers:reference_reply": Route(VENDOR, INSTITUTION, known=True),
    "offers:reference_withdrawal": Route(SIGNATORY, INSTITUTION, "post", known=True),
    "offers:portfolio": Route(REFERENT, ALLIANCE),
    "offers:portfolio_export": Route(REFERENT, ALLIANCE),
    "offers:tool_new": Route(REFERENT, ALLIANCE),
    "offers:portfolio_sheet": Route(REFERENT, ALLIANCE),
    "offers:portfolio_sheet_model": Route(REFERENT, ALLIANCE),
    "offers:portfolio_contracts": Route(REFERENT, ALLIANCE),
    "offers:portfolio_preview": Route(REFERENT, HOLDER),
    "offers:overlaps": Route(REFERENT, ALLIANCE),
    "offers:portfolio_thresholds": Route(REFERENT, ALLIANCE),
    "offers:tool": Route(REFERENT, INSTITUTION),
    "offers:tool_edit": Route(REFERENT, INSTITUTION),
    "offers:tool_removal": Route(REFERENT, INSTITUTION, "post"),
    "offers:tool_measures": Route(REFERENT, INSTITUTION, "post"),
    "offers:coverages": Route(REFERENT, INSTITUTION, "post"),
    "offers:coverage_removal": Route(REFERENT, INSTITUTION, "post"),
    "offers:alliance_overlaps": Route(REFERENT, ALLIANCE),
    "offers:thresholds": Route(REFERENT, ALLIANCE),
    "offers:threshold_new": Route(COORDINATOR, ALLIANCE),
    # inference
    "inference:list": Route(ADMINISTRATOR, ALLIANCE),
    "inference:pseudonyms": Route(ADMINISTRATOR, ALLIANCE),
    "inference:pseudonyms_trial": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "inference:add": Route(ADMINISTRATOR, ALLIANCE),
    "inference:edit": Route(ADMINISTRATOR, INSTITUTION),
    "inference:trial": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "inference:activation": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "inference:deletion": Route(ADMINISTRATOR, INSTITUTION),
    "inference:attestation": Route(ADMINISTRATOR, INSTITUTION),
    "inference:attestation_document": Route(ADMINISTRATOR, INSTITUTION),
    "inference:routing": Route(ADMINISTRATOR, ALLIANCE),
    "inference:routing_versions": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "inference:routing_why": Route(ADMINISTRATOR, ALLIANCE),
    "inference:trial_of_environment": Route(
        ADMINISTRATOR, To.NOBODY, "post", named={"purpose": same("chat")}, why="no model is given by the environment"
    ),
    # assistants
    "assistants:home": Route(TEACHER, ALLIANCE),
    "assistants:course_new": Route(TEACHER, ALLIANCE),
    "assistants:try_course": Route(TEACHER, HOLDER),
    "assistants:assistant": Route(TEACHER, HOLDER),
    "assistants:settings": Route(TEACHER, HOLDER),
    "assistants:history": Route(TEACHER, ALLIANCE),
    "assistants:conversation": Route(TEACHER, HOLDER),
    "assistants:rename": Route(TEACHER, HOLDER, "post"),
    "assistants:classification": Route(TEACHER, HOLDER, "post"),
    "assistants:delete": Route(TEACHER, HOLDER, "post"),
    "assistants:export_markdown": Route(TEACHER, HOLDER),
    "assistants:export_pdf": Route(TEACHER, HOLDER),
    "assistants:turn": Route(TEACHER, HOLDER),
    "assistants:stream": Route(TEACHER, HOLDER),
    "assistants:cancellation": Route(TEACHER, HOLDER, "post"),
    "assistants:retry": Route(TEACHER, HOLDER, "post"),
    "assistants:extract": Route(TEACHER, HOLDER, "post"),
    "assistants:signal": Route(TEACHER, To.NOBODY, "post", why="without the one kind of signal it takes, nothing is there"),
    "assistants:signals": Route(TEACHER, HOLDER),
    "assistants:signal_closing": Route(TEACHER, HOLDER, "post"),
    # budgets
    "budgets:tree": Route(ADMINISTRATOR, ALLIANCE),
    "budgets:near": Route(ADMINISTRATOR, ALLIANCE),
    "budgets:own": Route(TEACHER, ALLIANCE),
    "budgets:new": Route(ADMINISTRATOR, ALLIANCE),
    "budgets:edit": Route(ADMINISTRATOR, INSTITUTION),
    "budgets:end": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "budgets:people": Route(ADMINISTRATOR, ALLIANCE),
    "budgets:terms": Route(ADMINISTRATOR, ALLIANCE),
    "budgets:place_new": Route(ADMINISTRATOR, ALLIANCE),
    "budgets:place_edit": Route(ADMINISTRATOR, INSTITUTION),
    # API keys, and what they open
    "keys:own": Route(TEACHER, ALLIANCE),
    "keys:revocation": Route(TEACHER, HOLDER, "post"),
    "keys:institution": Route(ADMINISTRATOR, ALLIANCE),
    "keys:app_new": Route(ADMINISTRATOR, ALLIANCE),
    "keys:app": Route(ADMINISTRATOR, To.NOBODY, why="the world has no application: no profile of it is one"),
    "keys:app_edit": Route(ADMINISTRATOR, To.NOBODY, why="the world has no application: no profile of it is one"),
    "keys:app_removal": Route(ADMINISTRATOR, To.NOBODY, "post", why="the world has no application: no profile of it is one"),
    "api:me": Route(TEACHER, ALLIANCE, by="key"),
    "api:assistants": Route(TEACHER, ALLIANCE, by="key"),
    "api:question": Route(TEACHER, HOLDER, "post", by="key"),
    "api:answer": Route(TEACHER, HOLDER, by="key"),
    "api:models": Route(TEACHER, ALLIANCE, by="key"),
    "api:completion": Route(TEACHER, ALLIANCE, "post", by="key"),
    # people and SCIM
    "provisioning:people": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:export": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:add": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:person": Route(ADMINISTRATOR, INSTITUTION),
    "provisioning:suspension": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "provisioning:profile_state": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "provisioning:groups": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:group": Route(ADMINISTRATOR, INSTITUTION),
    "provisioning:membership": Route(ADMINISTRATOR, To.NOBODY, "post", why="without somebody to add, nothing is there"),
    "provisioning:group_deletion": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "provisioning:import": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:import_model": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:import_preview": Route(ADMINISTRATOR, HOLDER),
    "provisioning:connection": Route(ADMINISTRATOR, ALLIANCE),
    "provisioning:setup": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "provisioning:add_token": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "provisioning:revoke_token": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "provisioning:scim": Route(ADMINISTRATOR, To.NOBODY, by="token", why="no resource of SCIM has this address"),
    "provisioning:scim_config": Route(ADMINISTRATOR, ALLIANCE, by="token"),
    "provisioning:scim_resource_types": Route(ADMINISTRATOR, ALLIANCE, by="token"),
    "provisioning:scim_resource_type": Route(ADMINISTRATOR, ALLIANCE, by="token", named={"name": same("User")}),
    "provisioning:scim_schemas": Route(ADMINISTRATOR, ALLIANCE, by="token"),
    "provisioning:scim_schema": Route(ADMINISTRATOR, ALLIANCE, by="token", named={"name": same(USER_SCHEMA)}),
    "provisioning:scim_search": Route(ADMINISTRATOR, ALLIANCE, "post", by="token"),
    "provisioning:scim_search_users": Route(ADMINISTRATOR, ALLIANCE, "post", by="token"),
    "provisioning:scim_search_groups": Route(ADMINISTRATOR, ALLIANCE, "post", by="token"),
    "provisioning:scim_users": Route(ADMINISTRATOR, ALLIANCE, by="token"),
    "provisioning:scim_user": Route(ADMINISTRATOR, INSTITUTION, by="token", named={"uid": UIDS}),
    "provisioning:scim_groups": Route(ADMINISTRATOR, ALLIANCE, by="token"),
    "provisioning:scim_group": Route(ADMINISTRATOR, INSTITUTION, by="token", named={"uid": UIDS}),
    "provisioning:scim_nothing": Route(ADMINISTRATOR, To.NOBODY, by="token", named={"rest": same("x")}, why="as it says"),
    # evidence
    "evidence:entries": Route(ADMINISTRATOR, ALLIANCE),
    "evidence:export": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "evidence:table": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "evidence:witnesses": Route(ADMINISTRATOR, ALLIANCE),
    "evidence:check": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "evidence:removal": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "evidence:entry": Route(ADMINISTRATOR, INSTITUTION),
    "evidence:proof": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "evidence:consultations": Route(TEACHER, ALLIANCE),
    "evidence:verifier": Route(TEACHER, ANYBODY),
    "evidence:log": Route(TEACHER, ANYBODY, named={"name": slug("journal")}),
    "evidence:head": Route(TEACHER, ANYBODY, named={"name": slug("journal")}),
    "evidence:keys": Route(TEACHER, ANYBODY, named={"name": slug("journal")}),
    "evidence:consistency": Route(TEACHER, To.NOBODY, named={"name": slug("journal")}, why="without sizes, nothing is there"),
    "evidence:testimony": Route(
        TEACHER, To.NOBODY, named={"name": slug("journal"), "digest": same("x")}, why="no head was countersigned"
    ),
    "consultations:list": Route(ADMINISTRATOR, ALLIANCE),
    "consultations:conversation": Route(ADMINISTRATOR, INSTITUTION, others_only=True),
    "statements:mine": Route(TEACHER, ALLIANCE),
    "statements:check": Route(TEACHER, ALLIANCE),
    "corpora:ai_rule": Route(TEACHER, HOLDER),
    # data protection
    "privacy:me": Route(TEACHER, ALLIANCE),
    "privacy:other_sessions": Route(TEACHER, ALLIANCE, "post"),
    "privacy:copy": Route(TEACHER, ALLIANCE, "post"),
    "privacy:erasure": Route(TEACHER, ALLIANCE, scene="alone"),
    "privacy:erased": Route(TEACHER, ANYBODY),
    "privacy:register": Route(ADMINISTRATOR, ALLIANCE),
    "privacy:register_file": Route(ADMINISTRATOR, ALLIANCE, named={"extension": same("csv")}),
    "privacy:assessment_file": Route(ADMINISTRATOR, ALLIANCE, named={"extension": same("docx")}),
    "privacy:retention": Route(ADMINISTRATOR, ALLIANCE),
    "privacy:add_line": Route(ADMINISTRATOR, ALLIANCE),
    "privacy:line": Route(ADMINISTRATOR, INSTITUTION, named={"code": LINES}),
    "privacy:forget_line": Route(ADMINISTRATOR, INSTITUTION, "post", named={"code": LINES}),
    "privacy:people": Route(ADMINISTRATOR, ALLIANCE),
    "privacy:person": Route(ADMINISTRATOR, INSTITUTION),
    "privacy:person_copy": Route(ADMINISTRATOR, INSTITUTION, "post"),
    "privacy:person_erasure": Route(ADMINISTRATOR, INSTITUTION, "post", scene="alone"),
    "console:home": Route(ADMINISTRATOR, ALLIANCE),
    "console:streams": Route(ADMINISTRATOR, ALLIANCE),
    "console:stream_stop": Route(ADMINISTRATOR, ALLIANCE, "post"),
    "console:answer_stop": Route(ADMINISTRATOR, INSTITUTION, "post"),
}
