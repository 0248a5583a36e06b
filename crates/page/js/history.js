// The entries of the tab's history that this document may see: those of its origin around it.

// Never `history.state` from this world: once another world has read a state, Chromium 156
// gives the page's own scripts the one they read before.
function nearEntries() {
  const current = globalThis.navigation?.currentEntry;
  if (!current) return { current: null, key: '', entries: [] };
  const near = navigation.entries().map(entry => ({ url: entry.url ?? '', own: entry.sameDocument }));
  return { current: current.index, key: current.key, entries: near };
}
