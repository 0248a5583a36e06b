// Runs in every document of a tab whose stubs were shared, before the page's scripts and apart
// from them; `places` has the document of each entry by its key.
places => {
  if (globalThis.parent !== globalThis || !globalThis.navigation) return;
  // For whoever reads which entries are the shown document's own.
  Object.defineProperty(globalThis, '__browserdPlaces', { configurable: true, value: places });
  const placeOf = entry => (entry && Object.hasOwn(places, entry.key) ? places[entry.key] : undefined);
  let leaving = false;
  const hide = event => {
    if (leaving) event.stopImmediatePropagation();
  };
  navigation.addEventListener('navigate', event => {
    if (event.navigationType !== 'traverse' || !event.destination.sameDocument) return;
    const [from, to] = [placeOf(navigation.currentEntry), placeOf(event.destination)];
    leaving = from !== undefined && to !== undefined && from !== to;
    hide(event);
  }, true);
  for (const name of ['currententrychange', 'navigatesuccess']) navigation.addEventListener(name, hide, true);
  addEventListener('hashchange', hide, true);
  addEventListener('popstate', event => {
    if (!leaving) return;
    event.stopImmediatePropagation();
    location.reload();
  }, true);
}
