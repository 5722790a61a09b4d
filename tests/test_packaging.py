"""pyproject.toml says what requirements.txt and the package say, and the package has all its files."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import gan_jax

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _requirements(lines):
    """Without comments, spaces and blank lines."""
    return sorted(line for line in (re.sub(r"\s|#.*", "", each) for each in lines) if line)


def test_requirements_are_those_of_the_package_and_of_its_tests():
    extras = PROJECT["project"]["optional-dependencies"]
    ours = [*PROJECT["project"]["dependencies"], *extras["tfds"], *extras["test"]]
    assert _requirements(ours) == _requirements((ROOT / "requirements.txt").read_text().splitlines())


def test_one_version():
    version = PROJECT["project"]["version"]
    assert gan_jax.__version__ == version
    assert (
        f'version: "{version}"' in (ROOT / "CITATION.cff").read_text()
        or f"version: {version}" in (ROOT / "CITATION.cff").read_text()
    )
    assert (
        f"[{version}]" in (ROOT / "CHANGELOG.md").read_text() or f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
    )


def test_every_folder_of_code_is_a_package():
    for path in (ROOT / "gan_jax").rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path.parent


def test_every_other_file_of_the_package_is_installed():
    (patterns,) = PROJECT["tool"]["setuptools"]["package-data"].values()
    installed = {path for pattern in patterns for path in (ROOT / "gan_jax").glob(pattern)}
    others = {path for path in (ROOT / "gan_jax").rglob("*.*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others == installed


def test_the_library_knows_no_experiment():
    """But for the one look-up by name, and what is said to people."""
    for path in (ROOT / "gan_jax").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) experiments", path.read_text(), re.MULTILINE), path


def test_files_are_short():
    for path in (ROOT / "gan_jax").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path


def test_importing_everything_computes_nothing():
    """Or else no process could join others any more, and compiled programs would not be kept."""
    code = (
        "import pkgutil, importlib, experiments, gan_jax\n"
        "for package in (gan_jax, experiments):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if 'torch' not in module.name and not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge.backends_are_initialized()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
