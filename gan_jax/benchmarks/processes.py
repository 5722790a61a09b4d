"""Processes that time rounds when they are asked to, each with threads of its own."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection


@contextmanager
def process(serve: Callable, *arguments) -> Iterator[Connection]:
    """The pipe to a new process that runs `serve(pipe, *arguments)`; closed at the end, which ends it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=_quietly, args=(serve, there, *arguments), daemon=True)
    server.start()
    there.close()
    try:
        with closing(here):
            yield here
    finally:
        server.join()


def _quietly(serve: Callable, *arguments) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the benchmark, which then closes the pipe
    with suppress(EOFError, OSError):
        serve(*arguments)


def answer(connection: Connection, seconds: Callable[[int], float]) -> None:
    """For every count that comes, sends the seconds that one of so many rounds took."""
    while True:
        connection.send(seconds(connection.recv()))


def asked(connection: Connection, count: int) -> float:
    """The seconds that a process took for each of `count` rounds."""
    connection.send(count)
    return receive(connection)


def receive(connection: Connection):
    """What a process sends. Raises RuntimeError if it has ended."""
    try:
        return connection.recv()
    except EOFError:
        raise RuntimeError("a process of the benchmark has ended; above is why") from None
