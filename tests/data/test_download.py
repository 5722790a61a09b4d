"""Downloads from servers on this machine."""

import errno
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gan_jax.data import download
from gan_jax.data.download import File, Unavailable, fetch
from tests.data.mirror import cut_off, from_the_start, other, redirect, served, stalled, status, without_length

CONTENT = random.Random(0).randbytes(300_000)
WRONG = bytes(300_000)
FILE = File("numbers.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
NOBODY = "http://127.0.0.1:9/"  # refuses


@pytest.fixture(autouse=True)
def online(monkeypatch):
    monkeypatch.delenv("GAN_JAX_OFFLINE")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "cache" / "numbers"


@pytest.fixture
def fetched(home):
    """fetched(*mirrors) downloads the file, and looks at what is there then."""

    def fetched(*mirrors):
        path = fetch(FILE, [getattr(mirror, "url", mirror) for mirror in mirrors], home)
        assert path == home / "numbers.gz" and path.read_bytes() == CONTENT
        assert os.listdir(home) == ["numbers.gz"]

    return fetched


@pytest.fixture
def refused(home):
    """refused(*mirrors) is the one line that is said when none of them has the file."""

    def refused(*mirrors):
        with pytest.raises(Unavailable) as error:
            fetch(FILE, [getattr(mirror, "url", mirror) for mirror in mirrors], home)
        assert "\n" not in str(error.value) and not (home / "numbers.gz").exists()
        return str(error.value)

    return refused


@pytest.fixture
def good(mirror):
    made = mirror()
    made.files["numbers.gz"] = CONTENT
    return made


@pytest.fixture
def bad(mirror):
    made = mirror()
    made.files["numbers.gz"] = CONTENT
    return made


def test_once(good, fetched):
    fetched(good)
    fetched(good)
    assert good.asked == [("numbers.gz", None)]


def test_what_is_cut_off_is_gone_on_with(good, fetched):
    good.answers += [cut_off(100_000), cut_off(50_000)]
    fetched(good)
    assert good.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_call_goes_on_and_so_does_another_mirror(good, bad, fetched, refused):
    bad.answers += [cut_off(100_000), status(503)]
    assert refused(bad) == f"numbers.gz: {bad.host}: 503 Service Unavailable"
    fetched(good)
    assert good.ranges == ["bytes=100000-"]


def test_a_server_that_ignores_ranges(good, fetched):
    good.answers += [cut_off(100_000), from_the_start]
    fetched(good)
    assert good.ranges == [None, "bytes=100000-"]


def test_a_server_that_ignores_ranges_and_never_sends_all(good, refused):
    good.answers += [lambda handler, content, start: served(handler, content, 0, 1000)] * 50
    assert refused(good) == f"numbers.gz: {good.host}: cut off after 1000 of 300000 bytes"
    assert len(good.asked) == 2


def test_a_server_that_always_cuts_off_is_given_up(good, fetched, bad):
    bad.answers += [cut_off(1)] * 100
    fetched(bad, good)
    assert good.ranges == [f"bytes={download.TRIES}-"]


def test_wrong_bytes(good, bad, fetched):
    bad.answers += [other(WRONG)]
    fetched(bad, good)
    assert bad.ranges == good.ranges == [None]


def test_what_a_wrong_mirror_began_is_thrown_away(good, bad, fetched):
    bad.answers += [other(WRONG, 1000), status(404)]
    fetched(bad, good)
    assert good.ranges == ["bytes=1000-", None]


def test_whole_but_not_yet_checked(good, home, fetched):
    """As left by a process that was killed just then."""
    home.mkdir(parents=True)
    (home / ".numbers.gz.part").write_bytes(CONTENT)
    fetched(good)
    assert good.asked == []
    (home / "numbers.gz").unlink()
    (home / ".numbers.gz.part").write_bytes(CONTENT + b"more")
    fetched(good)
    assert good.ranges == [None]


@pytest.mark.parametrize(
    "answer, said",
    [
        (status(404), "404 Not Found"),
        (status(500), "500 Internal Server Error"),
        (other(WRONG), "sent other bytes than those published (by their SHA-256)"),
        (other(b"<html>"), "sent 6 bytes in place of 300000"),
        (without_length(CONTENT + b"more"), "sent other bytes than those published (by their SHA-256)"),
        (without_length(b""), "cut off after 0 of 300000 bytes"),
        (redirect("file:///etc/passwd"), "302 Found - Redirection to url 'file:///etc/passwd' is not allowed"),
        (redirect("http://no such host/"), "URL can't contain control characters. '/no such host/'"),
    ],
)
def test_a_mirror_without_the_file(answer, said, good, bad, fetched, refused, tmp_path):
    bad.answers += [answer]
    line = refused(bad)
    assert line.startswith(f"numbers.gz: {bad.host}: ") and said.split(" '")[0] in line
    assert os.listdir(tmp_path) == []
    bad.answers += [answer]
    fetched(bad, good)


def test_a_page_to_log_in_costs_nothing(good, bad, fetched, refused):
    bad.answers += [cut_off(100_000), other(b"<html>")]
    bad.answers[1] = lambda handler, content, start: served(handler, b"<html>", 0)
    assert "sent 6 bytes in place of 300000" in refused(bad)
    fetched(good)
    assert good.ranges == ["bytes=100000-"]


def test_redirects(good, bad, fetched):
    there = good.url + "numbers.gz"
    bad.answers += [redirect(there), redirect(there)]
    good.answers += [cut_off(100_000)]
    fetched(bad)
    assert good.ranges == bad.ranges == [None, "bytes=100000-"]


def test_a_redirect_in_circles(bad, refused):
    bad.answers += [redirect(bad.url + "numbers.gz")] * 100
    assert "infinite loop" in refused(bad)


def test_silence(good, bad, fetched, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    bad.answers += [stalled(100_000, 5), lambda *_: time.sleep(5)]
    began = time.monotonic()
    fetched(bad, good)
    assert good.ranges == ["bytes=100000-"] and time.monotonic() - began < 4


def test_nobody_there(refused, tmp_path):
    line = refused(NOBODY, NOBODY)
    assert line == "numbers.gz: 127.0.0.1:9: Connection refused; 127.0.0.1:9: Connection refused"
    assert os.listdir(tmp_path) == []


def test_offline(good, refused, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_OFFLINE", "1")
    assert refused(good) == "GAN_JAX_OFFLINE is set"
    assert os.listdir(tmp_path) == [] and good.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk(good, bad, home, refused):
    home.mkdir(parents=True)
    (home / ".numbers.gz.part").symlink_to("/dev/full")
    with pytest.raises(OSError) as error:
        fetch(FILE, [bad.url, good.url], home)
    said = f"{home}/numbers.gz cannot be written: {os.strerror(errno.ENOSPC)}; --data_dir=... names another folder"
    assert str(error.value) == said and not isinstance(error.value, Unavailable)
    assert good.asked == []  # another mirror would not help


def test_no_folder_can_be_made(good, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        OSError, match="^[^\n]*/file/a/numbers.gz cannot be written: Not a directory; --data_dir=...[^\n]*$"
    ):
        fetch(FILE, [good.url], tmp_path / "file" / "a")
    assert good.asked == []


def test_no_folder_can_be_written(good, tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "x")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(OSError, match="^[^\n]*/numbers.gz cannot be written: Permission denied; --data_dir=...[^\n]*$"):
        fetch(FILE, [good.url], tmp_path / "a")


def test_many_at_once(good, home):
    """One downloads, the others wait for it."""
    good.answers += [stalled(100_000, 0.3)]
    threads = [threading.Thread(target=fetch, args=(FILE, [good.url], home)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (home / "numbers.gz").read_bytes() == CONTENT and os.listdir(home) == ["numbers.gz"]
    assert good.ranges == [None, "bytes=100000-"]


def test_many_at_once_without_a_server(home, tmp_path):
    """Those that wait try for themselves, while others take the empty folder away."""
    errors = []

    def run():
        try:
            fetch(FILE, [NOBODY], home)
        except Exception as error:
            errors.append(type(error))

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [Unavailable] * 12
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def test_the_folder_goes_while_it_is_made(good, home, monkeypatch):
    """Path.mkdir finds it there, another process takes it away, and mkdir no longer finds that it is a folder."""
    gone = iter([FileExistsError(errno.EEXIST, "File exists"), FileNotFoundError(errno.ENOENT, "No such file")])
    mkdir = Path.mkdir

    def raced(path, *args, **kwargs):
        for error in gone:
            raise error
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", raced)
    assert fetch(FILE, [good.url], home).read_bytes() == CONTENT and next(gone, None) is None


def test_one_process_goes_on_where_another_was_killed(good, home, fetched, capsys):
    good.answers += [stalled(100_000, 60)]
    script = (
        "import pathlib, sys\n"
        "from gan_jax.data.download import File, fetch\n"
        "fetch(File('numbers.gz', int(sys.argv[1]), sys.argv[2]), [sys.argv[3]], pathlib.Path(sys.argv[4]))\n"
    )
    given = [str(FILE.size), FILE.sha256, good.url, str(home)]
    process = subprocess.Popen([sys.executable, "-c", script, *given], cwd=Path(__file__).parents[2])
    part = home / ".numbers.gz.part"
    while not part.exists() or part.stat().st_size < 65_000:
        assert process.poll() is None
        time.sleep(0.02)
    waiting = threading.Thread(target=fetched, args=(good,))
    waiting.start()
    time.sleep(0.2)
    assert waiting.is_alive() and len(good.asked) == 1
    process.kill()
    process.wait()
    waiting.join(timeout=20)
    fetched(good)
    (first, second) = good.ranges
    assert first is None and 65_000 <= int(second.removeprefix("bytes=").removesuffix("-")) <= 100_000
    assert f"waiting for another process, which downloads {home}/numbers.gz" in capsys.readouterr().err
