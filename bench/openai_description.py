"""/v1 against OpenAI's own description: requests made from it at random, answers held to it.

    PARVIS_BENCH_OPENAPI=openapi.json python -m bench.openai_description [--quick] [--json FILE]

The description (openapi.json of the public repository openai/openai-openapi, MIT licence) is no part of Parvis: name a copy.
 Requests are made for the paths that Parvis supports, valid and not; the model is mostly one that the key may use.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.report import Report
from parvis.gateway.tests.house import open_house

PATHS = {"/chat/completions": "POST", "/embeddings": "POST", "/responses": "POST", "/models": "GET", "/models/{model}": "GET"}
EXAMPLES, QUICK_EXAMPLES = 200, 20
MODELS = {"/chat/completions": "petit", "/embeddings": "plongements", "/responses": "petit"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("OpenAI's description")
    description = os.environ.get("PARVIS_BENCH_OPENAPI")
    if description is None:
        report.row("answers outside of the description", float("nan"), "== 0", note="PARVIS_BENCH_OPENAPI names no copy of it")
        return report.finish(arguments.json)
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        house.provider.remembers = False
        outcomes, faults = _tried(description, house, QUICK_EXAMPLES if arguments.quick else EXAMPLES)
    count = sum(outcomes.values())
    note = ", ".join(f"{status}: {number:,}" for status, number in sorted(outcomes.items()))
    report.row("answers outside of the description", len(faults), "== 0", note=f"{count:,} requests; {note}")
    report.row("answers 5xx", sum(number for status, number in outcomes.items() if status >= 500), "== 0")
    for fault in faults[:5]:
        print(fault, file=sys.stderr)
    return report.finish(arguments.json)


def _tried(description: str, house: Any, examples: int) -> tuple[Counter[int], list[str]]:
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import response_schema_conformance

    schema = schemathesis.openapi.from_path(description)
    outcomes: Counter[int] = Counter()
    faults: list[str] = []
    random = Random(20_26)
    headers = {"Authorization": f"Bearer {house.key}", "Accept-Language": "en"}
    for path, method in PATHS.items():
        operation = schema[path][method]
        strategies = [operation.as_strategy(generation_mode=mode) for mode in _modes()]

        def attempt(case: Any, path: str) -> None:
            if isinstance(case.body, dict) and path in MODELS and random.random() < 0.7:
                case.body["model"] = MODELS[path]
            if isinstance(case.body, dict) and path == "/embeddings":
                case.body.pop("encoding_format", None)  # the description says nothing of the base64 that OpenAI answers
            house.gateway.admission.board.clear()
            house.settled.clear()
            response = case.call(base_url=house.url, headers=headers, timeout=20)
            outcomes[response.status_code] += 1
            try:
                case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])
            except FailureGroup as failed:
                for one in failed.exceptions:
                    # Where the description names the schemas and not the values that tell them apart, no answer agrees.
                    if type(one).__name__ != "DiscriminatorMismatch":
                        faults.append(f"{path} {response.status_code}: {str(one)[:1500]}")

        how = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            how(given(case=st.one_of(strategies), path=st.just(path))(attempt))()
    return outcomes, faults


def _modes() -> list[Any]:
    from schemathesis import GenerationMode

    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


if __name__ == "__main__":
    sys.exit(main())
