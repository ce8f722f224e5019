"""What every test of a wrong file asks of its refusal."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from vaidol.models.errors import LoadError
from vaidol.models.rvc import load_voice


def refusal(path: Path) -> str:
    """Why the file is not loaded: one sentence that names it and what is needed, and no memory taken."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LoadError) as error:
        load_voice(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    says = str(error.value)
    assert str(path) in says
    assert "\n" not in says
    return says
