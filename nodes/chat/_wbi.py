"""The signature that Bilibili's web pages put under what they ask ("WBI"): without it the answer is empty.

As observed by others, see https://github.com/SocialSisterYi/bilibili-API-collect (docs/misc/sign/wbi.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import md5
from urllib.parse import quote, urlencode

ORDER = (
    46, 47, 18, 2, 53, 8, 23, 32, 15, 50, 10, 31, 58, 3, 45, 35, 27, 43, 5, 49, 33, 9, 42, 19, 29, 28, 14, 39, 12, 38,
    41, 13,
)  # fmt: skip
LEFT_OUT = str.maketrans("", "", "!'()*")


def mixed(img_url: str, sub_url: str) -> str:
    """The key of the day, from the names of two pictures that are none. Raises `IndexError` for shorter names."""
    names = "".join(url.rpartition("/")[2].partition(".")[0] for url in (img_url, sub_url))
    return "".join(names[place] for place in ORDER)


def signed(asked: Mapping[str, str], key: str, now_s: int) -> dict[str, str]:
    """`asked` with its time and its signature."""
    whole = {name: value.translate(LEFT_OUT) for name, value in sorted({**asked, "wts": str(now_s)}.items())}
    query = urlencode(whole, quote_via=quote)
    return {**whole, "w_rid": md5(f"{query}{key}".encode(), usedforsecurity=False).hexdigest()}
