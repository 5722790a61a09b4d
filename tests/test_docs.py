"""What the documentation says is true: its examples run, its commands parse, and what it names is there."""

import ast
import importlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from gan_jax import __main__ as gan_jax_main
from gan_jax.commands import ablate, benchmark_rounds
from gan_jax.config.flags import parse
from gan_jax.config.options import options, replace
from gan_jax.data.sources import DATASETS
from gan_jax.evaluation.scores import SCORES
from gan_jax.games import GAMES
from gan_jax.networks.registry import NETWORKS
from gan_jax.presets import PRESETS
from gan_jax.runs import launch
from gan_jax.runs.experiment import STUDIES, find, names
from gan_jax.runs.launch import HELP
from gan_jax.runs.names import default_name
from tests.systems import styled

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))]
OTHERS = [name for name in ("CONTRIBUTING.md", "CHANGELOG.md") if (ROOT / name).exists()]
CODE = sorted(
    str(path.relative_to(ROOT))
    for each in ("experiments", "gan_jax", "examples")
    for path in (ROOT / each).rglob("*.py")
)
RUN = "runs/dcgan-digits-seed0"
PROGRAMS = {*names(), *STUDIES}  # all files of experiments/
REGISTRIES = (GAMES, NETWORKS, DATASETS, SCORES)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


class Command(NamedTuple):
    """A command that the documentation gives: `python -m experiments.NAME`, or a NAME of `python -m gan_jax`."""

    page: str
    name: str
    trains: bool
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.page, self.name, *self.arguments))


def read(page: str) -> str:
    return (ROOT / page).read_text()


def text_of(path: str) -> str:
    """What a page, or the docstrings of a file of code, say of commands."""
    text = read(path)
    if path.endswith(".py"):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
        text = "\n".join(ast.get_docstring(node) or "" for node in nodes)
    if path == "CHANGELOG.md":  # its tables have the old commands on the left
        rows = [line for line in text.splitlines() if line.startswith("|")]
        text = "\n".join(row.rstrip("| ").rpartition(" | ")[2] for row in rows)
    return text.replace("\\\n", " ").replace(" && ", "\n")


def commands_of(path: str) -> Iterator[Command]:
    pattern = r"(?:python -m (?:(experiments)\.|gan_jax )|gan-jax )([a-z]\w*)([^`\n]*)"
    for experiment, name, rest in re.findall(pattern, text_of(path)):
        words = shlex.split(rest.partition(" | ")[0], comments=True)
        end = next((i for i, word in enumerate(words) if word in ("&", ";")), len(words))
        words = [word for word in words[:end] if not word.startswith("[--")]
        prose = next((i for i, word in enumerate(words) if word.startswith("(")), len(words))
        yield Command(path, name, bool(experiment), tuple(words[:prose]))


COMMANDS = list(dict.fromkeys(command for path in [*PAGES, *OTHERS, *CODE] for command in commands_of(path)))


def program(name: str):
    """The experiment, or the study, of a name."""
    return importlib.import_module(f"experiments.{name}").main if name in STUDIES else find(name)


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", read(page), re.DOTALL)


@pytest.fixture
def put_back():
    """The registries, without what the examples add to them."""
    patches = [mock.patch.dict(registry) for registry in REGISTRIES]
    for patch in patches:
        patch.start()
    yield
    for patch in patches:
        patch.stop()


@pytest.fixture
def beside_a_run(tmp_path, monkeypatch, run_experiment, tiny):
    """A working directory in which the run of the README has been trained, for two rounds."""
    monkeypatch.chdir(tmp_path)
    assert run_experiment(*tiny, "--steps=2", f"--workdir={RUN}") == 0
    return tmp_path


def test_readme_is_short():
    assert len(README.splitlines()) <= 200


def test_examples_of_the_readme(beside_a_run, put_back):
    blocks, found = python_blocks("README.md"), {}
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), found)
        assert len(found["images"]) == 64
    assert found["images"].shape == (64, 8, 8, 1)


def test_examples_of_adversarial():
    (block,), found = python_blocks("docs/adversarial.md"), {}
    exec(compile(block, "docs/adversarial.md", "exec"), found)
    assert found["found"].shape == (8, 2, 2, 1) and (found["found"] != found["images"]).any()


def test_examples_of_extending(tmp_path, monkeypatch, put_back, run_command, tiny, capsys):
    blocks, found = python_blocks("docs/extending.md"), {}
    assert len(blocks) == 6
    for block in blocks[:-1]:
        exec(compile(block, "docs/extending.md", "exec"), found)
    assert found["images"].shape == (64, 8, 8, 1)
    file = tmp_path / re.match(r"# (\S+)", blocks[-1])[1]
    file.parent.mkdir()
    file.write_text(blocks[-1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    short = (
        "--margin=2",
        "--steps=2",
        "--image_size=8",
        "--eval_every=2",
        "--eval_metrics=brightness",
        "--num_samples=16",
    )
    assert launch.main(find("my_lab.my_gan"), short) == 0
    (workdir,) = (tmp_path / "runs").iterdir()
    assert run_command("sample", f"--workdir={workdir}", "--num=4") == 0
    assert launch.main(find("my_lab.my_gan"), ["--help"]) == 0
    assert "my_gan:\n  --margin=1.0" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES + OTHERS)
def test_files_that_are_named_exist(page):
    pattern = r"(?<![\w/.])(?:gan_jax|experiments|docs|tests|examples)/[\w/.]+\b"
    named = set() if page == "CHANGELOG.md" else set(re.findall(pattern, read(page)))
    named -= {"experiments/my_gan.py"}  # which is to be written
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES + OTHERS)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", read(page)) + re.findall(r'<img[^>]*src="([^"]+)"', read(page))
    for target in targets:
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(path.read_text()), f"{page} links to {target}"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_and_picture_is_linked():
    said = "\n".join(map(read, PAGES))
    for path in (ROOT / "docs").iterdir():
        assert path.name == "README.md" or f"{path.name})" in said.replace("#", ")"), f"docs/{path.name} is not linked"


@pytest.mark.parametrize("page", ["README.md", "docs/games_and_tricks.md"])
def test_every_game_is_in_the_table(page):
    table = read(page).partition("| `--game` | D minimises")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(PRESETS)


@pytest.mark.parametrize("index, folder", [("README.md", "docs/"), ("docs/README.md", "")])
def test_every_page_is_listed(index, folder):
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(re.findall(rf"\({folder}(\w+\.md)\)", read(index)))


def test_every_experiment_is_in_the_table():
    table = README.partition("| system |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| \[`(\w+)`\]", table, re.MULTILINE)) == PROGRAMS


def test_every_score_is_in_the_table():
    table = read("docs/evaluation.md").partition("| score |")[2].partition("\n\n")[0]
    found = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.partition(" | ")[0])}
    assert found == {*SCORES, "memorisation", "path_length", "linear_svm", "frames"}


def test_commands_are_found():
    without = {"docs/README.md", "docs/design.md"}
    assert len(COMMANDS) > 60 and {command.page for command in COMMANDS} >= {*PAGES} - without


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_commands_parse(command):
    """With the flags that there are, and values that they can have."""
    arguments = list(command.arguments)
    if set(HELP) & set(arguments):
        arguments = []
    if command.trains:
        experiment = program(command.name)
        parsed = experiment.parse(arguments)
        experiment.resolve(parsed.config)
    else:
        assert command.name in gan_jax_main.COMMANDS
        parsed = parse_command(command.name, arguments)
    takes_files = command.name in ("classify", "interpolate", "latent", "translate")
    wrong = [each for each in parsed.arguments if each.startswith("-") or not takes_files]
    assert wrong == []


def name_of(command: Command) -> str:
    """The directory of what a command trains, or looks at."""
    experiment = program(command.name)
    config = experiment.parse(command.arguments).config
    return config.run.workdir or default_name(experiment, config)


def test_documented_runs_do_not_share_a_directory():
    """Commands of one page that train in one directory are of one run, which goes on, or is trained by many processes."""
    for page in {command.page for command in COMMANDS}:
        runs: dict[str, dict] = {}
        for command in (
            each for each in COMMANDS if each.trains and each.page == page and "--help" not in each.arguments
        ):
            config = program(command.name).parse(command.arguments).config
            fixed = {each.name: each.default for each in options(config) if not each.resumable}
            assert runs.setdefault(name_of(command), fixed) == fixed, f"{page}: {command}"


@pytest.mark.parametrize("page", [*PAGES, "experiments/classifier.py"])
def test_runs_that_are_named_are_those_of_commands(page):
    """But for those of modules that are to be written."""
    named = set(re.findall(r"(?<![\w/])runs/(?!my_lab)[\w.,=+-]*-seed\d+", read(page)))
    trained = {name_of(command) for command in COMMANDS if command.trains and "--help" not in command.arguments}
    assert sorted(named - trained) == []


def parse_command(name: str, arguments: list[str]):
    if name == "benchmark_rounds":
        return benchmark_rounds.parse(arguments)[1]
    return ablate.parse(arguments) if name == "ablate" else parse(default_of(name), arguments)


def default_of(command: str) -> object:
    """A command's options where no flag is given."""
    module = importlib.import_module(f"gan_jax.commands.{command}")
    of_runs = {
        "ablate": lambda: module.Options(module.AblationConfig(), find("dcgan").default),
        "benchmark_rounds": lambda: find("dcgan").default,
        "mixtures": lambda: module.Options(runs=replace(find("mixture2d").default, workdir=module.WORKDIR)),
    }
    assert hasattr(module, "run") == (command in of_runs), f"{command} parses its own flags: say here which"
    return of_runs[command]() if command in of_runs else module.Options()


@pytest.mark.parametrize("page", PAGES + [name for name in OTHERS if name != "CHANGELOG.md"])
def test_flags_that_are_named_exist(page):
    configurations = [program(name).default for name in PROGRAMS]
    configurations += [default_of(name) for name in gan_jax_main.COMMANDS]
    known = {each.name for configuration in configurations for each in options(configuration)}
    text = re.sub(r"XLA_FLAGS=\S+|docker run.*|pip .*|pytest .*", "", read(page))
    named = set(re.findall(r"(?<![\w-])--([a-z]\w*)", text))
    assert sorted(named - known - {"help", "margin"}) == []  # margin is my_gan's


def test_no_command_of_the_old_layout_is_left():
    """All that is called experiments.NAME anywhere is a file of experiments/."""
    but = (":!CHANGELOG.md", ":!gan_jax/config/stored.py")
    command = ("git", "grep", "--untracked", "-ohE", r"\bexperiments\.[a-z_0-9]+", "--", ".", *but)
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if found.returncode > 1:
        pytest.skip("this is no git checkout")
    assert set(found.stdout.split()) <= {f"experiments.{name}" for name in PROGRAMS}


def unlike(commands: Iterator[Command]) -> list[Command]:
    """Without those that another page has too."""
    return list({(command.name, command.arguments): command for command in commands if command.page in PAGES}.values())


# To train on data that need no download, in one process; and to be done with a run of dcgan on digits, which does not translate,
# and has no test split and no other file; `explore` is never done.
TRAINING = unlike(
    command
    for command in COMMANDS
    if command.trains
    and command.name not in STUDIES  # which have tests of their own
    and not re.search("--(dataset|domain|task|help|num_processes)", str(command))
)
OF_A_RUN = unlike(
    command
    for command in COMMANDS
    if {"--workdir=RUN", f"--workdir={RUN}"} & set(command.arguments)
    and command.name not in ("translate", "explore")
    and not re.search(
        r"\.png|\.pth|\.np[yz]|label|direction|--style_mixing|--space|--truth|--dataset|--iwae|--anomaly|--split=test"
        r"|=obj|=play|--frames|arithmetic|components",
        " ".join(command.arguments),
    )
)


@pytest.mark.slow
@pytest.mark.parametrize("command", TRAINING, ids=str)
def test_commands_train(command, run_experiment, tmp_path):
    short = ["--steps=2", "--sample_every=2", "--batch_size=8", f"--workdir={tmp_path / 'run'}"]
    short += ["--decay_rounds=2"] if "--decay_rounds" in str(command) else []
    # Of 64 pixels, compiled in haste, one device may keep the others waiting for so long that XLA gives up.
    short += ["--image_size=32"] if command.name in ("pix2pix", "restore", "spade") else []
    # What is kept here may not regularise now and then (`launch.keep_compiled` says why).
    short += {"progressive": ["--penalty_every=1"], "stylegan": styled.EACH_ROUND}.get(command.name, [])
    assert run_experiment(*command.arguments, *short, experiment=command.name) == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", OF_A_RUN, ids=str)
def test_commands_work_on_a_run(command, beside_a_run, run_command):
    (beside_a_run / "RUN").symlink_to(RUN)
    few = {"sample": ["--num=100"], "evaluate": ["--num_samples=100"]}.get(command.name, [])
    assert run_command(command.name, *command.arguments, *few) == 0
