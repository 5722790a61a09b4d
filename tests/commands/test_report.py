"""Pages of runs and of ablations, in a real browser where there is one."""

import html
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_jax.ablation import results
from gan_jax.ablation.sweep import AblationRun
from gan_jax.commands import report
from gan_jax.pictures import page
from gan_jax.runs.report import NEAREST

TINY = ("--game=hinge", "--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8", "--num_samples=100")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Says, when all is loaded, how many pictures there are and how many of them a person sees.
COUNT = """<script>addEventListener("load", () => {
  const all = [...document.images];
  document.body.dataset.seen = all.filter(i => i.complete && i.naturalWidth > 0).length + " of " + all.length;
})</script>"""

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def opened(tmp_path):
    """opened(page) is what a browser says of it: ("pictures seen of all", console's lines); skips without Chromium."""
    if not CHROMIUM:
        pytest.skip("there is no chromium to open pages with")

    def opened(path: Path) -> tuple[str, list[str]]:
        copy = tmp_path / "opened.html"
        copy.write_text(path.read_text().replace("</body>", COUNT + "</body>"))
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        command += ["--enable-logging=stderr", "--v=0", "--virtual-time-budget=10000", "--dump-dom", copy.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        seen = re.search(r'data-seen="([^"]*)"', done.stdout)
        return seen and seen.group(1), [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return opened


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "run"


@pytest.fixture
def run(run_directory, run_experiment):
    """A run that was evaluated in training."""
    if not run_directory.exists():
        assert run_experiment(*TINY, "--steps=4", "--eval_every=2", f"--workdir={run_directory}") == 0
    return run_directory


@pytest.fixture
def ablation(run, tmp_path) -> Path:
    """The directory of an ablation of which a run is done, one has failed and two wait."""
    workdir = tmp_path / "ablation"
    config = json.loads((run / "config.json").read_text())
    kept = ("command", "devices", "machine", "versions")
    plan = {"experiment": "dcgan", "sweep": {"game": ["hinge", "<b>&"]}, "flags": {}, "first_seed": 0}
    plan |= {"budget": "steps", "amount": 4} | {name: config[name] for name in kept}
    runs = [
        AblationRun({"game": game}, seed, 4, workdir / "runs" / f"{number}-seed{seed}")
        for number, game in enumerate(plan["sweep"]["game"])
        for seed in (0, 1)
    ]
    (workdir / "runs").mkdir(parents=True)
    shutil.copytree(run, runs[0].workdir)
    runs[1].failure.write_text("d_loss is nan at step 3\n")
    (workdir / results.PLAN).write_text(json.dumps(plan))
    results.save_runs(workdir, runs)
    return workdir


def test_a_run_s_page_has_all_that_there_is_of_it(run, opened):
    path = report.save(run)
    text = path.read_text()
    for word in ("dcgan on digits: hinge", "frechet_distance[digits-cnn,100] ↓", "Nearest training images", "jaxlib"):
        assert word in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)  # nothing is fetched
    seen, console = opened(path)
    assert seen == "6 of 6"  # the last samples, their animation, real images, scores, curves, nearest images
    assert (
        text.index("After round 4") < text.index("Real images, and as the networks see them") < text.index("<h2>Scores")
    )
    assert console == []


def test_what_is_to_be_known_at_once(run):
    """Rounds, images and time; the command as one can paste it; and the flags that are not as by default, all others folded."""
    text = report.save(run).read_text()
    assert "unfinished" not in text and "<dd>4 of 4</dd>" in text and "<dd>32</dd>" in text  # 4 rounds of 8 images
    command = html.unescape(re.search(r"<pre>(python -m experiments.dcgan .*)</pre>", text)[1])
    given = shlex.split(command)[3:]
    assert set(given) == {*TINY, "--steps=4", "--eval_every=2", f"--workdir={run}"}
    own, _, folded = text.partition("<h2>Configuration</h2>")[2].partition("<details>")
    assert "<th>game</th><td>hinge</td>" in own and "latent_size" not in own
    assert "<th>latent_size</th><td>100</td>" in folded


def test_pictures_say_what_they_show(run):
    """In words beneath them, and for who does not see them."""
    text = report.save(run).read_text()
    captions = re.findall(r'alt="([^"]*)"><figcaption>([^<]*)</figcaption>', text)
    assert len(captions) == text.count("<img") == 6 and all(alt and caption for alt, caption in captions)
    assert "After round 4, by G itself, as it is in training." in dict(captions)["Samples after round 4"]
    assert any("sample | nearest" in alt for alt, _ in captions)


def test_a_run_that_is_not_over_has_a_page(run, tmp_path):
    """It was begun before training time was kept, and has no result yet; and one of which nothing was written yet."""
    there = shutil.copytree(run, tmp_path / "run")
    (there / "result.json").unlink()
    (there / "progress.jsonl").unlink()
    (there / "evaluations.jsonl").unlink()
    config = json.loads((there / "config.json").read_text())
    config["flags"]["steps"] = 1000
    del config["given"], config["commit"]
    (there / "config.json").write_text(json.dumps(config))
    text = report.save(there).read_text()
    assert "unfinished, 4 of 1,000" in text and "training time" not in text
    assert "<th>game</th><td>hinge</td>" in text.partition("<details>")[0]  # found by comparing with the defaults
    shutil.rmtree(there / "samples")
    shutil.rmtree(there / "checkpoints")
    (there / "metrics.jsonl").unlink()
    assert "unfinished, 0 of 1,000" in report.save(there).read_text()


def test_time_that_is_not_known_of_all_rounds_is_said_so(run, tmp_path):
    there = shutil.copytree(run, tmp_path / "run")
    line = {"step": 4, "seconds": 61.2, "since": 2, "images": 32}
    (there / "progress.jsonl").write_text(json.dumps(line) + "\n")
    assert "<dd>1 min 1 s<small>of rounds 3 to 4</small></dd>" in report.save(there).read_text()


def test_an_ablation_s_page_in_a_browser(ablation, opened):
    path = report.save(ablation)
    text = path.read_text()
    assert "&lt;b&gt;&amp;" in text and "<b>" not in text
    assert "1 of 2; failed: d_loss is nan at step 3" in text and "0 of 2; waiting" in text
    seen, console = opened(path)
    assert "python -m gan_jax" in text and "<figcaption>In the end: a row for each combination" in text
    assert seen == "3 of 3"  # curves, samples, the nearest images of the one that is done
    assert console == []


def test_the_browser_would_notice(opened, tmp_path):
    """A picture that cannot be seen, and an error."""
    path = tmp_path / "broken.html"
    broken = '<img src="data:image/png;base64,AAAA" width="2" height="2"><script>nothing.at.all</script>'
    path.write_text(page.page("Broken", "", [("", page.picture(Image.new("RGB", (2, 2)), "") + broken)]))
    seen, console = opened(path)
    assert seen == "1 of 2"
    assert len(console) == 1 and "nothing is not defined" in console[0]


def test_nearest_images_of_an_earlier_state_are_made_anew(run, tmp_path):
    there = shutil.copytree(run, tmp_path / "run")
    report.save(there)
    old = (there / NEAREST).stat().st_mtime_ns
    (there / "result.json").touch()
    report.save(there)
    assert (there / NEAREST).stat().st_mtime_ns > old


def test_without_its_data_the_page_says_so(run, tmp_path, monkeypatch):
    there = shutil.copytree(run, tmp_path / "run")
    (there / NEAREST).unlink(missing_ok=True)
    config = json.loads((there / "config.json").read_text())
    config["flags"]["dataset"] = "folder:nowhere"
    (there / "config.json").write_text(json.dumps(config))
    assert "no nearest training images" in report.save(there).read_text()


def test_an_ablation_of_version_0_1_has_a_page(ablation):
    """Its runs were called cells."""
    (ablation / "runs").rename(ablation / "cells")
    (ablation / "runs.json").rename(ablation / "cells.json")
    text = report.save(ablation).read_text()
    assert "1 of 2; failed: d_loss is nan at step 3" in text and "1 of 4 runs done" in text
    assert "| `hinge` |" in (ablation / "table.md").read_text()
    assert not (ablation / "runs").exists() and not (ablation / "runs.json").exists()


def test_an_ablation_that_has_not_started(ablation):
    (ablation / "runs.json").unlink()
    with pytest.raises(ValueError, match="has started: it has no ablation.json and runs.json"):
        report.save(ablation)


@pytest.mark.parametrize(
    "given, said", [((), "--workdir=RUN is needed"), (("--workdir={0}",), "is not a run directory")]
)
def test_of_no_run(given, said, run_command, tmp_path, capsys):
    assert run_command("report", *(flag.format(tmp_path) for flag in given)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_where_the_page_is(run, run_command, capsys):
    assert run_command("report", f"--workdir={run}") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(run / "report.html")


def test_markdown_in_tables_and_nothing_else():
    found = page.table([["a|b"], ["**1 ± 2**"], ["`<script>`"]])
    assert "<strong>1 ± 2</strong>" in found and "<code>&lt;script&gt;</code>" in found and "<th>a|b</th>" in found


def test_a_picture_is_in_the_page_as_it_is():
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    found = page.picture(image, 'a "quoted" caption')
    assert 'width="4" height="3"' in found and "a &quot;quoted&quot; caption" in found
