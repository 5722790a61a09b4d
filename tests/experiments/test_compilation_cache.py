"""Compiled programs are kept for later starts, where the user wants them."""

import jax
import pytest

from gan_jax.runs import launch


@pytest.fixture
def setting(monkeypatch):
    """setting(given, environment, home) is where --compilation_cache=given keeps programs."""
    before = {name: getattr(jax.config, name) for name in NAMES}

    def setting(given, environment, flags=""):
        monkeypatch.setenv("XLA_FLAGS", flags)
        jax.config.update("jax_compilation_cache_dir", environment)
        monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
        launch.keep_compiled(given)
        return jax.config.jax_compilation_cache_dir

    yield setting
    for name, value in before.items():
        jax.config.update(name, value)


NAMES = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@pytest.mark.parametrize(
    "given, environment, expected",
    [
        (None, None, "/caches/gan_jax/compiled"),
        (None, "/jax", "/jax"),
        ("/mine", "/jax", "/mine"),
        ("", "/jax", None),
        ("", None, None),
    ],
)
def test_where_programs_are_kept(given, environment, expected, setting):
    assert setting(given, environment) == expected


def test_programs_of_virtual_devices_are_kept_where_that_is_asked_for_alone(setting):
    flags = "--xla_force_host_platform_device_count=4"
    assert setting(None, None, flags) is None
    assert setting(None, "/jax", flags) == "/jax" and setting("/mine", None, flags) == "/mine"


@pytest.mark.parametrize(("environment", "expected"), [(None, launch.COMPILED_LONG), ("5", 7.0)])
def test_the_environment_says_which_programs_are_kept(environment, expected, setting, monkeypatch):
    """jax has read it already, here 7; ours is the default alone."""
    monkeypatch.delenv(launch.LEAST_SECONDS, raising=False)
    if environment:
        monkeypatch.setenv(launch.LEAST_SECONDS, environment)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 7.0)
    setting(None, None)
    assert jax.config.jax_persistent_cache_min_compile_time_secs == expected


@pytest.mark.slow
def test_a_second_start_compiles_nothing_anew(start, tiny, tmp_path, monkeypatch):
    """All programs are kept here: of those that take about as long as they usually must, a busy machine keeps others each time."""
    monkeypatch.setenv(launch.LEAST_SECONDS, "0")
    kept, metrics = [], []
    for run in ("first", "second"):
        given = (*tiny, "--steps=3", f"--compilation_cache={tmp_path / 'kept'}", f"--workdir={tmp_path / run}")
        process = start(*given, devices=1)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        kept.append({path.name for path in (tmp_path / "kept").glob("*-cache")})
        metrics.append((tmp_path / run / "metrics.jsonl").read_bytes())
    assert kept[0] == kept[1] != set()
    assert metrics[0] == metrics[1]
