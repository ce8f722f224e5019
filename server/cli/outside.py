"""Options of `vaidol serve` for those who come from outside: https, and a reverse proxy in between."""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path

from vaidol.server import proxies
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


def tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """What https needs; None for plain http. Checks the proxies as well. Raises `Wrong`."""
    for one in arguments.trust_proxy:
        try:
            proxies.network(one)
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
