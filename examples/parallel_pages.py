"""Several pages of one login at once: a tab for each, and each call names its tab.

Usage: parallel_pages.py URL-of-the-demo's-login
"""

import concurrent.futures
import sys
import urllib.parse

from door import Door

PAGES = {"/shop": "Difference engine", "/orders": "No orders yet", "/catalogue": "Item 300"}


def main(url):
    door = Door()
    session = door.open(key="parallel", url=url)["session_id"]
    door.log_in(session)

    def read(path, expected):
        tab = door.call(session, "new_tab", url=urllib.parse.urljoin(url, path))["tab_id"]
        door.call(session, "wait_for", tab_id=tab, text="Your token is good")
        text = door.call(session, "get_content", tab_id=tab, format="text")["content"]
        assert expected in text, (path, text)
        return f"{tab} {path}: {len(text)} characters"

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for line in pool.map(lambda page: read(*page), PAGES.items()):
            print(f"  {line}")
    tabs = door.request("GET", f"/v1/sessions/{session}/tabs")["tabs"]
    assert len(tabs) == 1 + len(PAGES), tabs
    door.close(session)


main(*sys.argv[1:])
