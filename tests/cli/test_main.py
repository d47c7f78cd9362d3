from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

from composer import __version__, errors
from composer.cli import main as program


def install(monkeypatch, function):
    """Make ``composer try`` call a function."""
    module = ModuleType("composer_try")
    module.command = click.command(name="try")(function)
    monkeypatch.setitem(sys.modules, "composer_try", module)
    monkeypatch.setitem(program.COMMANDS, "try", "composer_try")


def failing(monkeypatch, error: BaseException, *options: str):
    def function():
        raise error

    install(monkeypatch, function)
    return CliRunner().invoke(program.cli, [*options, "try"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ComposerError("it failed"), 1),
        (errors.UsageError("it failed"), 2),
        (errors.DataError("it failed"), 3),
        (errors.ModelError("it\n  failed"), 4),
        (errors.DivergenceError("it failed"), 5),
    ],
)
def test_an_expected_failure_is_one_sentence_and_its_code(monkeypatch, error, code):
    result = failing(monkeypatch, error)
    assert result.exit_code == code
    assert result.stderr == "composer: it failed\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ZeroDivisionError("no\nway"), "unexpected ZeroDivisionError: no way"),
        (MemoryError(), "unexpected MemoryError"),
        (OSError(28, "No space left on device", "x.mid"), "No space left on device: x.mid"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("strange"), "unexpected OSError: strange"),
    ],
)
def test_an_unexpected_failure_is_one_sentence_too(monkeypatch, error, sentence):
    result = failing(monkeypatch, error)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"composer: {sentence} (")
    assert result.stderr.count("\n") == 1


def test_the_traceback_is_there_for_who_asks(monkeypatch):
    assert "Traceback" in failing(monkeypatch, ZeroDivisionError("no"), "--verbose").stderr
    monkeypatch.setenv("COMPOSER_DEBUG", "1")
    assert "Traceback" in failing(monkeypatch, errors.DataError("no")).stderr


def test_an_interrupt_is_130(monkeypatch):
    result = failing(monkeypatch, KeyboardInterrupt())
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["--nothing"], ["compose", "--nothing"], ["dataset", "nothing"]]
)
def test_wrong_usage_is_2(arguments):
    result = CliRunner().invoke(program.cli, arguments)
    assert result.exit_code == 2
    assert "nothing" in result.stderr


def test_help_names_every_command():
    result = CliRunner().invoke(program.cli, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in [*program.COMMANDS, "dataset"])


# ---- as a process -------------------------------------------------------------------------------

TRY = """
import sys, time, types
import click
from composer.cli import main as program
def function():
    {body}
module = types.ModuleType("composer_try")
module.command = click.command(name="try")(function)
sys.modules["composer_try"] = module
program.COMMANDS["try"] = "composer_try"
sys.argv = ["composer", "try"]
program.main()
"""


def start(body: str, **arguments) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", TRY.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **arguments,
    )


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_a_signal_ends_it_with_its_code(number, code):
    with start("print('ready', flush=True); time.sleep(30)") as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == code
    assert b"Traceback" not in stderr


def test_a_reader_that_leaves_early_gets_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "composer", "--help"]
    result = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert result.returncode == 1
    assert result.stderr == b""


@pytest.mark.parametrize(
    ("encoding", "letter"), [("utf-8", "\u266d".encode()), ("latin-1", b"\\u266d")]
)
def test_any_file_name_can_be_printed(encoding, letter):
    environment = {**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"}
    with start(r"click.echo('a\udcffb \u266d')", env=environment) as process:
        stdout, stderr = process.communicate(timeout=20)
    assert stderr == b""
    assert stdout == b"a\xffb " + letter + b"\n"


def test_the_module_and_the_script_are_the_same_program():
    script = Path(sys.executable).with_name("composer")
    for command in ([sys.executable, "-m", "composer"], [str(script)]):
        version = subprocess.run(
            [*command, "--version"], capture_output=True, check=True, text=True
        )
        assert version.stdout == f"composer, version {__version__}\n"
        usage = subprocess.run([*command, "x"], capture_output=True, check=False, text=True)
        assert usage.stderr.startswith("Usage: composer [OPTIONS]")
