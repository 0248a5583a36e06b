"""Calls that go on over a loss: look at `retry` and at the session's `status`, then decide.

Usage: retry_on_status.py URL-of-the-demo's-login
"""

import sys
import time

from door import Door, Refused


def patiently(door, session, operation, **arguments):
    """Makes a call; repeats it where browserd says that it did nothing."""
    for _ in range(20):
        try:
            return door.call(session, operation, **arguments)
        except Refused as refused:
            status = door.show(session)["status"]
            print(f"  {operation}: {refused.code}, retry {refused.retry}, session {status}")
            if status == "Dead" or refused.retry == "never":
                raise
            if refused.retry == "check_first":
                # It may have happened. Only the page can tell, so the caller has to look.
                raise
            # `same`, `after`, `after_snapshot`: nothing was done.
            time.sleep(max(refused.retry_after_ms, 100) / 1000)
    raise TimeoutError(operation)


def main(url):
    door = Door()
    session = door.open(key="retry", url=url)["session_id"]
    door.log_in(session)
    # What a bad day does to a browser: its page is gone in the middle of the work.
    try:
        door.call(session, "navigate", url="chrome://crash")
    except Refused as refused:
        print(f"  the page was crashed: {refused.code}")
    answer = patiently(door, session, "snapshot")
    print(f"  generation {answer['generation']}, recovered: {answer.get('recovered')}")
    text = patiently(door, session, "get_content", format="text")["content"]
    assert "Hello, Ada" in text, text
    door.close(session)


main(*sys.argv[1:])
