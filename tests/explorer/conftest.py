"""A server on a thread, of tiny runs, and a browser's view of it without a browser."""

import http.client
import json
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from gan_jax.explorer import app
from gan_jax.explorer.lineage import Lineage
from gan_jax.explorer.session import Session
from gan_jax.explorer.subject import Subject
from gan_jax.runs.restore import restore
from tests.explorer.runs import RUNS


@pytest.fixture(scope="module")
def explored(trained_once):
    """explored(name) is the directory of one of RUNS."""
    return lambda name: trained_once(name, *RUNS[name][1:], experiment=RUNS[name][0])


class Client:
    """Asks a server on this computer. A page of its own sends its Origin."""

    def __init__(self, port: int):
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def get(self, path):
        status, _, content = self.ask("GET", path)
        return status, json.loads(content)

    def post(self, path, **given):
        status, _, content = self.ask("POST", path, json.dumps(given), {"Content-Type": "application/json"})
        return status, json.loads(content)

    def images(self, path, **given):
        status, found = self.post(path, **given)
        assert status == 200, found
        return found["images"]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """with serving(workdir, ...) as client: a server of these runs."""

    @contextmanager
    def serving(*workdirs):
        lineage = Lineage(tmp_path_factory.mktemp("explored") / "lineage.jsonl")
        try:
            session = Session([Subject(restore(workdir)) for workdir in workdirs], lineage)
        except ValueError:
            lineage.close()
            raise
        config = uvicorn.Config(app.make(session, ["127.0.0.1", "a.name"]), host="127.0.0.1", port=0, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield Client(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
            lineage.close()

    return serving
