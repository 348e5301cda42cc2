from __future__ import annotations

from parvis.personal import Impersonal, Tables

TABLES: Tables = {
    "inference_provider": Impersonal("endpoints; their secret is sealed"),
    "inference_languagemodel": Impersonal("models of endpoints"),
    "inference_calibration": Impersonal("what an endpoint is worth"),
    "inference_pseudonymisation": Impersonal("words that an institution hides from models, written by its administration"),
}
