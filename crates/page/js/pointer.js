// Where a pointer meets an element, and whether it would.

const focusOf = caller(HTMLElement.prototype, 'focus');
const svgFocus = caller(SVGElement.prototype, 'focus');

// Rectangles of the element that have an area, in its frame's viewport.
function boxesOf(element, depth = 0) {
  const boxes = [];
  const rects = rectsOf(element);
  for (let index = 0; index < rects.length && boxes.length < 8; index++) {
    if (rects[index].width > 0 && rects[index].height > 0) boxes.push(rects[index]);
  }
  if (boxes.length > 0 || depth > 8) return boxes;
  // A wrapper without a box of its own is where its content is.
  eachFlatChild(element, (child) => {
    if (boxes.length === 0 && isElement(child)) boxes.push(...boxesOf(child, depth + 1));
  });
  return boxes;
}

// The frame elements around a document, the innermost first.
function framesAround(doc) {
  const frames = [];
  for (let frame = frameElementOf(doc); frame; frame = frameElementOf(ownerDocument(frame))) {
    frames.push(frame);
  }
  return frames;
}

function isVisible(element) {
  if (drawn(element) !== true) return false;
  if (!framesAround(ownerDocument(element)).every((frame) => drawn(frame) === true)) return false;
  return boxesOf(element).length > 0;
}

// Where a frame's viewport lies in the viewport around it, and how it is scaled.
function placeOf(frame) {
  const rect = rectOf(frame);
  const style = styleOf(frame);
  const scaleX = offsetWidth(frame) > 0 ? rect.width / offsetWidth(frame) : 1;
  const scaleY = offsetHeight(frame) > 0 ? rect.height / offsetHeight(frame) : 1;
  return {
    x: rect.left + (clientLeft(frame) + parseFloat(style.paddingLeft)) * scaleX,
    y: rect.top + (clientTop(frame) + parseFloat(style.paddingTop)) * scaleY,
    scaleX,
    scaleY,
  };
}

// How a frame element is turned, sheared and scaled by itself and what it is in, if it is turned
// at all: the linear part [a, b, c, d]. Its middle stays the middle of its box.
function turnOf(frame) {
  let all = null;
  for (let node = frame; node; node = flatParent(node)) {
    if (!isElement(node)) continue;
    const style = styleOf(node);
    if (style.transform === 'none' && style.rotate === 'none') continue;
    all ??= new DOMMatrix();
    if (style.transform !== 'none') all = new DOMMatrix(style.transform).multiply(all);
    if (style.scale !== 'none') {
      const [x, y = x] = style.scale.split(' ').map(Number);
      all = new DOMMatrix().scale(x, y).multiply(all);
    }
    const turned = /^(-?[\d.]+)deg$/.exec(style.rotate);
    if (turned) all = new DOMMatrix().rotate(Number(turned[1])).multiply(all);
  }
  if (!all || (Math.abs(all.b) < 1e-6 && Math.abs(all.c) < 1e-6)) return null;
  const zoom = zoomOf(frame) || 1;
  return { a: all.a * zoom, b: all.b * zoom, c: all.c * zoom, d: all.d * zoom };
}

const zoomOf = reader(Element.prototype, 'currentCSSZoom');

// From a point of a frame's viewport to the one around it, and the other way.
function outOf(frame, x, y) {
  const turn = turnOf(frame);
  if (!turn) {
    const place = placeOf(frame);
    return { x: place.x + x * place.scaleX, y: place.y + y * place.scaleY };
  }
  const { left, top, middle } = insideOf(frame);
  const dx = x + left;
  const dy = y + top;
  return { x: middle.x + turn.a * dx + turn.c * dy, y: middle.y + turn.b * dx + turn.d * dy };
}

function into(frame, x, y) {
  const turn = turnOf(frame);
  if (!turn) {
    const place = placeOf(frame);
    return { x: (x - place.x) / place.scaleX, y: (y - place.y) / place.scaleY };
  }
  const { left, top, middle } = insideOf(frame);
  const dx = x - middle.x;
  const dy = y - middle.y;
  const area = turn.a * turn.d - turn.b * turn.c || 1;
  return { x: (turn.d * dx - turn.c * dy) / area - left, y: (turn.a * dy - turn.b * dx) / area - top };
}

// The middle of a frame's box, and its viewport's corner as seen from there.
function insideOf(frame) {
  const rect = rectOf(frame);
  const style = styleOf(frame);
  return {
    left: clientLeft(frame) + parseFloat(style.paddingLeft) - offsetWidth(frame) / 2,
    top: clientTop(frame) + parseFloat(style.paddingTop) - offsetHeight(frame) / 2,
    middle: { x: (rect.left + rect.right) / 2, y: (rect.top + rect.bottom) / 2 },
  };
}

// From a point of a document's viewport to the one of this world's document.
function toTop(doc, x, y) {
  for (const frame of framesAround(doc)) ({ x, y } = outOf(frame, x, y));
  return { x, y };
}

// The innermost element that gets input at a point, through shadow trees and frames.
function hitAt(x, y) {
  let doc = document;
  for (let depth = 0; depth < 50; depth++) {
    let hit = documentFromPoint(doc, x, y);
    for (let inner = hit; inner;) {
      const shadow = shadowRootOf(inner);
      inner = shadow ? shadowFromPoint(shadow, x, y) : null;
      if (inner === hit) break;
      if (inner) hit = inner;
    }
    const next = hit && documentIn(hit);
    if (!next) return hit;
    ({ x, y } = into(hit, x, y));
    doc = next;
  }
  return null;
}

// Whether input on `hit` is input on `element`.
function reaches(hit, element) {
  for (let node = hit; node; node = flatParent(node)) {
    if (node === element) return true;
    // A label's click is its control's.
    if (isElement(node) && tagOf(node) === 'label' && labelControl(node) === element) return true;
  }
  // What lets the pointer through belongs to the control around it.
  if (!isElement(element)) return false;
  const control = closest(element, 'a[href],button,label,summary,[role=button],[role=link]');
  return control !== null && control === hit;
}

function describe(element) {
  const tag = localName(element);
  const id = attribute(element, 'id');
  const classes = collapse(attribute(element, 'class') || '');
  let text = `<${tag}`;
  if (id) text += ` id="${collapse(id).slice(0, 60)}"`;
  else if (classes) text += ` class="${classes.slice(0, 60)}"`;
  text += '>';
  const label = collapse(attribute(element, 'aria-label') || textContent(element).slice(0, 500)).slice(0, 60);
  if (label) text += ` ${quote(label)}`;
  const number = known.numbers.get(element);
  return number === undefined ? text : `${text} @e${number}`;
}

// The covering element as a person would name it: the outermost around it that does not hold
// the target as well.
function coverOf(hit, element) {
  const around = new Set();
  for (let node = element; node; node = flatParent(node)) around.add(node);
  let cover = hit;
  for (let node = hit; node && !around.has(node); node = flatParent(node)) {
    if (isElement(node)) cover = node;
  }
  return describe(cover);
}

function reveal(element, block = 'center') {
  scrollIntoView(element, { block, inline: block === 'center' ? 'center' : 'nearest', behavior: 'instant' });
}

function nextFrame() {
  return new Promise((resolve) => {
    requestAnimationFrame(resolve);
    // A page that is not painted has no frames.
    setTimeout(resolve, 100);
  });
}

async function isStable(element) {
  let before = rectOf(element);
  for (let frame = 0; frame < 2; frame++) {
    await nextFrame();
    const now = rectOf(element);
    const moved = Math.abs(now.left - before.left) + Math.abs(now.top - before.top) +
      Math.abs(now.width - before.width) + Math.abs(now.height - before.height);
    if (moved > 0.5) return false;
    before = now;
  }
  return true;
}

// Points to try on a box, as far as it is in view: its middle first.
function pointsOf(box, view) {
  const left = Math.max(box.left, 0);
  const top = Math.max(box.top, 0);
  const right = Math.min(box.right, view.innerWidth);
  const bottom = Math.min(box.bottom, view.innerHeight);
  if (right <= left || bottom <= top) return [];
  const at = (x, y) => ({ x: left + (right - left) * x, y: top + (bottom - top) * y });
  return [at(0.5, 0.5), at(0.25, 0.25), at(0.75, 0.75), at(0.25, 0.75), at(0.75, 0.25)];
}

// An invisible checkbox is clicked by its label, as a person does.
function pointed(element) {
  if (!isToggle(element)) return element;
  const [box] = boxesOf(element);
  const style = styleOf(element);
  const hidden = !box || drawn(element) !== true || box.width < 3 || box.height < 3 ||
    style.opacity === '0' || style.clipPath !== 'none';
  if (!hidden) return element;
  const labels = labelsOf(element);
  const label = labels && Array.from(labels).find(isVisible);
  return label || element;
}

// `at` is a place on the element, from its upper left corner; elsewhere its middle is preferred.
function meet(element, place) {
  const doc = ownerDocument(element);
  const view = windowOf(doc);
  let cover = null;
  for (const box of boxesOf(element)) {
    for (const at of place ? placeOn(element, place, view) : pointsOf(box, view)) {
      const point = toTop(doc, at.x, at.y);
      const hit = hitAt(point.x, point.y);
      if (!hit) continue;
      if (reaches(hit, element)) return { is: 'ok', value: point };
      cover ||= hit;
    }
  }
  return cover ? { is: 'covered', what: coverOf(cover, element) } : { is: 'outOfView' };
}

function placeOn(element, { x, y }, view) {
  const rect = rectOf(element);
  const at = { x: rect.left + x, y: rect.top + y };
  return at.x >= 0 && at.y >= 0 && at.x < view.innerWidth && at.y < view.innerHeight ? [at] : [];
}

// Something that sticks to an edge covers what is scrolled there, and not what is scrolled
// elsewhere.
const EDGES = ['center', 'end', 'start', 'nearest'];

async function point({ target, enabled, at, hold }) {
  const found = locate(target);
  if (found.is) return found;
  // What something is to be dropped on is what was named before the page made room for it.
  if (hold) known.held = new WeakRef(found.node);
  const element = pointed(found.node);
  if (!isConnected(element)) return { is: 'detached' };
  if (!isVisible(element)) return { is: 'notVisible' };
  if (enabled && isDisabled(found.node)) return { is: 'disabled' };
  const place = at && element === found.node ? at : undefined;
  for (let edge = 0; edge < EDGES.length && meet(element, place).is !== 'ok'; edge++) {
    reveal(element, EDGES[edge]);
  }
  if (!(await isStable(element))) return { is: 'moving' };
  if (!isConnected(element)) return { is: 'detached' };
  if (enabled && isDisabled(found.node)) return { is: 'disabled' };
  return meet(element, place);
}

// Where to let something go. What is dragged may lie over it, and it may move under it.
function dropPoint() {
  const held = known.held?.deref();
  if (!held || !isConnected(held)) return { is: 'detached' };
  const element = pointed(held);
  if (!isVisible(element)) return { is: 'notVisible' };
  const doc = ownerDocument(element);
  const places = () => boxesOf(element).flatMap((box) => pointsOf(box, windowOf(doc)));
  let [place] = places();
  if (!place) {
    reveal(element);
    [place] = places();
  }
  return place ? ok(toTop(doc, place.x, place.y)) : { is: 'outOfView' };
}

// Hears whether a press that moves becomes a drag of the browser's own.
function watchDrag({ target }) {
  const found = locate(target, true);
  if (found.is) return found;
  const view = windowOf(ownerDocument(found.node));
  known.drag?.stop();
  const drag = { event: null, stop: () => view.removeEventListener('dragstart', drag.hear, true) };
  drag.hear = (event) => { drag.event = event; };
  view.addEventListener('dragstart', drag.hear, true);
  known.drag = drag;
  return ok(null);
}

async function dragSeen({ last }) {
  // What the move set off has run by then.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const { drag } = known;
  if (last) drag?.stop();
  return Boolean(drag?.event && !drag.event.defaultPrevented);
}
