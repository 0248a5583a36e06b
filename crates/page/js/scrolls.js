// How far elements inside of the page are scrolled: read for a checkpoint and put back from one.

const MAX_SCROLLED = 50;
const scrollElement = caller(Element.prototype, 'scrollTo');

// Each element that is scrolled, but for the page itself; `whole` is false if there were more.
function readScrolls() {
  const scrolls = [];
  let whole = true;
  const own = documentElementOf(document);
  everyElement((element) => {
    if (element === own) return false;
    const [x, y] = [scrollLeftOf(element), scrollTopOf(element)];
    if (x === 0 && y === 0) return false;
    // The text of a field is scrolled by its own caret.
    if (isField(element) && tagOf(element) !== 'textarea') return false;
    if (scrolls.length >= MAX_SCROLLED) {
      whole = false;
      return true;
    }
    scrolls.push({ tag: localName(element), id: (attribute(element, 'id') || '').slice(0, 200), place: routeOf(element), x, y });
    return false;
  });
  return { url: location.href, scrolls, whole };
}

// Scrolls elements as they appear and grow long enough; tells whether all are where they were.
async function restoreScrolls({ scrolls, millis }) {
  const until = performance.now() + millis;
  for (;;) {
    const missing = new Set(scrolls);
    const tags = new Set(scrolls.map(({ tag }) => tag));
    everyElement((element) => {
      if (!tags.has(localName(element))) return false;
      const id = (attribute(element, 'id') || '').slice(0, 200);
      for (const wanted of missing) {
        if (wanted.tag !== localName(element) || wanted.id !== id || wanted.place !== routeOf(element)) continue;
        const near = () => Math.abs(scrollLeftOf(element) - wanted.x) < 1.5 && Math.abs(scrollTopOf(element) - wanted.y) < 1.5;
        if (!near()) {
          // Smooth scrolling would be on its way for a while.
          scrollElement(element, { left: wanted.x, top: wanted.y, behavior: 'instant' });
        }
        if (near()) missing.delete(wanted);
        break;
      }
      return missing.size === 0;
    });
    if (missing.size === 0) return true;
    if (performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
