"""A job in steps with a named checkpoint after each, whose browser dies half-way.

The job doesn't notice: the next call is answered on the restored page, and says once what was
lost. Usage: checkpointed_job.py URL-of-the-demo's-login
"""

import os
import signal
import sys

from door import Door

PRODUCTS = ["Difference engine", "Punched cards", "Analytical engine"]


def kill_browser():
    """Kills the Chromium whose arguments name our home, as the kernel does when memory is short."""
    home = os.environ["BROWSERD_HOME"].encode()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                arguments = open(f"/proc/{entry}/cmdline", "rb").read()
            except OSError:
                continue
            if home in arguments and b"--remote-debugging-pipe" in arguments and b"--type=" not in arguments:
                os.kill(int(entry), signal.SIGKILL)


def main(url):
    door = Door()
    session = door.open(key="job", url=url)["session_id"]
    door.log_in(session)
    for number, product in enumerate(PRODUCTS):
        if number == 1:
            kill_browser()
        added = door.call(session, "interact", action="click", role="button", name=f"Add {product} to cart")
        if added.get("recovered"):
            print(f"  recovered: lost {added['recovered']['lost']}")
        saved = door.call(session, "save_session_checkpoint", name=f"after {product}")
        print(f"  {product}: checkpoint {saved['checkpoint']['id']}")
    door.call(session, "wait_for", text="Cart: 3 items")
    listed = door.request("GET", f"/v1/sessions/{session}/checkpoints")["checkpoints"]
    names = [each["name"] for each in listed if each["name"]]
    assert names == [f"after {product}" for product in reversed(PRODUCTS)], names
    door.close(session)


main(*sys.argv[1:])
