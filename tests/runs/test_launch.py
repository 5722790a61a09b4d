"""What a command's failure says."""

import pytest

from gan_jax.runs import launch


@pytest.mark.parametrize(
    "error, asked",
    [
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 410083767160 bytes."), "410083767160 bytes"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 12.5GiB.\n[[of ...]]"), "12.5GiB"),
        (MemoryError("Unable to allocate 7.4 TiB for an array with shape (9, 9)"), "7.4 TiB"),
        (MemoryError(), None),
    ],
)
def test_a_network_too_large_for_memory_is_said_in_one_line(error, asked, capsys):
    assert launch.fail(error) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"error: out of memory ({asked} were asked for): a smaller" if asked else "error: out of memory: a smaller"
    )
