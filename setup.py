"""List every subpackage, under the `vaidol` prefix, for the wheel; the rest is in pyproject.toml."""

from setuptools import find_packages, setup

ROOMS = ("graph", "nodes", "pipelines", "server", "models", "tests.bench")
found = find_packages(include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")])
setup(packages=["vaidol.tests", *(f"vaidol.{name}" for name in found)], package_dir={"vaidol": "."})
