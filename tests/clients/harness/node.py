"""Programs on the Node SDK, run as a user's would be."""

import json
import os
import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "node"


def node(server, script: str, **given) -> dict:
    """What a script in `node/` printed; it trusts our CA by the export alone."""
    environment = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": server.exports["NODE_EXTRA_CA_CERTS"]}
    command = ["node", SCRIPTS / script]
    done = subprocess.run(command, input=json.dumps(given), env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)
