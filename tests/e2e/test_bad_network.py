"""A spoken question over a network that loses, delays and holds packets: it is understood, and answered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from difflib import SequenceMatcher
from typing import Any

import pytest

from vaidol.tests.bench import _speech as speech
from vaidol.tests.e2e.bad_network import QUESTION

pytestmark = [
    pytest.mark.alone,
    pytest.mark.models,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng"),
]
OWN_NETWORK = ("unshare", "--map-root-user", "--net", "sh", "-c")
SPOIL = "ip link set lo up && tc qdisc add dev lo root netem loss 0%"


def questions(*command: str) -> dict[str, dict[str, Any]]:
    """What the program says that asks them."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return told


def understood(told: dict[str, dict[str, Any]]) -> None:
    for name, one in told.items():
        assert one["answered"], name
        said, asked = speech.words(" ".join(one["said"])), speech.words(QUESTION)
        right = sum(block.size for block in SequenceMatcher(None, said, asked).get_matching_blocks())
        assert right >= len(asked) - 1, (name, one)  # whisper tiny errs without any fault, too
        assert len(said) <= len(asked) + 1, (name, one)


def test_through_a_relay_that_spoils_packets() -> None:
    told = questions(sys.executable, "-m", "vaidol.tests.e2e.bad_network", "relay")
    understood(told)
    share = told["loss5"]["lost"] / (told["loss5"]["lost"] + told["loss5"]["passed"])
    assert 0.02 < share < 0.09  # it was spoilt indeed


def test_through_a_network_namespace_that_spoils_packets() -> None:
    missing = [tool for tool in ("unshare", "ip", "tc") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (Debian: iproute2, util-linux)")
    probe = subprocess.run((*OWN_NETWORK, SPOIL), check=False, capture_output=True, text=True, timeout=10)
    if probe.returncode:
        pytest.skip(f"no network namespace with netem here: {probe.stderr.strip()}")
    command = f"ip link set lo up && exec {sys.executable} -m vaidol.tests.e2e.bad_network netem"
    told = questions(*OWN_NETWORK, command)
    understood(told)
    assert told["loss5"]["lost"] > 0
