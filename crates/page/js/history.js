// The entries of the tab's history that this document may see: those of its origin around it.

// Never `history.state` from this world: once another world has read a state, Chromium 156
// gives the page's own scripts the one they read before.
function nearEntries() {
  const current = globalThis.navigation?.currentEntry;
  if (!current) return { current: null, key: '', entries: [] };
  // Entries that were made by one stub look like places of one document, and may be of several.
  const places = Object.getOwnPropertyDescriptor(globalThis, '__browserdPlaces')?.value ?? {};
  const isOwn = ({ key, sameDocument }) => sameDocument && places[key] === places[current.key];
  const near = navigation.entries().map(entry => ({ url: entry.url ?? '', own: isOwn(entry) }));
  return { current: current.index, key: current.key, entries: near };
}
