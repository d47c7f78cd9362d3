"""What belongs to which domain: options, their place in the help, and the files of a folder."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from composer.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DOMAINS = ("music", "art")
_NOUNS = {"music": "music", "art": "pictures"}


def noun(domain_id: str) -> str:
    """What a domain makes, in a word."""
    return _NOUNS.get(domain_id, domain_id)


class DomainOption(click.Option):
    """An option that only one domain has.

    Args:
        declarations: as for click's own.
        domain: whose it is.
        arguments: whatever a click option takes.
    """

    def __init__(self, declarations: list[str], *, domain: str, **arguments: Any) -> None:
        """Remember the domain."""
        super().__init__(declarations, **arguments)
        self.domain = domain


class SectionedCommand(click.Command):
    """A command whose help lists the options of all domains first, then those of each."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for the common options and one for each domain."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            heading = "Options"
            if isinstance(parameter, DomainOption):
                heading += f" for {noun(parameter.domain)}"
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def option_names(command: click.Command, domain_id: str) -> set[str]:
    """The parameters of a command that only this domain has."""
    options = (one for one in command.params if isinstance(one, DomainOption))
    return {str(one.name) for one in options if one.domain == domain_id}


def typed(ctx: click.Context) -> set[str]:
    """The options that were typed, not left at their default."""
    source = click.core.ParameterSource.COMMANDLINE
    return {name for name in ctx.params if ctx.get_parameter_source(name) is source}


def options_for(ctx: click.Context, domain_id: str, because: str) -> dict[str, Any]:
    """The values of the options of one domain.

    UsageError where an option of another domain was typed; ``because`` says why it has no place.
    """
    foreign = typed(ctx) - option_names(ctx.command, domain_id)
    for option in ctx.command.params:
        if isinstance(option, DomainOption) and option.name in foreign:
            message = f"{option.opts[0]} is for {noun(option.domain)}; {because}"
            raise UsageError(message)
    return {name: ctx.params[name] for name in sorted(option_names(ctx.command, domain_id))}


def domain_of(file: PurePath) -> str:
    """The id of the domain that a file's name says it belongs to; DataError where there is none."""
    from composer.domain import domain_class, domain_ids

    extensions = {one: domain_class(one).extensions for one in domain_ids()}
    for one, own in extensions.items():
        if file.suffix.lower() in own:
            return one
    each = (f"{noun(one)} ({_listed(own)})" for one, own in extensions.items())
    message = f"'{file}' is neither {' nor '.join(each)}"
    raise DataError(message)


def recognise(folder: Path) -> str:
    """The id of the domain whose files lie in a folder.

    Raises:
        UsageError: there are files of several domains.
        DataError: there are none, or the folder cannot be read.
    """
    from composer.domain import domain_class, domain_ids
    from composer.files import find_files

    extensions = {one: domain_class(one).extensions for one in domain_ids()}
    names, rejections = find_files(folder, frozenset().union(*extensions.values()))
    names += [rejection.source for rejection in rejections]  # the domain will say why not
    suffixes = Counter(PurePosixPath(name).suffix.lower() for name in names)
    found = {
        one: {suffix: suffixes[suffix] for suffix in sorted(own) if suffixes[suffix]}
        for one, own in extensions.items()
    }
    present = [one for one in found if found[one]]
    if not present:
        each = (f"{_listed(own)} ({noun(one)})" for one, own in extensions.items())
        looked_for = " and ".join(each)
        message = f"nothing to learn from below '{folder}': looked for {looked_for}"
        raise DataError(message)
    if len(present) > 1:
        raise UsageError(_undecided(folder, {one: found[one] for one in present}))
    return present[0]


def _undecided(folder: Path, found: Mapping[str, Mapping[str, int]]) -> str:
    """The sentence for a folder with files of several domains."""
    counts = " and ".join(
        f"{sum(counts.values()):,} of {noun(one)} ({_listed(counts)})"
        for one, counts in found.items()
    )
    choices = " or ".join(f"--domain {one}" for one in found)
    return f"'{folder}' holds files of several kinds, {counts}: add {choices}"


def _listed(suffixes: Mapping[str, int] | frozenset[str]) -> str:
    return ", ".join(sorted(suffixes))
