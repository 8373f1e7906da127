#!/usr/bin/env python3
"""Keeps pages of the portal open as browsers do, so that something can be measured beside them.

    python portal_load.py LINK --live 10 --overviews 10 --seconds 20

Pages of live messages follow all of the hub's; overviews are asked for again as often as they say. SSL_CERT_FILE names the
server's CA.
"""

import argparse
import json
import os
import re
import statistics
import sys
import threading
import time
from urllib.parse import urljoin

import requests


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("link", help="what `roadstead dev` printed; it signs in once")
    words.add_argument("--live", type=int, default=10)
    words.add_argument("--overviews", type=int, default=0)
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--hub", default="dev/dev", help="resource group and name")
    chosen = words.parse_args()

    person = requests.Session()
    person.verify = os.environ["SSL_CERT_FILE"]
    entered = person.get(chosen.link, timeout=20)
    entered.raise_for_status()
    overview, over = urljoin(chosen.link, "/portal/"), time.monotonic() + chosen.seconds
    shown, skipped, looks, faults = [], [], [], []

    def follow() -> None:
        """One page's stream, until the time is over."""
        with person.get(f"{overview}hubs/{chosen.hub}/live", stream=True, timeout=20) as stream:
            stream.raise_for_status()
            kind = ""
            for line in stream.iter_lines(chunk_size=None, decode_unicode=True):
                field, _, value = line.partition(": ")
                if field == "event":
                    kind = value
                elif field == "data" and kind == "skipped":
                    skipped.append(json.loads(value)["skipped"])
                elif field == "data":
                    shown.append(value)
                elif not line:
                    kind = ""
                if time.monotonic() > over:
                    return
            raise ConnectionError("the stream ended before its time")

    def refresh() -> None:
        while time.monotonic() < over:
            began = time.monotonic()
            page = person.get(overview, timeout=20)
            page.raise_for_status()
            looks.append(time.monotonic() - began)
            time.sleep(int(re.search(r'id="overview" data-refresh="(\d+)"', page.text)[1]))

    def told(work) -> None:
        """Does it, and keeps what went wrong: a page that nobody keeps open looks like one of a quiet hub."""
        try:
            work()
        except Exception as fault:
            faults.append(f"{work.__name__}: {fault!r}")

    works = [follow] * chosen.live + [refresh] * chosen.overviews
    pages = [threading.Thread(target=told, args=(work,), daemon=True) for work in works]
    for page in pages:
        page.start()
    for page in pages:
        page.join(chosen.seconds + 20)
    print(f"{chosen.live} live pages: {len(shown)} messages shown, {sum(skipped)} counted")
    if looks:
        print(f"{chosen.overviews} overviews: {len(looks)} asked for, median {statistics.median(looks) * 1000:.1f} ms")
    faults += [f"{page.name} is not over" for page in pages if page.is_alive()]
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
