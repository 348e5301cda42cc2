"""A federation on the loopback: publishes what a test tells it to, at the addresses of an aggregate and of MDQ."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass
class Publisher:
    """`files`: what is answered at each path; `asked`: the paths, as they were asked."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, path: str, content: bytes) -> str:
        self.files[path] = content
        return f"{self.address}{path}"


@contextmanager
def publishing() -> Iterator[Publisher]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            content = made.files.get(self.path)
            tag = f'"{hashlib.sha256(content or b"").hexdigest()}"'
            if content is None:
                self.send_response(404)
            elif self.headers.get("If-None-Match") == tag:
                self.send_response(304)
            else:
                self.send_response(200)
                self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if content is not None and self.headers.get("If-None-Match") != tag:
                self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    made = Publisher(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
