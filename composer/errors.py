"""Errors that a user can act upon; each knows the exit code of the command line that it ends."""


class ComposerError(Exception):
    """Base of every expected failure: one sentence that says what is wrong and what to do.

    Attributes:
        exit_code: what the process returns (0 done, 1 failed, 2 wrong usage, 3 unusable data,
            4 unusable model or checkpoint, 5 training diverged beyond repair).
    """

    exit_code = 1


class UsageError(ComposerError):
    """An option or argument has a value that cannot be used."""

    exit_code = 2


class DataError(ComposerError):
    """The data cannot be used: empty folder, no usable file, too little material."""

    exit_code = 3


class ModelError(ComposerError):
    """A model or checkpoint is missing, truncated, foreign, or from a newer version."""

    exit_code = 4


class DivergenceError(ComposerError):
    """Training produced NaN or collapsed, and rolling back did not help."""

    exit_code = 5
