"""Every check of scim2-tester, in a process of its own: what it is made of looks for its own text through every module that
was read before, and a process that has read Parvis has read thousands.

    python -m parvis.federation.provisioning.tests.peer ADDRESS TOKEN

Each line that it is sent holds the tags of the checks to make, all of them where it is empty; it answers with a line.
"""

from __future__ import annotations

import json
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server


def main(address: str, token: str) -> None:
    with Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as http:
        client = SyncSCIMClient(http)
        for line in sys.stdin:
            results = check_server(client, include_tags=set(line.split()) or None)
            sys.stdout.write(json.dumps([(one.status.name, one.reason) for one in results]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
