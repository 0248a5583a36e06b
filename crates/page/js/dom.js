// The DOM, read through this world's own prototypes: a form control named `children` or
// `getAttribute` hides its form's property of that name, in every world.

const reader = (prototype, name) => {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name);
  return (node) => get.call(node);
};
const caller = (prototype, name) => {
  const method = prototype[name];
  return (node, ...rest) => method.call(node, ...rest);
};

const nodeType = reader(Node.prototype, 'nodeType');
const nodeValue = reader(Node.prototype, 'nodeValue');
const parentNode = reader(Node.prototype, 'parentNode');
const firstChild = reader(Node.prototype, 'firstChild');
const nextSibling = reader(Node.prototype, 'nextSibling');
const isConnected = reader(Node.prototype, 'isConnected');
const ownerDocument = reader(Node.prototype, 'ownerDocument');
const textContent = reader(Node.prototype, 'textContent');
const rootOf = caller(Node.prototype, 'getRootNode');
const localName = reader(Element.prototype, 'localName');
const namespaceOf = reader(Element.prototype, 'namespaceURI');
const openShadowRoot = reader(Element.prototype, 'shadowRoot');
// Closed ones, too, as far as the browser has told them.
const shadowRootOf = (element) => shadowOf(element);
const slotOf = reader(Element.prototype, 'assignedSlot');
const textSlotOf = reader(Text.prototype, 'assignedSlot');
const attribute = (() => {
  const { getAttribute } = Element.prototype;
  return (element, name) => getAttribute.call(element, name);
})();
const hasAttribute = caller(Element.prototype, 'hasAttribute');
const matches = caller(Element.prototype, 'matches');
const closest = caller(Element.prototype, 'closest');
const rectOf = caller(Element.prototype, 'getBoundingClientRect');
const rectsOf = caller(Element.prototype, 'getClientRects');
const scrollIntoView = caller(Element.prototype, 'scrollIntoView');
const checkVisibility = caller(Element.prototype, 'checkVisibility');
const elementQuery = caller(Element.prototype, 'querySelector');
const elementQueryAll = caller(Element.prototype, 'querySelectorAll');
const clientLeft = reader(Element.prototype, 'clientLeft');
const clientTop = reader(Element.prototype, 'clientTop');
const offsetWidth = reader(HTMLElement.prototype, 'offsetWidth');
const offsetHeight = reader(HTMLElement.prototype, 'offsetHeight');
const isContentEditable = reader(HTMLElement.prototype, 'isContentEditable');
const tabIndexOf = reader(HTMLElement.prototype, 'tabIndex');
const innerTextOf = reader(HTMLElement.prototype, 'innerText');
const assignedNodes = caller(HTMLSlotElement.prototype, 'assignedNodes');
const frameDocument = reader(HTMLIFrameElement.prototype, 'contentDocument');
const oldFrameDocument = reader(HTMLFrameElement.prototype, 'contentDocument');
const inputType = reader(HTMLInputElement.prototype, 'type');
const documentElementOf = reader(Document.prototype, 'documentElement');
const headOf = reader(Document.prototype, 'head');
const bodyOf = reader(Document.prototype, 'body');
const titleOf = reader(Document.prototype, 'title');
const windowOf = reader(Document.prototype, 'defaultView');
const documentActive = reader(Document.prototype, 'activeElement');
const shadowActive = reader(ShadowRoot.prototype, 'activeElement');
const documentFromPoint = caller(Document.prototype, 'elementFromPoint');
const shadowFromPoint = caller(ShadowRoot.prototype, 'elementFromPoint');
const documentById = caller(Document.prototype, 'getElementById');
const fragmentById = caller(DocumentFragment.prototype, 'getElementById');
const documentQuery = caller(Document.prototype, 'querySelector');
const documentQueryAll = caller(Document.prototype, 'querySelectorAll');
const fragmentQueryAll = caller(DocumentFragment.prototype, 'querySelectorAll');
const styleOf = (element, pseudo) => getComputedStyle(element, pseudo);

const HTML = 'http://www.w3.org/1999/xhtml';
const SVG = 'http://www.w3.org/2000/svg';
const ELEMENT = 1;
const TEXT = 3;
const DOCUMENT = 9;
// Deeper trees are cut: real pages end far above, and the stack far below.
const MAX_DEPTH = 800;
// Longer walks are cut: they would hold the page.
const MAX_NODES = 100000;

const isElement = (node) => nodeType(node) === ELEMENT;
const isHtml = (element) => namespaceOf(element) === HTML;
const tagOf = (element) => (isHtml(element) ? localName(element) : '');
const oneOf = (text) => new Set(text.split(' '));

function collapse(text) {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u200b\u2060\ufeff]+/g, ' ').trim();
}

// The node that `node` is drawn in: through slots and out of shadow trees.
function flatParent(node) {
  const slot = isElement(node) ? slotOf(node) : nodeType(node) === TEXT ? textSlotOf(node) : null;
  if (slot) return slot;
  const parent = parentNode(node);
  // The parent of a shadow tree is its host.
  return parent && nodeType(parent) === 11 ? hostOf(parent) : parent;
}

const shadowHost = reader(ShadowRoot.prototype, 'host');
function hostOf(fragment) {
  try {
    return shadowHost(fragment);
  } catch {
    return null;
  }
}

// Calls `visit` with each node drawn directly in `element`.
function eachFlatChild(element, visit) {
  const shadow = shadowRootOf(element);
  if (shadow) {
    eachChild(shadow, visit);
    return;
  }
  if (tagOf(element) === 'slot') {
    const assigned = assignedNodes(element);
    if (assigned.length > 0) {
      for (const node of assigned) visit(node);
      return;
    }
  }
  eachChild(element, visit);
}

function eachChild(parent, visit) {
  for (let child = firstChild(parent); child; child = nextSibling(child)) visit(child);
}

// The document in a frame element, if this world may read it.
function documentIn(element) {
  const tag = tagOf(element);
  if (tag === 'iframe') return frameDocument(element);
  if (tag === 'frame') return oldFrameDocument(element);
  return null;
}

// The element that a document of a frame is shown in; null for the document of this world.
function frameElementOf(doc) {
  if (doc === document) return null;
  const view = windowOf(doc);
  return view ? view.frameElement : null;
}

function documentOf(node) {
  return nodeType(node) === DOCUMENT ? node : ownerDocument(node);
}

// Calls `visit` with every element in document order, through open shadow roots and the
// frames this world reaches. Stops when `visit` returns true.
function everyElement(visit) {
  const stack = [documentElementOf(document)];
  let left = MAX_NODES;
  while (stack.length > 0) {
    const element = stack.pop();
    if (!element) continue;
    if (left-- <= 0 || visit(element)) return;
    const inside = [];
    const inner = documentIn(element);
    if (inner) inside.push(documentElementOf(inner));
    const shadow = shadowRootOf(element);
    if (shadow) eachChild(shadow, (child) => isElement(child) && inside.push(child));
    eachChild(element, (child) => isElement(child) && inside.push(child));
    for (let index = inside.length - 1; index >= 0; index--) stack.push(inside[index]);
  }
}

// The roots that selectors are asked in: documents and open shadow trees.
function everyRoot() {
  const roots = [document];
  everyElement((element) => {
    const shadow = shadowRootOf(element);
    if (shadow) roots.push(shadow);
    const inner = documentIn(element);
    if (inner) roots.push(inner);
    return false;
  });
  return roots;
}

// Whether the element is drawn; `null` if only what is in it may be.
function drawn(element) {
  if (checkVisibility(element, { visibilityProperty: true })) return true;
  const style = styleOf(element);
  if (style.display === 'none') return false;
  if (style.display === 'contents') return style.visibility === 'visible' ? true : null;
  return style.visibility === 'visible' ? false : null;
}
