// Where the page is, where it is scrolled to, and watching for something to show.

async function here() {
  // What an event handler asked for, such as sending a form, starts in a task of its own.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return { url: location.href, title: titleOf(document) };
}

function middle() {
  return { x: innerWidth / 2, y: innerHeight / 2 };
}

function scrollPosition() {
  return [scrollX, scrollY];
}

function setScroll({ x, y }) {
  scrollTo({ left: x, top: y, behavior: 'instant' });
  return [scrollX, scrollY];
}

// Waits until nothing around a point moves any more.
async function scrollEnded({ x, y }) {
  const places = () => {
    const all = [scrollX, scrollY];
    for (let node = hitAt(x, y); node; node = flatParent(node)) {
      if (isElement(node)) all.push(scrollLeftOf(node), scrollTopOf(node));
    }
    return all.join();
  };
  let before = places();
  let still = 0;
  // The wheel's animation starts a few frames after its event.
  for (let frame = 0; frame < 90 && still < 6; frame++) {
    await nextFrame();
    const now = places();
    still = now === before ? still + 1 : 0;
    before = now;
  }
  return true;
}

const scrollLeftOf = reader(Element.prototype, 'scrollLeft');
const scrollTopOf = reader(Element.prototype, 'scrollTop');

async function watch({ target, state, text: wanted, millis }) {
  const until = performance.now() + millis;
  for (;;) {
    let now;
    try {
      now = target !== undefined ? seesElement(target, state) : seesText(wanted);
    } catch (error) {
      return { met: false, last: '', invalid: String(error.message || error) };
    }
    if (now === '') return { met: true, last: '' };
    if (performance.now() >= until) return { met: false, last: now };
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

// Empty if it is as wanted; otherwise how it stands.
function seesElement(target, state) {
  const found = every(target);
  if (state === 'attached') return found.length > 0 ? '' : 'no element matches';
  if (state === 'detached') return found.length > 0 ? 'it is still there' : '';
  const shown = found.some(isShown);
  if (state === 'hidden') return shown ? 'it is still visible' : '';
  if (shown) return '';
  return found.length > 0 ? 'it is there and not visible' : 'no element matches';
}

// All that a locator may mean. A number whose element is gone stays without one.
function every(target) {
  if (target.ref !== undefined) {
    const { node } = elementOfRef(target.ref);
    return node ? [node] : [];
  }
  if (target.nth === undefined) return candidates(target);
  const { node } = locate(target);
  return node ? [node] : [];
}

function seesText(wanted) {
  const text = collapse(wanted).toLowerCase();
  if (text === '') throw new Error('the text to wait for is empty');
  const page = visibleText(8 * 1024 * 1024).content;
  return collapse(page).toLowerCase().includes(text) ? '' : 'the page does not show it';
}
