// Frames this world can't look into: which there are, and where they lie. Outside they are
// known by handles, because only the browser can tell the id of the frame in an element.

const framesKnown = (known.frames ??= { handles: new WeakMap(), elements: new Map(), ids: new Map(), next: 1 });

// Returns the handle of the element a foreign frame is in.
function frameHandle(element) {
  const before = framesKnown.handles.get(element);
  if (before !== undefined) return before;
  if (framesKnown.elements.size >= 2048) {
    for (const [handle, weak] of framesKnown.elements) {
      const node = weak.deref();
      if (node && isConnected(node)) continue;
      framesKnown.elements.delete(handle);
      framesKnown.ids.delete(handle);
    }
  }
  const handle = framesKnown.next++;
  framesKnown.handles.set(element, handle);
  framesKnown.elements.set(handle, new WeakRef(element));
  return handle;
}

function isForeign(element) {
  const tag = tagOf(element);
  return (tag === 'iframe' || tag === 'frame') && isConnected(element) && documentIn(element) === null;
}

// Every foreign frame, as `[handle, id]`; the id is null as long as nobody has told it.
function foreignFrames() {
  const found = [];
  for (const root of everyRoot()) {
    const query = nodeType(root) === DOCUMENT ? documentQueryAll : fragmentQueryAll;
    for (const element of query(root, 'iframe,frame')) {
      if (found.length >= 256) return found;
      if (!isForeign(element)) continue;
      const handle = frameHandle(element);
      found.push([handle, framesKnown.ids.get(handle) ?? null]);
    }
  }
  return found;
}

function noteFrame({ handle, id }) {
  framesKnown.ids.set(handle, id);
  return true;
}

function frameElement(handle) {
  const node = framesKnown.elements.get(handle)?.deref();
  return node && isConnected(node) ? node : null;
}

// From a point in a foreign frame to one here, if input there gets to that frame.
function throughFrame({ handle, x, y, scroll }) {
  const frame = frameElement(handle);
  if (!frame) return { is: 'detached' };
  if (!isVisible(frame)) return { is: 'notVisible' };
  let at = outOfFrame(frame, x, y);
  let hit = hitAt(at.x, at.y);
  if (!hit && scroll) {
    reveal(frame);
    at = outOfFrame(frame, x, y);
    scrollTo({ left: scrollX + at.x - innerWidth / 2, top: scrollY + at.y - innerHeight / 2, behavior: 'instant' });
    at = outOfFrame(frame, x, y);
    hit = hitAt(at.x, at.y);
  }
  if (!hit) return { is: 'outOfView' };
  return hit === frame ? { is: 'ok', value: at } : { is: 'covered', what: coverOf(hit, frame) };
}

function outOfFrame(frame, x, y) {
  const at = outOf(frame, x, y);
  return toTop(ownerDocument(frame), at.x, at.y);
}

// The same for the two corners of an area; nothing is asked of what lies over it.
function areaThroughFrame({ handle, x, y, width, height, isTop }) {
  const frame = frameElement(handle);
  if (!frame) return { is: 'detached' };
  const start = outOfFrame(frame, x, y);
  const end = outOfFrame(frame, x + width, y + height);
  const scrolled = isTop ? { x: scrollX, y: scrollY } : { x: 0, y: 0 };
  return {
    is: 'ok',
    value: { x: start.x + scrolled.x, y: start.y + scrolled.y, width: end.x - start.x, height: end.y - start.y },
  };
}

// The host of a closed shadow tree is told its root by the browser.
const closedRoots = (known.closed ??= { roots: new WeakMap(), asked: new WeakSet(), waiting: [], left: 256 });

function shadowOf(element) {
  return openShadowRoot(element) || closedRoots.roots.get(element) || null;
}

const MAY_HOST = oneOf('article aside blockquote body div footer h1 h2 h3 h4 h5 h6 header main nav p section span');

// Whether an element may be the host of a closed shadow tree: what is drawn of it has no other cause.
function mayHideShadow(element, tag) {
  if (closedRoots.left <= 0 || closedRoots.asked.has(element)) return false;
  if (!(tag.includes('-') || (MAY_HOST.has(tag) && firstChild(element) === null))) return false;
  if (openShadowRoot(element) || closedRoots.roots.has(element)) return false;
  if (tag.includes('-')) return true;
  const rect = rectOf(element);
  return rect.width > 8 && rect.height > 8;
}

function askOfShadow(element) {
  closedRoots.left--;
  closedRoots.asked.add(element);
  closedRoots.waiting.push(new WeakRef(element));
}

// Called with the elements' own realm: hosts, each followed by its closed root.
function noteClosed(pairs) {
  for (let index = 0; index + 1 < pairs.length; index += 2) closedRoots.roots.set(pairs[index], pairs[index + 1]);
  return pairs.length / 2;
}

function takeWaiting() {
  const waiting = closedRoots.waiting.splice(0).map((weak) => weak.deref());
  return waiting.filter((element) => element && isConnected(element));
}
