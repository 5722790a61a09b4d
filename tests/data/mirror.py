"""A server of files on this machine, whose answers can be made as bad as those of the internet."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler", bytes, int], None]  # (of a request, the file, the byte that it was asked to start from)


class Mirror(ThreadingHTTPServer):
    """Serves `files` by their names. `answers` are those to the next requests, after which it does as it should.

    Attributes: url: of its folder; asked: the requests so far, as (name, header Range or None).
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str | None]] = []
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}/"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def ranges(self) -> list[str | None]:
        return [wanted for _, wanted in self.asked]


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self):
        name, wanted = self.path.strip("/"), self.headers["Range"]
        self.server.asked.append((name, wanted))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if self.server.answers:
            self.server.answers.pop(0)(self, self.server.files.get(name, b""), start)
        elif name in self.server.files:
            served(self, self.server.files[name], start)
        else:
            self.send_error(404)

    def head(self, code: int, **headers: object):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_):
        pass


def served(handler: Handler, content: bytes, start: int, count: int | None = None) -> None:
    """What was asked for; or only the first `count` bytes of it."""
    part = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
    handler.head(206 if start else 200, Content_Length=len(content) - start, **part)
    handler.wfile.write(content[start:][:count])


def cut_off(count: int) -> Answer:
    return lambda handler, content, start: served(handler, content, start, count)


def stalled(count: int, seconds: float) -> Answer:
    def answer(handler, content, start):
        served(handler, content, start, count)
        handler.wfile.flush()
        time.sleep(seconds)

    return answer


def other(content: bytes, count: int | None = None) -> Answer:
    """Other content than that of the file."""
    return lambda handler, _, start: served(handler, content, start, count)


def from_the_start(handler: Handler, content: bytes, start: int) -> None:
    """As a server answers that does not know of ranges."""
    served(handler, content, 0)


def without_length(content: bytes) -> Answer:
    def answer(handler, _, start):
        handler.head(200)
        handler.wfile.write(content)

    return answer


def status(code: int) -> Answer:
    return lambda handler, content, start: handler.send_error(code)


def redirect(url: str) -> Answer:
    return lambda handler, content, start: handler.head(302, Location=url, Content_Length=0)
