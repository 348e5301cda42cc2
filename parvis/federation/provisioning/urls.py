from __future__ import annotations

from django.urls import path

from parvis.federation.provisioning.views import connection, lists, people, scim

app_name = "provisioning"
urlpatterns = [
    path("personnes/", people.people, name="people"),
    path("personnes/personnes.csv", people.export, name="export"),
    path("personnes/ajout/", people.add, name="add"),
    path("personnes/<int:person_id>/", people.person, name="person"),
    path("personnes/<int:person_id>/suspension/", people.suspension, name="suspension"),
    path("personnes/<int:person_id>/profils/<int:profile_id>/", people.profile_state, name="profile_state"),
    path("personnes/groupes/", people.groups, name="groups"),
    path("personnes/groupes/<int:group_id>/", people.group, name="group"),
    path("personnes/groupes/<int:group_id>/membres/", people.membership, name="membership"),
    path("personnes/groupes/<int:group_id>/suppression/", people.group_deletion, name="group_deletion"),
    path("personnes/import/", lists.upload, name="import"),
    path("personnes/import/modele.csv", lists.model, name="import_model"),
    path("personnes/import/<int:list_id>/", lists.preview, name="import_preview"),
    path("personnes/scim/", connection.connection, name="connection"),
    path("personnes/scim/reglages/", connection.setup, name="setup"),
    path("personnes/scim/jetons/", connection.add_token, name="add_token"),
    path("personnes/scim/jetons/<int:token_id>/revocation/", connection.revoke_token, name="revoke_token"),
    path("scim/v2/", scim.nothing, name="scim"),
    path("scim/v2/ServiceProviderConfig", scim.config, name="scim_config"),
    path("scim/v2/ResourceTypes", scim.resource_types, name="scim_resource_types"),
    path("scim/v2/ResourceTypes/<str:name>", scim.resource_types, name="scim_resource_type"),
    path("scim/v2/Schemas", scim.schemas, name="scim_schemas"),
    path("scim/v2/Schemas/<str:name>", scim.schemas, name="scim_schema"),
    path("scim/v2/.search", scim.search, name="scim_search"),
    path("scim/v2/Users/.search", scim.search_users, name="scim_search_users"),
    path("scim/v2/Groups/.search", scim.search_groups, name="scim_search_groups"),
    path("scim/v2/Users", scim.users, name="scim_users"),
    path("scim/v2/Users/<str:uid>", scim.user, name="scim_user"),
    path("scim/v2/Groups", scim.groups, name="scim_groups"),
    path("scim/v2/Groups/<str:uid>", scim.group, name="scim_group"),
    path("scim/v2/<path:rest>", scim.nothing, name="scim_nothing"),
]
