// Text typed into elements that are editable and no fields. What such an element held at first
// is written nowhere, so only one that somebody has typed into is read. Kept is its content as
// HTML of text, marks and links; anything that could act stays where it is and is told.

const MAX_EDITED = 64 * 1024;
const EDITED = oneOf('a abbr b bdi bdo big blockquote br cite code dd del details dfn div dl dt em figcaption ' +
  'figure font h1 h2 h3 h4 h5 h6 hr i ins kbd label li mark ol p pre q rp rt ruby s samp section small span ' +
  'strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr');
const EDITED_ATTRIBUTES = oneOf('align class color colspan contenteditable dir draggable face hidden href id lang ' +
  'name rel role rowspan size spellcheck start style tabindex target title type value');

known.edited ??= new WeakSet();

// The outermost element that is edited together with `element`.
function editedHost(element) {
  let host = null;
  for (let node = element; node && isElement(node); node = parentNode(node)) {
    if (!isHtml(node) || !isContentEditable(node)) break;
    host = node;
  }
  return host;
}

if (!known.followsEdited) {
  known.followsEdited = true;
  addEventListener('input', (event) => {
    const target = event.composedPath()[0];
    const host = target && nodeType(target) === ELEMENT ? editedHost(target) : null;
    if (host) known.edited.add(host);
  }, { capture: true, passive: true });
}

// What our world in the element's own frame knows.
function knownThere(element) {
  const doc = ownerDocument(element);
  if (doc === document) return known;
  return Object.getOwnPropertyDescriptor(windowOf(doc) || {}, '__browserdRefs')?.value;
}

const isEdited = (element) => isHtml(element) && Boolean(knownThere(element)?.edited?.has(element));
const attributesOf = reader(Element.prototype, 'attributes');
const innerHtmlOf = reader(Element.prototype, 'innerHTML');
const putChildren = caller(Element.prototype, 'replaceChildren');

// Whether nothing in it does more than show itself.
function isTame(element) {
  const rest = [];
  eachChild(element, (child) => rest.push(child));
  let left = 5000;
  while (rest.length > 0) {
    const node = rest.pop();
    if (left-- <= 0) return false;
    if (nodeType(node) === TEXT) continue;
    if (!isElement(node) || !EDITED.has(tagOf(node)) || shadowRootOf(node)) return false;
    for (const { name, value } of attributesOf(node)) {
      if (!EDITED_ATTRIBUTES.has(name) && !/^(aria|data)-/.test(name)) return false;
      if (name === 'href' && !/^(https?:|mailto:|tel:|[#/?])/i.test(value)) return false;
      if (name === 'style' && /url\(|image|expression/i.test(value)) return false;
    }
    eachChild(node, (child) => rest.push(child));
  }
  return true;
}

// What an element that was typed into holds; null if it can't be kept.
function editedContent(element) {
  if (!isTame(element)) return null;
  const html = innerHtmlOf(element);
  return html.length <= MAX_EDITED ? html : null;
}

// Puts the content back; what a page's editor makes of it is seen when it is read again.
function putEdited(element, html) {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const body = bodyOf(parsed);
  if (!isTame(body)) return;
  const doc = ownerDocument(element);
  const nodes = [];
  eachChild(body, (node) => nodes.push(doc.importNode(node, true)));
  putChildren(element, ...nodes);
  knownThere(element)?.edited?.add(element);
  send(element, new InputEvent('input', { bubbles: true, composed: true, inputType: 'insertText' }));
}
