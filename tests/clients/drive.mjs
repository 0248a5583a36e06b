// The official TypeScript client drives the demo application through `browserd mcp`, and goes
// on as the same process, with the same session, after the daemon got SIGKILL.
//
// Environment: BROWSERD (the binary), DEMO_URL, DEMO_USER, DEMO_PASSWORD, EXPECT_VERSION, and
// whatever the binary needs. Ends with code 1 and the reason if a step goes wrong.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

// The package lies in the build folder, not beside this file.
const load = createRequire(path.join(process.env.BROWSERD_TEST_CLIENTS, 'node', 'package.json'));
const { Client } = load('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = load('@modelcontextprotocol/sdk/client/stdio.js');

const { BROWSERD, DEMO_URL, DEMO_USER, DEMO_PASSWORD, EXPECT_VERSION } = process.env;
const TOOLS = [
  'open_session', 'list_sessions', 'resume_session', 'close_session', 'list_tabs', 'new_tab',
  'close_tab', 'navigate', 'snapshot', 'interact', 'wait_for', 'get_content', 'evaluate',
  'screenshot', 'save_session_checkpoint', 'list_session_checkpoints',
];

const transport = new StdioClientTransport({ command: BROWSERD, args: ['mcp'], env: process.env, stderr: 'inherit' });
const client = new Client({ name: 'typescript-client', version: '1' });
let negotiated;
const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => { negotiated = version; setProtocolVersion?.(version); };
await client.connect(transport);
if (negotiated !== undefined) assert.equal(negotiated, EXPECT_VERSION);

const { tools } = await client.listTools();
const names = tools.map((tool) => tool.name);
for (const name of TOOLS) assert.ok(names.includes(name), `the tool ${name} is listed`);

const call = async (name, args) => {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result)}`);
  return result.structuredContent;
};
const session = await call('open_session', { key: 'typescript', url: DEMO_URL });
const session_id = session.session_id;
const find = async (what) => {
  const { snapshot } = await call('snapshot', { session_id });
  const line = snapshot.split('\n').find((each) => each.includes(what));
  const ref = line?.match(/@e\d+/)?.[0];
  assert.ok(ref, `${what} is in the snapshot:\n${snapshot}`);
  return ref;
};
const act = async (action, what, more) =>
  call('interact', { session_id, action, ref: await find(what), ...more });

await act('fill', 'textbox "User"', { text: DEMO_USER });
await act('fill', 'textbox "Password"', { text: DEMO_PASSWORD });
await act('click', 'button "Log in"');
await call('wait_for', { session_id, text: 'Hello, ' });
await call('evaluate', { session_id, expression: 'window.mark = 42' });
const refBefore = await find('link "Orders"');

const status = JSON.parse(execFileSync(BROWSERD, ['status', '--json'], { encoding: 'utf8' }));
process.kill(status.pid, 'SIGKILL');

const after = await call('evaluate', { session_id, expression: 'window.mark' });
assert.equal(after.value, 42, 'the page is the very same one');
assert.equal(after.generation, session.generation);
assert.equal(await find('link "Orders"'), refBefore, 'a ref keeps its number');
await call('interact', { session_id, action: 'click', ref: refBefore });
await call('wait_for', { session_id, text: 'No orders yet' });

const tabs = await call('list_tabs', { session_id });
assert.equal(tabs.tabs.length, 1);
await call('close_session', { session_id });
await client.close();
console.log(`typescript client: ${names.length} tools, protocol ${negotiated ?? 'unknown'}, done`);
