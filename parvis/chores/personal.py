from __future__ import annotations

from parvis.personal import Impersonal, Tables

TABLES: Tables = {"chores_turn": Impersonal("when a chore is due")}
