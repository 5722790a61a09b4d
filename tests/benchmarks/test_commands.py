"""The benchmarks as commands: what they take, what they refuse; scores and devices, whose reports are short."""

import re
import signal

import jax
import pytest

from gan_jax.benchmarks import devices, layers, scores
from gan_jax.benchmarks.cases import CASES, CaseConfig
from gan_jax.commands import benchmark
from gan_jax.training import loop

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = {name: case._replace(batch_size=8) for name, case in CASES.items()}


@pytest.mark.parametrize(
    "given, said",
    [
        ("--dtype=float8", "unknown dtype 'float8'; choose from float32, bfloat16"),
        ("--case=book29", f"unknown case 'book29'; choose from {', '.join(CASES)}"),
        ("--rounds=0", "rounds=0: must be at least 1"),
        ("--case=mlp", f"jax sees {jax.device_count()}"),
    ],
)
def test_what_cannot_be_timed_is_refused_in_one_line(given, said, run_command, capsys):
    assert run_command("benchmark", given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize("raised, code", [(loop.Interrupted(signal.SIGTERM, 3), 143), (KeyboardInterrupt(), 130)])
def test_what_stops_it_is_its_exit_code(raised, code, run_command, monkeypatch):
    def stopped(*_):
        raise raised

    monkeypatch.setattr(jax, "device_count", lambda: 1)
    monkeypatch.setattr(benchmark, "report", stopped)
    with pytest.raises(SystemExit) as stop:
        run_command("benchmark", "--case=mlp")
    assert stop.value.code == code


def test_options_replace_the_case_s_own():
    usual = CASES["dcgan64"]
    assert CaseConfig(case="dcgan64").chosen() == usual
    given = {"batch_size": 4, "dtype": "bfloat16", "steps_per_call": 3}
    assert CaseConfig(case="dcgan64", **given).chosen() == usual._replace(**given)


@pytest.mark.parametrize("command, name", [("layers", "mlp"), ("devices", "mlp"), ("scores", None)])
def test_each_command_reports(command, name, run_command, monkeypatch):
    """With what its flags say; the reports are tested below."""
    called, module = [], {"layers": layers, "devices": devices, "scores": scores}[command]
    monkeypatch.setattr(module, "report", lambda *arguments: called.append(arguments))
    flags = ["--scored=20"] if name is None else [f"--case={name}", "--rounds=3", "--batch_size=8"]
    assert run_command(f"benchmark_{command}", *flags) == 0
    expected = {"layers": (SMALL["mlp"], 3), "devices": ("mlp", SMALL["mlp"], 3), "scores": (20,)}
    assert called == [expected[command]]


def test_scores_are_measured(monkeypatch):
    monkeypatch.setattr(scores, "SIZES", dict.fromkeys(scores.SIZES, 64))
    for name in scores.SIZES:
        seconds, gigabytes = scores.measure(name, 20)
        assert seconds > 0 and 0.01 < gigabytes < 100


def test_the_report_of_scores_has_them_all(monkeypatch, capsys):
    monkeypatch.setattr(scores, "measure", lambda name, count: (1.25, 0.5))
    scores.report(20)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(scores.SIZES)
    assert lines[0].split(maxsplit=1)[1] == "20 × 2048:    1.2 s; memory so far 0.50 GB"


def test_rounds_of_an_experiment_are_timed(run_command, tiny, capsys):
    assert run_command("benchmark_rounds", "dcgan", *tiny, "--steps_per_call=2") == 0
    *players, measured = capsys.readouterr().out.splitlines()  # a CPU says nothing of its memory
    assert [line.split(":")[0] for line in players] == ["discriminator", "generator"]
    rounds, images = (
        float(re.search(rf"([\d,.]+) {what}/s", measured)[1].replace(",", "")) for what in ("rounds", "images")
    )
    assert rounds > 0 and images == pytest.approx(8 * rounds, rel=0.1)


@pytest.mark.parametrize(
    "given, said",
    [
        (["mixture2d"], "what is learnt are no images of a dataset"),
        (["dcgan", "--game=nope"], "unknown game 'nope'"),
        (["nope"], "unknown experiment 'nope'"),
    ],
)
def test_what_has_no_rounds_to_time_is_said_in_one_line(given, said, run_command, capsys):
    assert run_command("benchmark_rounds", *given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.slow
def test_the_report_of_devices_has_a_row_for_each_number(monkeypatch, capsys):
    monkeypatch.setattr(devices, "NUMBERS", (1, 2))
    devices.report("mlp", SMALL["mlp"], rounds=1)
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("mlp: a round of batch 8 in all")
    assert [row.split("  ")[1] for row in rows] == ["1 device, jit", "1 device, pmap", "2 devices, pmap"]
    assert rows[0].endswith("(1.00 times 1 device, jit)")
    assert all(float(re.search(r"([\d.]+) ms", row).group(1)) > 0 for row in rows)
