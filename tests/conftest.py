"""Settings shared by all tests: one thread, properties that are the same in every CI run."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("composer", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("composer")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the cache of whoever runs it; started programs inherit this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPOSER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
