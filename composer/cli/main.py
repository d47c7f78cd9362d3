"""The program ``composer``: finds the command, and turns every failure into a sentence and a code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unusable data, 4 unusable model or checkpoint,
5 training diverged beyond repair, 130 and 143 stopped by SIGINT and SIGTERM.
"""

from __future__ import annotations

import codecs
import io
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from composer import __version__
from composer.errors import ComposerError

if TYPE_CHECKING:
    from collections.abc import Mapping

DATASET_COMMANDS = {
    "inspect": "composer.cli.dataset_inspect",
    "fetch": "composer.cli.dataset_fetch",
    "make": "composer.cli.dataset_make",
}
COMMANDS = {
    "compose": "composer.cli.compose",
    "train": "composer.cli.train",
    "evaluate": "composer.cli.evaluate",
    "models": "composer.cli.models",
    "originality": "composer.cli.originality",
}


class LazyGroup(click.Group):
    """A group that imports the module of a command, which exposes ``command``, when asked for it.

    Args:
        modules: module by command name, in the order of the help page.
        arguments: whatever a click group takes.
    """

    def __init__(self, *, modules: Mapping[str, str], **arguments: Any) -> None:
        """Keep the table; nothing is imported yet."""
        super().__init__(**arguments)
        self.modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table, then those that are added directly."""
        return [*self.modules, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is none of this name."""
        if cmd_name not in self.modules:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(self.modules[cmd_name]).command
        return command


class Program(LazyGroup):
    """The top group: what a command raises leaves it as a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the module's list of exit codes."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click knows what to do with these
        except KeyboardInterrupt:
            click.echo("\nstopped", err=True)
            raise click.exceptions.Exit(128 + signal.SIGINT) from None
        except ComposerError as error:
            _fail(ctx, str(error), error.exit_code)
        except Exception as error:  # noqa: BLE001 - a user never meets a traceback unasked
            _fail(ctx, f"{_sentence(error)} ('composer --verbose' shows where it happened)", 1)


@click.group(
    cls=Program,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="composer")
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    envvar="COMPOSER_DEBUG",
    help="Say more, with the traceback of a failure (also with COMPOSER_DEBUG=1).",
)
def cli(*, verbose: bool) -> None:
    """Train on a folder of MIDI files or of pictures, and compose new ones of their kind.

    A GAN makes bars of music or tiles of a picture, an agent chooses among them.

    Results go to stdout, progress and messages to stderr.
    """
    _print_any_name()
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")


@cli.group(name="dataset", cls=LazyGroup, modules=DATASET_COMMANDS)
def dataset() -> None:
    """Look at, fetch and make the music and the pictures to train on."""


def main() -> NoReturn:
    """Run the program and exit; what ``composer`` and ``python -m composer`` call."""
    signal.signal(signal.SIGTERM, _terminate)
    cli.main(prog_name="composer")
    raise AssertionError  # click exits by itself


def _terminate(signum: int, _frame: object) -> NoReturn:
    """Leave by an exception, so that temporary files are cleaned up on the way."""
    raise SystemExit(128 + signum)


def _print_any_name() -> None:
    """Let file names of any bytes pass through stdout unchanged, and never fail on a letter."""
    codecs.register_error("composer", _printable)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="composer")


def _printable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Give bytes that were no text back as they were, escape what the encoding has no sign for."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def _fail(ctx: click.Context, message: str, exit_code: int) -> NoReturn:
    """Say in one line what went wrong, and leave."""
    if ctx.params.get("verbose"):
        import traceback

        click.echo(traceback.format_exc(), err=True)
    click.echo(f"composer: {' '.join(message.split())}", err=True)
    raise click.exceptions.Exit(exit_code)


def _sentence(error: Exception) -> str:
    """What an unexpected error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"unexpected {type(error).__name__}: {error}".removesuffix(": ")
