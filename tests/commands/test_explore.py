"""The command as people start it: its address, its errors, what is left of it; the rest is tested in tests/explorer."""

import http.client
import json
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TINY = ("--steps=2", "--batch_size=8", "--width=2")


@pytest.fixture
def run(trained_once):
    return lambda experiment="dcgan": trained_once(experiment, *TINY, experiment=experiment)


@pytest.fixture
def fails(fails_of):
    return fails_of("explore")


@pytest.fixture
def serve(start):
    """serve(*flags) is the port of a server, and its process."""

    def serve(*given):
        process = start("explore", "--port=0", *given, module="gan_jax", devices=1)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return int(re.search(r":(\d+)", line.removeprefix("http://"))[1]), process

    return serve


def post(port, path, **given):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, json.dumps(given), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def memory(process):
    """What a process has of the computer's memory, in MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) / 1024


def test_a_run_is_needed(fails, tmp_path):
    assert "--workdir=RUN is needed" in fails()
    assert "is not a run directory" in fails(f"--workdir={tmp_path}", "--port=0")


def test_a_port_that_is_not_free(fails, run):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = fails(f"--workdir={run()}", f"--port={port}")
    assert said == f"error: --host=127.0.0.1 --port={port}: Address already in use; --port=0 takes one that is free"
    assert "--host=no.such.name.invalid --port=0: " in fails(
        f"--workdir={run()}", "--host=no.such.name.invalid", "--port=0"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--classifier={tmp}/none",), "none is not a run directory"),
        (
            ("--lineage={tmp}/none/lineage.jsonl",),
            "No such file or directory, so that what is seen cannot be kept there; --lineage=FILE",
        ),
        (("--lineage={tmp}",), "Is a directory, so that"),
        (("--truncation=0.5",), "truncation=0.5: {run} is a run of dcgan, without styles; the page asks"),
        (("--port=70000",), "port=70000: must be at least 0 and at most 65535"),
    ],
)
def test_wrong_flags(given, message, fails, run, tmp_path):
    message = message.format(run=run())
    assert message in fails(f"--workdir={run()}", "--port=0", *(each.format(tmp=tmp_path) for each in given))


def test_two_runs_of_different_latents(fails, run):
    said = fails(f"--workdir={run()}", f"--workdir={run('cgan')}", "--port=0")
    assert "draws of 100 normal numbers and 10 classes (0, 1, 2" in said


def test_stopped_by_hand_it_says_nothing(serve, run, tmp_path):
    port, process = serve(f"--workdir={run()}", f"--workdir={run()}", f"--lineage={tmp_path / 'kept.jsonl'}")
    status, found = post(port, "/api/samples", seed=0, count=2)
    assert status == 200 and [len(image["shown"]) for image in found["images"]] == [2, 2]
    assert post(port, "/api/visit", genome=found["images"][0]["genome"], how="sample", parents=[])[0] == 200
    with socket.create_connection(("127.0.0.1", port)) as unfinished:  # which is not waited for
        unfinished.sendall(b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0 and process.stderr.read() == ""
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 1


def test_one_server_of_a_run_by_its_names(serve, run, fails):
    """For other computers at any address, and by the names that are said."""
    port, _ = serve(f"--workdir={run()}", "--host=0.0.0.0", "--names=my.machine")
    for host, status in {"192.0.2.2": 200, "[::1]": 200, "my.machine": 200, "localhost": 200, "a.site": 400}.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/", headers={"Host": f"{host}:{port}"})
        assert connection.getresponse().status == status
        connection.close()
    assert "is explored by another process" in fails(f"--workdir={run()}", "--port=0")


@pytest.mark.slow
def test_a_thousand_requests_eight_at_once(serve, run):
    """None is lost, each is answered as it is alone, and none leaves anything in memory."""
    port, process = serve(f"--workdir={run()}")
    alone = [post(port, "/api/samples", seed=seed, count=2) for seed in range(7)]
    before = memory(process)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: post(port, "/api/samples", seed=i % 7, count=2), range(1000)))
    after = memory(process)
    assert all(status == 200 for status, _ in found)
    assert all(answer == alone[i % 7] for i, answer in enumerate(found))
    print(f"{before:.0f} MB before, {after:.0f} MB after")
    assert after < before + 64
