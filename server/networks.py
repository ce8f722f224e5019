"""Addresses of machines and pages: which mean this machine, and which lie within a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

FILES = "file://"  # what Chromium and Electron tell a WebSocket for a page that is a file; others are told "null"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_loopback(host: str) -> bool:
    """Whether the address or name `host` means this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def network(text: str) -> Network:
    """An address, or a network such as 10.0.0.0/8. Raises `ValueError`."""
    return ipaddress.ip_network(text, strict=False)


def within(address: str, networks: Sequence[Network]) -> bool:
    """Whether `address` is one and lies in any of `networks`."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in one for one in networks)
