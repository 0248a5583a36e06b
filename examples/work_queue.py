"""Two workers take items from one queue; one dies in the middle, and the other finishes its item.

Usage: work_queue.py [URL, which is not needed]
"""

import multiprocessing
import os
import urllib.parse

from door import Door, Refused

QUEUE = "/v1/kv/queue"


def worker(name, dies, done):
    """Claims and finishes items until there is none for three seconds."""
    door = Door()
    while True:
        claimed = door.request(
            "POST", f"{QUEUE}/claim", {"prefix": "item/", "lease_ms": 1000, "wait_ms": 3000}
        )
        if claimed["entry"] is None:
            return
        if dies:
            os._exit(1)  # As a crash would: nothing is given back.
        key, epoch = claimed["entry"]["key"], claimed["lease"]["epoch"]
        try:
            door.request("POST", f"{QUEUE}/finish", {"key": key, "lease": epoch})
            done.put((name, key))
        except Refused as refused:
            # Too slow: somebody else has the item now, and will finish it.
            assert refused.code == "lease_lost", refused


def main():
    door = Door()
    for number in range(6):
        key = urllib.parse.quote(f"item/{number}", safe="")
        door.request("POST", f"{QUEUE}/entries/{key}", {"value": {"number": number}})
    done = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=worker, args=("one", True, done)),
        multiprocessing.Process(target=worker, args=("two", False, done)),
    ]
    for it in workers:
        it.start()
    for it in workers:
        it.join()
    finished = sorted(done.get(timeout=10)[1] for _ in range(6))
    assert finished == [f"item/{number}" for number in range(6)], finished
    assert door.request("GET", QUEUE)["entries"] == []
    print(f"  {len(finished)} items, each finished once, although a worker died")


if __name__ == "__main__":
    main()
