"""schemathesis over the server's own OpenAPI document: does every route do what it says, whatever it is sent?

Needs the program `schemathesis` (`pip install 'vaidol[bench]'`, or in an environment of its own on the PATH).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from vaidol.tests.e2e.serving import Server, serving

SEED = 9
EXAMPLES = 60  # of each route
ENDLESS = r"/api/(events|inspect)$"  # a stream and a socket
STAY_S = 1200
REFUSED = (400, 401, 403, 406, 415, 422, 428)  # without a header that is needed; If-Match: 428 (RFC 6585)
SDP = """import schemathesis

@schemathesis.serializer("application/sdp")
def sdp(context, value):
    return str(value).encode(errors="replace")
"""


def main(quick: bool) -> dict[str, Any]:
    """Keys: generated (requests), failures, found (what), routes. All null where schemathesis is not installed."""
    found = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        return dict.fromkeys(("generated", "failures", "found", "routes"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = ["--history", str(folder / "history.db"), "--recordings", str(folder / "recordings")]
        with serving(folder, "echo", *kept, "--max-sessions", "100") as server:
            stay = [sys.executable, "-m", "vaidol.server.cli", "client", server.url, "--seconds", str(STAY_S)]
            with subprocess.Popen(stay, stdout=subprocess.PIPE, text=True) as caller:
                assert caller.stdout is not None
                session = json.loads(caller.stdout.readline())["session"]
                try:
                    return _tried(found, server, session, folder, 3 if quick else EXAMPLES)
                finally:
                    caller.kill()


def _tried(program: str, server: Server, session: str, folder: Path, examples: int) -> dict[str, Any]:
    """Let it loose on `server`, all routes about a session meaning `session`."""
    with urllib.request.urlopen(f"{server.url}/api/openapi.json", timeout=10) as answer:
        routes = sum(map(len, json.load(answer)["paths"].values()))
    config, hooks = folder / "schemathesis.toml", folder / "sdp.py"
    hooks.write_text(SDP)
    config.write_text(
        f'hooks = "{hooks}"\n\n[checks]\nmissing_required_header.expected-statuses = {list(REFUSED)}\n\n'
        f'[parameters]\n"path.session" = "{session}"\n"query.user" = "somebody-with-a-long-id"\n\n'
        '[[operations]]\ninclude-name = "DELETE /api/sessions/{session}"\nparameters."path.session" = "none"\n'
    )
    command = [
        program, "--config-file", str(config), "run", f"{server.url}/api/openapi.json", "--exclude-path-regex", ENDLESS,
        "--max-examples", str(examples), "--seed", str(SEED), "--phases", "examples,coverage,fuzzing",
        "--exclude-checks", "positive_data_acceptance",  # a document cannot say which names there are just now
        "--no-color", "--report", "junit", "--report-junit-path", str(folder / "report.xml"),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}
    )
    found = re.findall(r"^ +❌ (ST\d+ .*)$", done.stdout, re.M)
    generated = re.search(r"([\d,]+) generated", done.stdout)
    if generated is None:
        raise RuntimeError(f"schemathesis did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    print(done.stdout, file=sys.stderr)
    errors = sum('"level": "error"' in line or " error " in line for line in server.log.read_text().splitlines())
    told = {"generated": int(generated[1].replace(",", "")), "failures": len(found), "found": found, "routes": routes}
    return {**told, "errors_logged": errors, "still_there": server.health()["status"]}
