"""Options of servers for those who come from outside: https, a reverse proxy in between, other pages."""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from vaidol.server import networks
from vaidol.server.cli.wrong import Wrong


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cert", type=Path, metavar="FILE", help="certificate (PEM, with its chain), for https")
    command.add_argument("--key", type=Path, metavar="FILE", help="its private key (default: in the same file)")
    command.add_argument(
        "--trust-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="reverse proxy whose X-Forwarded headers count, or a network; repeatable (default: none)",
    )
    command.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="another site whose pages may call, such as http://localhost:3000, or file:// for the desktop client of"
        " Open-LLM-VTuber; repeatable (default: none)",
    )


def add_client(command: argparse.ArgumentParser) -> None:
    """The option of `vaidol serve` alone."""
    command.add_argument(
        "--olv-web", type=Path, metavar="DIR", help="a built web client of Open-LLM-VTuber, to be served at /olv/"
    )


def origins(arguments: argparse.Namespace) -> tuple[str, ...]:
    """As browsers write them. Raises `Wrong`."""
    for one in arguments.allow_origin:
        parts = urlsplit(one)
        whole = parts.scheme in ("http", "https") and parts.netloc and one == f"{parts.scheme}://{parts.netloc}".lower()
        if not whole and one != networks.FILES:
            raise Wrong(f"--allow-origin wants an address such as http://localhost:3000, or file://, not {one!r}")
    return tuple(arguments.allow_origin)


def web_client(arguments: argparse.Namespace) -> Path | None:
    """The folder of the ancestor's client. Raises `Wrong`."""
    folder: Path | None = arguments.olv_web
    if folder is not None and not (folder.expanduser() / "index.html").is_file():
        raise Wrong(f"--olv-web: {folder} has no index.html: give the folder that its build has made (dist/web)")
    return folder.expanduser() if folder is not None else None


def tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """What https needs; None for plain http. Checks the proxies as well. Raises `Wrong`."""
    for one in arguments.trust_proxy:
        try:
            networks.network(one)
        except ValueError:
            raise Wrong(f"--trust-proxy wants an address such as 127.0.0.1 or 10.0.0.0/8, not {one!r}") from None
    if arguments.cert is None:
        if arguments.key is not None:
            raise Wrong("--key goes with --cert: give the certificate as well")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(arguments.cert, arguments.key, password=lambda: "")
    except ssl.SSLError:
        said = f"--cert {arguments.cert}: the key does not fit, or one of the files is no unencrypted PEM"
        raise Wrong(said) from None
    except OSError as error:
        raise Wrong(f"--cert {arguments.cert}: {error.strerror}") from None
    return context
