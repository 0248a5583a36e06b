"""How a program with nothing but Python's standard library talks to browserd over HTTP.

`browserd status --json` says where the daemon listens, and `$BROWSERD_HOME/token` admits the
local user. Every operation is a POST to /v1/sessions/{id or key}/{operation}.
"""

import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

BROWSERD = os.environ.get("BROWSERD", "browserd")
HOME = pathlib.Path(os.environ.get("BROWSERD_HOME", pathlib.Path.home() / ".browserd"))


class Refused(Exception):
    """An operation's error: `code`, `message`, `hint` and what to do: `retry`."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('detail')}")
        self.code = error.get("code")
        self.retry = error.get("retry")
        self.retry_after_ms = error.get("retry_after_ms", 0)


class Door:
    """One way in to a running daemon."""

    def __init__(self):
        status = json.loads(subprocess.check_output([BROWSERD, "status", "--json"]))
        self.base = status["http_url"].rstrip("/")
        self.token = (HOME / "token").read_text().strip()

    def request(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)) from None

    def open(self, **arguments):
        return self.request("POST", "/v1/sessions", arguments)

    def show(self, session):
        return self.request("GET", f"/v1/sessions/{session}")

    def close(self, session):
        return self.request("DELETE", f"/v1/sessions/{session}")

    def call(self, session, operation, **arguments):
        return self.request("POST", f"/v1/sessions/{session}/{operation}", arguments)

    def log_in(self, session):
        """Logs in to the demo application, the way a person would."""
        self.call(session, "interact", action="fill", label="User", text="ada")
        self.call(session, "interact", action="fill", label="Password", text="lovelace")
        self.call(session, "interact", action="click", role="button", name="Log in")
        self.call(session, "wait_for", text="Your token is good")
