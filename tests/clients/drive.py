"""The official Python client drives the demo application through `browserd mcp`, and goes on
as the same process, with the same session, after the daemon got SIGKILL.

Environment: BROWSERD (the binary), DEMO_URL, DEMO_USER, DEMO_PASSWORD, MODE ("legacy" shakes
hands as 2025-11-25 does, "auto" discovers), EXPECT_VERSION, and whatever the binary needs.
"""

import asyncio
import json
import os
import re
import signal
import subprocess

from mcp import Client, StdioServerParameters

BROWSERD = os.environ["BROWSERD"]
TOOLS = {
    "open_session", "list_sessions", "resume_session", "close_session", "list_tabs", "new_tab",
    "close_tab", "navigate", "snapshot", "interact", "wait_for", "get_content", "evaluate",
    "screenshot", "save_session_checkpoint", "list_session_checkpoints",
}


class Agent:
    """One session of one client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.session: dict = {}

    async def call(self, tool: str, **arguments) -> dict:
        if self.session:
            arguments["session_id"] = self.session["session_id"]
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, f"{tool}: {result}"
        return result.structured_content

    async def find(self, what: str) -> str:
        snapshot = (await self.call("snapshot"))["snapshot"]
        for line in snapshot.splitlines():
            if what in line and (found := re.search(r"@e\d+", line)):
                return found.group()
        raise AssertionError(f"{what} is not in the snapshot:\n{snapshot}")

    async def act(self, action: str, what: str, **more) -> dict:
        return await self.call("interact", action=action, ref=await self.find(what), **more)


async def main() -> None:
    server = StdioServerParameters(command=BROWSERD, args=["mcp"], env=dict(os.environ))
    async with Client(server, mode=os.environ["MODE"]) as client:
        assert client.protocol_version == os.environ["EXPECT_VERSION"], client.protocol_version
        listed = {tool.name for tool in (await client.list_tools()).tools}
        assert TOOLS <= listed, TOOLS - listed

        agent = Agent(client)
        agent.session = await agent.call("open_session", url=os.environ["DEMO_URL"])
        await agent.act("fill", 'textbox "User"', text=os.environ["DEMO_USER"])
        await agent.act("fill", 'textbox "Password"', text=os.environ["DEMO_PASSWORD"])
        await agent.act("click", 'button "Log in"')
        await agent.call("wait_for", text="Hello, ")
        await agent.call("evaluate", expression="window.mark = 42")
        before = await agent.find('link "Orders"')

        status = json.loads(subprocess.check_output([BROWSERD, "status", "--json"]))
        os.kill(status["pid"], signal.SIGKILL)

        after = await agent.call("evaluate", expression="window.mark")
        assert after["value"] == 42, after
        assert after["generation"] == agent.session["generation"], after
        assert await agent.find('link "Orders"') == before
        await agent.call("interact", action="click", ref=before)
        await agent.call("wait_for", text="No orders yet")
        await agent.call("close_session")
        print(f"python client: {len(listed)} tools, protocol {client.protocol_version}, done")


asyncio.run(main())
