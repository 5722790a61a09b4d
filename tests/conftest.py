"""Four CPU devices in one process, so that data parallelism is tested wherever the tests run."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import jax  # noqa: E402  it reads the variables above
import pytest  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def forgets_what_it_compiled():
    """A compiled program takes maps of memory, of which Linux allows a process 65,530: all tests need more than that."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def compiled_in_haste():
    """For tests that do not need the compiler to optimise: that takes a third of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # for processes that the tests start
        jax.config.update("jax_disable_most_optimizations", True)
        yield
    jax.config.update("jax_disable_most_optimizations", False)
