"""The documents show what the program has, and nothing else."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from composer.cli import main as program

ROOT = Path(__file__).parents[2]
CLI = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (composer.*?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
SECTIONS = dict(SECTION.findall(CLI))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("datasets/*.md")])


def commands(command: click.Command, name: str) -> dict[str, click.Command]:
    found = {name: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found |= commands(command.get_command(context, child), f"{name} {child}")
    return found


def examples(text: str) -> list[str]:
    """Program calls in indented blocks, also after ``&&``, without comments."""
    lines = [line.partition("  #")[0] for line in text.splitlines() if line.startswith("    ")]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    calls = [re.sub(r"^(\.venv/bin/|python -m )", "", part) for part in parts]
    return [call for call in calls if call.startswith("composer ") and "|" not in call]


COMMANDS = commands(program.cli, "composer")
EXAMPLES = sorted({call for path in DOCUMENTS for call in examples(path.read_text("utf-8"))})


def test_every_command_has_its_section_and_every_section_its_command():
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_shows_every_option_and_no_other(name):
    described = {
        option
        for line in re.findall(r"^- (`-.*?):", SECTIONS[name], re.MULTILINE)
        for option in re.findall(r"`(--?[a-z][a-z-]*)", line)
    }
    with click.Context(COMMANDS[name]):
        options = [p for p in COMMANDS[name].params if isinstance(p, click.Option)]
    there = {option for parameter in options for option in parameter.opts}
    if name == "composer":
        there |= {"-h", "--help"}
    assert described == there


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_every_choice(name):
    for parameter in COMMANDS[name].params:
        if (
            isinstance(parameter.type, click.Choice)
            and not str(parameter.type.choices[0]).isdigit()
        ):
            missing = [one for one in parameter.type.choices if one not in SECTIONS[name]]
            assert set(missing) <= set("1234")


def test_there_are_examples():
    assert "composer compose" in EXAMPLES
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("call", EXAMPLES)
def test_every_example_has_the_commands_and_options_of_the_program(call):
    # --help is handled after the options are parsed and before their values are used
    result = CliRunner().invoke(program.cli, [*shlex.split(call)[1:], "--help"])
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert "://" in target or (path.parent / target).exists(), target


def test_the_changelog_knows_the_version_or_what_is_unreleased():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(program.__version__)})\]", text, re.MULTILINE)


def test_the_constraints_pin_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(one for extra in extras for one in extra)]
    names = {re.match(r"[\w-]+", requirement)[0].replace("-", "_") for requirement in wanted}
    pinned = re.findall(r"^([\w-]+)==[\w.]+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert names <= {name.lower().replace("-", "_") for name in pinned}
    assert "torch==2.13.0\n" in (ROOT / "constraints.txt").read_text()
