"""The rules of the house that no single module can keep."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import composer

ROOT = Path(composer.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
CORE = [path for path in MODULES if path.relative_to(ROOT).parts[0] not in {"domains", "cli"}]
HEAVY = {"torch", "numpy", "gymnasium", "symusic", "mido", "PIL", "music21", "safetensors", "rich"}
MAX_LINES = 450


def name(path: Path) -> str:
    return path.relative_to(ROOT.parent).as_posix()


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reaches(modules: set[str], package: str) -> set[str]:
    return {module for module in modules if f"{module}.".startswith(f"{package}.")}


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_imports_no_domain_and_no_command(path):
    assert not reaches(imported(path), "composer.domains")
    assert path.name == "__main__.py" or not reaches(imported(path), "composer.cli")


@pytest.mark.parametrize("part", ["environment", "reward", "stage", "places", "critics"])
def test_the_environment_knows_nothing_of_the_agent(part):
    assert not reaches(imported(ROOT / f"{part}.py"), "composer.dqn")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_unpickles_or_runs_what_it_reads(path):
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert not {module.partition(".")[0] for module in imported(path)} & forbidden
    calls = [
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ]
    named = {ast.unparse(function) for function in calls}
    assert not named & {"eval", "exec", "torch.load", "torch.save"}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["compose", "--help"], ["train", "-h"], ["originality", "-h"]],
)
def test_help_loads_nothing_heavy(arguments):
    script = (
        "import sys\n"
        "from composer.cli.main import cli\n"
        f"cli({arguments!r}, standalone_mode=False)\n"
        "print('\\n' + ' '.join(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    loaded = {module.partition(".")[0] for module in result.stdout.splitlines()[-1].split()}
    assert not loaded & HEAVY
