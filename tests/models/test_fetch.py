"""Downloads over broken networks: each case is a list of what the server does wrong."""

from __future__ import annotations

import io
import random
import socket
import zipfile
from pathlib import Path

import pytest

from tests.models.served import Act, Site, served
from vaidol.models.fetch import TRIES, FetchError, fetch_url, fetch_wheel, take_member, write

CONTENT = random.Random(1).randbytes(300_000)
CHANGED = random.Random(2).randbytes(300_000)


def load(site: Site, to: Path, size: int = len(CONTENT)) -> tuple[bytes, list[int], list[float]]:
    seen: list[int] = []
    pauses: list[float] = []
    with served(site):
        fetch_url(site.url, to, size, seen.append, pause=pauses.append)
    return to.read_bytes(), seen, pauses


def test_a_good_server_is_asked_once(tmp_path: Path) -> None:
    site = Site(CONTENT)
    got, seen, pauses = load(site, tmp_path / "f")
    assert (got, site.asked, pauses) == (CONTENT, [(None, None)], [])
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


BROKEN = {  # what goes wrong, and how many requests it takes
    "breaks off": ([Act(stop_after=100_000)], 2),
    "resets": ([Act(stop_after=100_000, reset=True)], 2),
    "breaks off again and again": ([Act(stop_after=50_000)] * 4, 5),
    "ignores ranges": ([Act(stop_after=100_000), Act(ignore_range=True)], 2),
    "says no length": ([Act(stop_after=100_000, say_length=False), Act(say_length=False)], 2),
    "stumbles": ([Act(status=500), Act(status=503), Act(status=429)], 4),
    "does not know the range": ([Act(stop_after=100_000), Act(status=416)], 3),
}


@pytest.mark.parametrize(("acts", "requests"), BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_is_taken_up_again(acts: list[Act], requests: int, tmp_path: Path) -> None:
    site = Site(CONTENT, list(acts))
    got, _, pauses = load(site, tmp_path / "f")
    assert got == CONTENT
    assert len(site.asked) == requests
    assert len(pauses) == requests - 1


def test_it_goes_on_where_it_broke(tmp_path: Path) -> None:
    site = Site(CONTENT, [Act(stop_after=100_000, reset=False)])
    load(site, tmp_path / "f")
    assert site.asked == [(None, None), ("bytes=100000-", '"one"')]


@pytest.mark.parametrize("careless", [False, True], ids=["honours If-Range", "ignores If-Range"])
def test_a_file_that_changes_on_the_way_is_loaded_anew(careless: bool, tmp_path: Path) -> None:
    new = Act(content=CHANGED, etag='"two"', ignore_if_range=careless)
    got, _, _ = load(Site(CONTENT, [Act(stop_after=100_000), new, new]), tmp_path / "f")
    assert got == CHANGED


def test_what_is_there_from_an_earlier_time_is_not_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(CONTENT[:200_000])
    site = Site(CONTENT)
    assert load(site, tmp_path / "f")[0] == CONTENT
    assert site.asked == [("bytes=200000-", None)]


HOPELESS = {
    "404": ([Act(status=404)], len(CONTENT), "404"),
    "403": ([Act(status=403)], len(CONTENT), "403"),
    "another length": ([], 1234, "300000 bytes where 1234 were expected"),
    "too long": ([Act(say_length=False)], 1234, "sends more than 1234 bytes"),
    "always 500": ([Act(status=500)] * TRIES, len(CONTENT), f"after {TRIES} tries: HTTP 500"),
    "never more": ([Act(stop_after=0)] * TRIES, len(CONTENT), "broke off"),
}


@pytest.mark.parametrize(("acts", "size", "told"), HOPELESS.values(), ids=HOPELESS.keys())
def test_a_hopeless_server_is_told_in_one_sentence(acts: list[Act], size: int, told: str, tmp_path: Path) -> None:
    site = Site(CONTENT, list(acts))
    with pytest.raises(FetchError, match=told) as caught:
        load(site, tmp_path / "f", size)
    assert site.url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nobody_answers(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/f"
    with pytest.raises(FetchError, match="refused"):
        fetch_url(url, tmp_path / "f", 10, lambda done: None, pause=lambda seconds: None)


def test_only_web_addresses_are_loaded(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="no http or https address"):
        fetch_url("file:///etc/hostname", tmp_path / "f", 10, lambda done: None)


def test_a_full_disk_is_told_with_the_way_out() -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(FetchError, match=r"disk is full.*VAIDOL_MODELS"):
        write(full, b"x")


def test_a_broken_wheel_and_a_missing_member(tmp_path: Path) -> None:
    broken, lacking = tmp_path / "broken.whl", tmp_path / "lacking.whl"
    broken.write_bytes(b"PK\x03\x04 no more")
    with zipfile.ZipFile(lacking, "w") as archive:
        archive.writestr("other", b"")
    for wheel, told in ((broken, "damaged"), (lacking, "holds no data/f")):
        with pytest.raises(FetchError, match=told):
            take_member(wheel, "data/f", io.BytesIO())


def test_an_index_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}/")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        with pytest.raises(FetchError, match="pip brought nothing"):
            fetch_wheel("nothing-there==1.0", tmp_path / "scratch", lambda done: None, stall_s=1.5)
