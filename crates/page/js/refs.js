// Refs: numbers of elements. What is known lives as long as this world does; a newer script
// takes it over from an older one.

const known = (() => {
  const kept = Object.getOwnPropertyDescriptor(globalThis, '__browserdRefs');
  if (kept) return kept.value;
  const fresh = { numbers: new WeakMap(), nodes: new Map(), sweepAt: 4096 };
  Object.defineProperty(globalThis, '__browserdRefs', { value: fresh });
  return fresh;
})();

// Returns the element's number, a new one from `counter` if it has none yet.
function numberOf(element, counter) {
  const number = known.numbers.get(element);
  if (number !== undefined) return number;
  if (counter.left <= 0) return 0;
  counter.left--;
  const next = counter.next++;
  known.highest = next;
  known.numbers.set(element, next);
  known.nodes.set(next, new WeakRef(element));
  return next;
}

// Returns the first number from `next` on that this world never gave: whoever numbered its
// elements before may have died before telling how far it came.
function unusedFrom(next) {
  known.highest ??= Math.max(0, ...known.nodes.keys());
  return Math.max(next, known.highest + 1);
}

// Forgets numbers whose elements are collected, when there are many.
function sweepRefs() {
  if (known.nodes.size < known.sweepAt) return;
  for (const [number, weak] of known.nodes) {
    if (!weak.deref()) known.nodes.delete(number);
  }
  known.sweepAt = Math.max(4096, known.nodes.size * 2);
}

// Returns `{node}` or what became of it. Never another element.
function elementOfRef(number) {
  const weak = known.nodes.get(number);
  if (!weak) return { is: 'unknown' };
  const node = weak.deref();
  if (!node || !isConnected(node)) {
    return { is: 'stale', reason: 'its element was removed from the page' };
  }
  // A frame that was removed, or shows another document, leaves its old one without a window.
  for (let doc = ownerDocument(node); doc !== document; doc = ownerDocument(frameElementOf(doc))) {
    if (!windowOf(doc) || !frameElementOf(doc)) {
      return { is: 'stale', reason: 'the frame it was in shows another document or is gone' };
    }
  }
  return { node };
}
