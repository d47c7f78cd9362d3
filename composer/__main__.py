"""``python -m composer`` is the same program as ``composer``."""

from composer.cli.main import main

main()
