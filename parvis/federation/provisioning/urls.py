from __future__ import annotations

from django.urls import path

from parvis.federation.provisioning.views import scim

app_name = "provisioning"
urlpatterns = [
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
