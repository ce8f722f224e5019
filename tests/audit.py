"""Known vulnerabilities of the packages installed here, as osv.dev knows them: `python -m vaidol.tests.audit` in CI.

One question for all packages. Exit code 1 when there are any, with their names; where the service cannot be reached,
a notice, and 0: an outage of theirs stops no work of ours.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from importlib.metadata import distributions
from typing import Any

SERVICE = "https://api.osv.dev/v1/querybatch"
WITHIN_S = 10.0
ACCEPTED: dict[str, str] = {}  # id of a vulnerability: why it does not concern us


def installed() -> list[tuple[str, str]]:
    """Name and version of every installed package but ours."""
    found = {(one.name.lower().replace("_", "-"), one.version) for one in distributions()}
    return sorted(one for one in found if one[0] != "vaidol")


def known(packages: list[tuple[str, str]], service: str = SERVICE) -> list[str]:
    """`package version: id` of each. Raises `OSError` and `ValueError` where there is no answer that makes sense."""
    asked = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in packages]
    body = json.dumps({"queries": asked}).encode()
    request = urllib.request.Request(service, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
        results: Any = json.load(answer)
    told = results.get("results") if isinstance(results, dict) else None
    if not isinstance(told, list) or len(told) != len(packages):
        raise ValueError("the answer is not one result for each package")
    return [
        f"{name} {version}: {one['id']}"
        for (name, version), result in zip(packages, told, strict=True)
        for one in result.get("vulns", ())
        if one["id"] not in ACCEPTED
    ]


def main(service: str = SERVICE) -> int:
    packages = installed()
    try:
        found = known(packages, service)
    except (OSError, ValueError) as error:
        print(f"NOTICE: {len(packages)} packages were not audited: {service} did not answer ({error})")
        return 0
    for one in found:
        print(f"VULNERABLE: {one}   https://osv.dev/vulnerability/{one.rpartition(' ')[2]}")
    print(f"{len(packages)} packages audited, {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
