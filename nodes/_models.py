"""How a node gets its model: found in the store, with the errors of the models room turned into those of a provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaidol.graph.errors import ProviderError


def model_path(name: str) -> Path:
    """The file or folder of a model of the catalogue, or the path the user gave. Blocks: for `Need.load`.

    Raises `ProviderError` with the way out.
    """
    from vaidol.models.store import Store

    with model_errors():
        return Store().path(name)


@contextmanager
def model_errors() -> Iterator[None]:
    """Turn a `ModelError` inside into a `ProviderError` with the same sentence."""
    from vaidol.models.errors import ModelError

    try:
        yield
    except ModelError as error:
        raise ProviderError(str(error), code="model") from error
