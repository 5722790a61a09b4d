"""What a page can ask for, of each kind of run; and what is refused, in a line, whoever asks."""

import io
import json
import resource

import numpy as np
import pytest
from PIL import Image

from gan_jax.explorer import app
from gan_jax.explorer.lineage import Lineage
from gan_jax.explorer.session import Session
from gan_jax.explorer.subject import Subject
from gan_jax.runs.restore import restore
from tests.explorer.runs import pixels

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(serving, explored):
    with serving(explored("dcgan")) as client:
        yield client


@pytest.fixture(scope="module")
def of_classes(serving, explored):
    with serving(explored("cgan")) as client:
        yield client


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def test_a_genome_gives_the_same_pixels_again(client):
    image = client.images("/api/samples", seed=1, count=3)[2]
    (again,) = client.images("/api/draw", genomes=[image["genome"]])
    assert again["shown"] == image["shown"]
    status, headers, content = client.ask("GET", f"/image.png?genome={image['genome']}")
    assert status == 200 and headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), pixels(image))


def test_the_latent_as_a_file(client, explored):
    image = client.images("/api/samples", seed=1, count=1)[0]
    _, headers, content = client.ask("GET", f"/latent.npy?genome={image['genome']}")
    latent = np.load(io.BytesIO(content))
    drawn = restore(explored("dcgan")).generate(latent)
    assert latent.shape == (1, 100) and "latent.npy" in headers["content-disposition"]
    assert np.array_equal(np.round((drawn[0, ..., 0] + 1) * 127.5).astype(np.uint8), pixels(image))


def test_a_class_can_be_asked_for(of_classes):
    assert of_classes.get("/api/run")[1]["classes"] == list("0123456789")
    images = of_classes.images("/api/samples", seed=0, count=4, label=7)
    assert {image["label"] for image in images} == {"7"}
    (changed,) = of_classes.images("/api/move", genome=images[0]["genome"], amounts=[], label=3)
    assert changed["label"] == "3" and changed["genome"].partition("~")[2] == images[0]["genome"].partition("~")[2]
    assert "--label=3" in changed["command"]


def test_two_runs_draw_of_the_same_latents(serving, explored):
    with serving(explored("dcgan"), explored("gan")) as client:
        assert [run["name"] for run in client.get("/api/run")[1]["runs"]] == ["dcgan", "gan"]
        image = client.images("/api/samples", seed=0, count=1)[0]
        for run, name in enumerate(("dcgan", "gan")):
            assert np.array_equal(pixels(image, run), restore(explored(name)).sample(1, seed=0)[0].squeeze())


def test_runs_of_other_latents_are_refused(serving, explored):
    with (
        pytest.raises(ValueError, match="100 normal numbers: only runs of the same"),
        serving(explored("dcgan"), explored("cgan")),
    ):
        pass


def test_lineage_favourites_film_and_undo(client):
    first, second = client.images("/api/samples", seed=5, count=2)
    before = client.get("/api/lineage")[1]
    assert client.ask("GET", "/favourites.gif")[0] == 400
    known = len(before["acts"])
    parent = client.post("/api/visit", genome=first["genome"], how="sample", parents=[], known=known)[1]
    child = client.post("/api/visit", genome=second["genome"], how="child", parents=[parent["id"]], known=known)[1]
    assert [act["add"]["id"] for act in child["acts"]] == [parent["id"], child["id"]]  # also those of others
    added = child["acts"][-1]["add"]
    assert added["parents"] == [parent["id"]] and added["genome"] == second["genome"]
    for each in (parent, child):
        answer = client.post("/api/like", id=each["id"], liked=True, known=known)[1]
        assert answer["acts"][-1] == {"like": each["id"], "liked": True}
    status, _, content = client.ask("GET", "/favourites.gif")
    assert status == 200 and Image.open(io.BytesIO(content)).n_frames > 2
    for each in (child, parent):
        assert client.post("/api/undo", known=known)[1]["acts"][-1] == {"undo": each["id"]}
    assert client.ask("GET", "/favourites.gif")[0] == 400
    acts = client.get("/api/lineage")[1]["acts"]
    assert client.get(f"/api/lineage?known={len(acts) - 1}")[1] == {"known": len(acts) - 1, "acts": acts[-1:]}
    assert client.get(f"/api/lineage?known={len(acts) + 1}")[0] == 400  # of another lineage


def test_a_full_disk_is_said_and_loses_nothing(client):
    """The lineage is as before, and goes on when there is room."""
    genome = client.images("/api/samples", seed=5, count=1)[0]["genome"]
    before = client.get("/api/lineage")[1]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))  # Python ignores the signal
    try:
        status, found = client.post("/api/visit", genome=genome, how="sample", parents=[])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 507 and found["error"].endswith("; nothing is lost of what was there")
    assert client.get("/api/lineage")[1] == before
    assert client.post("/api/visit", genome=genome, how="sample", parents=[])[0] == 200
    client.post("/api/undo")


def test_the_lineage_of_another_run_is_refused(explored, tmp_path):
    lineage = Lineage(tmp_path / "lineage.jsonl")
    lineage.add("~AAAA", "sample", [])
    with pytest.raises(ValueError, match=r"lineage.jsonl is of another run: entry 0: genome: a latent of 100 numbers"):
        Session([Subject(restore(explored("dcgan")))], lineage)
    lineage.close()


def test_an_image_is_inverted_while_others_are_drawn(client):
    """What a run drew is found again, about; meanwhile samples come."""
    wanted = pixels(client.images("/api/samples", seed=9, count=1)[0])
    status, _, _ = client.ask("POST", "/api/invert", png(wanted))
    assert status == 200
    while not (found := client.get("/api/inverting")[1])["done"]:
        assert len(client.images("/api/samples", seed=0, count=2)) == 2
    assert found["failed"] is None and found["step"] == found["steps"] == 300
    assert found["error"] < 0.02 and len(found["images"]) == 1


def test_an_inversion_can_be_given_up(client):
    _, _, begun = client.ask("POST", "/api/invert", png(np.zeros((8, 8), np.uint8)))
    given_up = client.post("/api/cancel")[1]
    assert given_up["done"] and given_up["number"] > json.loads(begun)["number"]  # by which its page knows
    client.ask("POST", "/api/invert", png(np.zeros((300, 20, 3), np.uint8)))  # any size, in colours
    assert not client.get("/api/inverting")[1]["failed"]
    client.ask("POST", "/api/invert", png(np.zeros((8, 8), np.uint8)))  # takes its place
    assert client.post("/api/cancel")[1]["done"]


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("/api/samples", {}, "count: is missing"),
        ("/api/samples", {"count": 0, "seed": 0}, "count: must be a whole number from 1 to 64"),
        ("/api/samples", {"count": 10**9, "seed": 0}, "count: must be"),
        ("/api/samples", {"count": 1.5, "seed": 0}, "count: must be"),
        ("/api/samples", {"count": True, "seed": 0}, "count: must be"),
        ("/api/samples", {"count": 1, "seed": -1}, "seed: must be"),
        ("/api/samples", {"count": 1, "seed": 0, "truncation": 0}, "truncation: must be a number from"),
        ("/api/samples", {"count": 1, "seed": 0, "truncation": "x"}, "truncation: must be"),
        ("/api/samples", {"count": 1, "seed": 0, "truncation": 10**400}, "truncation: must be"),
        ("/api/children", {"genome": "~AAAA", "count": 1, "distance": 0.1, "seed": 0}, "a latent of 100 numbers"),
        ("/api/children", {"genome": 5, "count": 1, "distance": 0.1, "seed": 0}, "genome: must be a text"),
        ("/api/draw", {"genomes": ["x"] * 65}, "genomes: must be a list of 1 to 64"),
        ("/api/draw", {"genomes": []}, "genomes: must be a list of 1 to 64"),
        ("/api/draw", {"genomes": [{}]}, "genome: must be a text"),
        ("/api/visit", {"genome": "../../etc/passwd", "how": "sample", "parents": []}, "genome: "),
        ("/api/like", {"id": 999, "liked": True}, "there is no entry 999"),
        ("/api/like", {"id": 0, "liked": "yes"}, "liked: must be true or false"),
    ],
)
def test_bad_requests_are_said_in_a_line(client, path, given, message):
    status, found = client.post(path, **given)
    assert status == 400 and message in found["error"] and "\n" not in found["error"]


@pytest.mark.parametrize("label", [10, -1, "3", 1.0, True, []])
def test_labels_that_are_none(of_classes, label):
    status, found = of_classes.post("/api/samples", count=1, seed=0, label=label)
    assert (status == 400 and "label: must be" in found["error"]) or label == "3"


def test_an_image_of_a_class_needs_its_class(of_classes):
    status, _, content = of_classes.ask("POST", "/api/invert", png(np.zeros((8, 8), np.uint8)))
    assert status == 400 and b"name the class" in content
    assert of_classes.ask("POST", "/api/invert?label=3", png(np.zeros((8, 8), np.uint8)))[0] == 200
    of_classes.post("/api/cancel")


BOMB = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00\x00\x00\x00\x00"
)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"  # which Pillow gives Ghostscript
PARTS = (
    b"",
    b"no image",
    b"<svg/>",
    BOMB,
    EPS,
    png(np.zeros((8, 8), np.uint8))[:40],
    png(np.zeros((4100, 4100), bool)),
)


@pytest.mark.parametrize("body", PARTS, ids=range(len(PARTS)))
def test_hostile_uploads(client, body, monkeypatch):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given, **more: pytest.fail("Ghostscript is called"))
    status, _, content = client.ask("POST", "/api/invert", body)
    said = json.loads(content)["error"]
    assert status == 400 and "cannot be read as an image" in said and "0x" not in said


def test_too_much_is_not_read(client):
    assert client.ask("POST", "/api/invert", b"x" * (app.LARGEST_IMAGE + 1))[0] == 413
    assert client.ask("POST", "/api/draw", b"x" * (app.LARGEST_JSON + 1), JSON)[0] == 413


@pytest.mark.parametrize("body", ["", "no JSON", "[]", '"text"', "[" * 100_000, '{"count": NaN}'])
def test_what_is_no_json_object(client, body):
    assert client.ask("POST", "/api/samples", body, JSON)[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/run", {"Host": "evil.example"}, 400),
        ("GET", "/", {"Host": "evil.example:80"}, 400),
        ("POST", "/api/undo", JSON | {"Origin": "http://evil.example"}, 403),
        ("POST", "/api/undo", JSON | {"Origin": "null"}, 403),
        ("POST", "/api/undo", JSON | {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/api/invert", {"Origin": "http://evil.example"}, 403),
        ("GET", "/favourites.gif", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", "/", {"Sec-Fetch-Site": "cross-site"}, 200),
        ("POST", "/api/undo", {"Content-Type": "text/plain"}, 415),
        ("GET", "/api/undo", {}, 405),
        ("DELETE", "/api/lineage", {}, 405),
        ("GET", "/", {"Host": "a.name.evil.example"}, 400),
        ("GET", "/", {"Host": "8.8.8.8"}, 400),
        ("GET", "/", {"Host": "[::1"}, 400),
        ("GET", "/", {"Host": ""}, 400),
        ("GET", "/", {"Host": "A.name:80"}, 200),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/../../../../etc/passwd", {}, 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", {}, 404),
        ("GET", "/config.json", {}, 404),
        ("GET", "/image.png", {}, 400),
        ("GET", "/image.png?genome=x", {}, 400),
    ],
)
def test_who_and_what_is_refused(client, method, path, headers, status):
    found, own, content = client.ask(method, path, "{}" if method == "POST" else None, headers)
    assert found == status and b"root:" not in content
    assert own["content-security-policy"].startswith("default-src 'none'")


def test_the_page_asks_nobody_else(client):
    for path in app.FILES:
        status, headers, content = client.ask("GET", path)
        assert status == 200 and b"http" not in content.replace(b"http-equiv", b"")
        assert "script-src 'self'" in headers["content-security-policy"]


def test_one_program_draws_any_number(explored):
    """So that an answer never waits for compilation but the first."""
    subject = Subject(restore(explored("dcgan")))
    for count in (1, 3, 16, 40):
        assert len(subject.draw(subject.samples(0, count, None, None))) == count
    assert subject._generate._cache_size() == 1
