// The snapshot: a walk over what is drawn, then text of it.
//
// The walk makes entries `{role, name, ref, states, children}` and folds on its way what says
// nothing: wrappers, decoration, text that a name already has.

const INTERACTIVE = oneOf(
  'button checkbox combobox gridcell link listbox menuitem menuitemcheckbox menuitemradio option ' +
  'radio scrollbar searchbox slider spinbutton switch tab textbox treeitem');
// What people point at without acting on it.
const POINTED_AT = oneOf('alertdialog canvas dialog heading iframe img video audio');
const FOLDED = oneOf(
  'generic none paragraph strong emphasis code deletion insertion subscript superscript mark ' +
  'time term definition rowgroup suggestion caption document');
// These show as one line: what is in them is their name or their value.
const CLOSED = oneOf(
  'checkbox radio switch slider spinbutton progressbar meter scrollbar separator textbox ' +
  'searchbox img menuitemcheckbox menuitemradio option canvas video audio math');
// What SVG keeps to draw with, or doesn't draw.
const UNDRAWN = oneOf(
  'clipPath defs desc filter linearGradient marker mask metadata pattern radialGradient script style ' +
  'symbol title');
const CELLS = oneOf('cell gridcell columnheader rowheader');
const MAX_TEXT = 4000;

const checkedOf = reader(HTMLInputElement.prototype, 'checked');
const indeterminateOf = reader(HTMLInputElement.prototype, 'indeterminate');
const optionsOf = reader(HTMLSelectElement.prototype, 'options');
const optionSelected = reader(HTMLOptionElement.prototype, 'selected');
const optionDisabled = reader(HTMLOptionElement.prototype, 'disabled');
const isOpened = reader(HTMLDetailsElement.prototype, 'open');

class Walk {
  constructor(options, modals) {
    this.first = unusedFrom(options.next);
    this.counter = { next: this.first, left: options.limit };
    this.left = MAX_NODES;
    this.truncated = false;
    // The modal dialog on top of each document: what else the document shows is inert.
    this.modals = modals;
    this.lateModal = false;
    this.active = activeElement();
    this.pointed = activeDescendant(this.active);
    this.clickable = 0;
    this.urls = options.urls;
    this.hiddenToo = options.hidden;
    this.hidden = 0;
  }

  // Adds what `node` shows to `into`.
  visit(node, into, depth) {
    const type = nodeType(node);
    if (type === TEXT) {
      this.text(nodeValue(node), into);
      return;
    }
    if (type !== ELEMENT) return;
    if (this.left-- <= 0 || depth > MAX_DEPTH) {
      this.truncated = true;
      return;
    }
    this.element(node, into, depth);
  }

  text(text, into) {
    // No more of it is shown; a text may have megabytes.
    if (text.length > 4 * MAX_TEXT) {
      text = text.slice(0, 4 * MAX_TEXT);
      this.truncated = true;
    }
    const last = into[into.length - 1];
    if (last && last.role === 'text' && !last.ended) {
      if (last.name.length < MAX_TEXT) last.name += text;
    } else if (/\S/.test(text)) {
      const states = this.hidden > 0 ? 'hidden' : '';
      into.push({ role: 'text', name: text, ref: 0, states, children: [], ended: false });
    }
  }

  // Ends the run of text: what follows stands apart from it.
  end(into) {
    const last = into[into.length - 1];
    if (last && last.role === 'text') last.ended = true;
  }

  children(element, into, depth) {
    const inner = documentIn(element);
    if (inner) {
      const root = documentElementOf(inner);
      if (root) this.visit(root, into, depth + 1);
      return;
    }
    const walk = this;
    eachFlatChild(element, (child) => walk.visit(child, into, depth + 1));
  }

  element(element, into, depth) {
    const tag = tagOf(element);
    if (UNREAD.has(tag) || (tag === '' && UNDRAWN.has(localName(element)))) return;
    if (tag === 'br') {
      this.text(' ', into);
      return;
    }
    if (tag === 'dialog') this.meetDialog(element);
    if (this.modals.size > 0 && this.outsideModal(element)) return;
    const shown = drawn(element);
    const unseen = shown === false || hasAttribute(element, 'inert') ||
      (attribute(element, 'aria-hidden') === 'true' && element !== this.active);
    if (unseen || (shown === null && this.hiddenToo)) {
      if (!this.hiddenToo) return;
      this.hidden++;
      this.shown(element, tag, into, depth);
      this.hidden--;
      return;
    }
    if (shown === null) {
      // Not itself, nor its text, but perhaps elements in it.
      eachFlatChild(element, (child) => isElement(child) && this.visit(child, into, depth + 1));
      return;
    }
    if (mayHideShadow(element, tag)) askOfShadow(element);
    this.shown(element, tag, into, depth);
  }

  // A dialog in a shadow tree or a frame may be modal, too; then the walk begins anew with it.
  meetDialog(element) {
    const doc = ownerDocument(element);
    if (this.modals.has(doc) || !matches(element, ':modal')) return;
    this.modals.set(doc, element);
    this.lateModal = true;
  }

  shown(element, tag, into, depth) {
    const role = roleOf(element);
    const inline = FOLDED.has(role) && INLINE.has(tag) && styleOf(element).display.startsWith('inline');
    if (!inline) this.end(into);
    const entry = this.entryOf(element, tag, role, into, depth);
    if (entry) into.push(entry);
    if (!inline) this.end(into);
  }

  // Returns the element's entry, or null after its children went into `into` instead.
  entryOf(element, tag, role, into, depth) {
    const folded = FOLDED.has(role);
    const clickable = folded && this.isClickable(element);
    if (folded && !clickable && !isReachable(element)) {
      const within = tag === 'label' && labelsShownControl(element);
      if (!within) this.children(element, into, depth);
      else this.childrenOfLabel(element, into, depth);
      return null;
    }
    if (clickable) this.clickable++;
    const entry = this.describe(element, tag, role, folded, clickable, depth);
    if (clickable) this.clickable--;
    if (role === 'img' && entry.name === '' && entry.ref === 0) {
      // A drawing without a name is what it shows.
      for (const child of entry.children) into.push(child);
      return null;
    }
    return keep(entry) ? hoist(entry) : null;
  }

  // The label's text is its control's name; what else is in it is shown.
  childrenOfLabel(element, into, depth) {
    const inside = [];
    this.children(element, inside, depth);
    for (const entry of inside) if (entry.role !== 'text') into.push(entry);
  }

  describe(element, tag, role, folded, clickable, depth) {
    let { name, from } = folded
      ? { name: cut(collapse(attribute(element, 'aria-label') || '')), from: 'none' }
      : nameOf(element, role);
    // What is cut is told by what is in it.
    if (from === 'content' && name.length >= MAX_NAME && !CLOSED.has(role)) [name, from] = ['', 'none'];
    const children = [];
    const select = tag === 'select';
    if (select) {
      this.options(element, children);
    } else if (!CLOSED.has(role) || isOpen(element, role)) {
      this.children(element, children, depth);
    }
    if (folded && name === '') {
      // What can be clicked is told by what it shows.
      name = cut(collapse(children.filter((child) => child.role === 'text')
        .map((child) => child.name).join(' ')));
      from = 'content';
    }
    const entry = { role, name, ref: 0, states: statesOf(element, tag, role, this.active), children };
    if (FROM_CONTENT.has(role) || folded) dropSpokenText(entry, from);
    if (role === 'group' || role === 'figure' || role === 'table') dropNameText(entry);
    if (clickable) entry.states = join(entry.states, 'clickable');
    if (this.hidden > 0) entry.states = join(entry.states, 'hidden');
    if (element === this.pointed) entry.states = join(entry.states, 'active');
    if (this.urls && role === 'link') {
      const url = shortUrl(attribute(element, 'href') || '', element);
      if (url !== '') entry.states = join(entry.states, `url=${quote(url)}`);
    }
    if (isForeign(element)) entry.frame = frameHandle(element);
    const pointed = POINTED_AT.has(role) && (role !== 'img' || name !== '');
    if (INTERACTIVE.has(role) && role !== 'option' || pointed || clickable || isReachable(element) ||
        (role === 'option' && !optionOfSelect(element))) {
      entry.ref = numberOf(element, this.counter);
      if (entry.ref === 0) this.truncated = true;
    }
    return entry;
  }

  options(select, into) {
    const options = optionsOf(select);
    for (let index = 0; index < options.length; index++) {
      if (index >= 200) {
        this.truncated = true;
        return;
      }
      const option = options[index];
      const name = cut(collapse(optionLabel(option) || optionText(option)));
      let states = optionSelected(option) ? 'selected' : '';
      if (optionDisabled(option)) states = join(states, 'disabled');
      into.push({ role: 'option', name, ref: 0, states, children: [] });
    }
  }

  // Whether a mouse does something here that no role tells of.
  isClickable(element) {
    if (this.clickable > 0) return false;
    if (hasAttribute(element, 'onclick')) return true;
    if (!isHtml(element)) return false;
    if (tagOf(element) === 'label') return labelsHiddenControl(element);
    if (styleOf(element).cursor !== 'pointer') return false;
    // The pointer is inherited: only where it starts is something to click.
    const parent = flatParent(element);
    return !(parent && isElement(parent) && styleOf(parent).cursor === 'pointer');
  }

  outsideModal(element) {
    const modal = this.modals.get(ownerDocument(element));
    if (!modal) return false;
    for (let node = element; node; node = flatParent(node)) if (node === modal) return false;
    for (let node = modal; node; node = flatParent(node)) if (node === element) return false;
    return true;
  }
}

function topModals() {
  const modals = documentQueryAll(document, 'dialog:modal');
  return new Map(modals.length > 0 ? [[document, modals[modals.length - 1]]] : []);
}

// The element a widget that has the focus points at.
function activeDescendant(active) {
  const id = active && attribute(active, 'aria-activedescendant');
  return id ? byIds(active, id)[0] ?? null : null;
}

// What tells a link from others: without what its page's URL has as well, and without length.
function shortUrl(href, element) {
  let text = href.trim();
  if (text === '' || /^javascript:/i.test(text)) return '';
  try {
    const base = new URL(ownerDocument(element).baseURI);
    const url = new URL(text, base);
    if (url.origin === base.origin && url.origin !== 'null') {
      const here = url.pathname + url.search === base.pathname + base.search;
      text = here && url.hash ? url.hash : url.pathname + url.search + url.hash;
    } else {
      text = url.href;
    }
  } catch {
    // Shown as it is written.
  }
  text = collapse(text);
  return text.length > 100 ? `${text.slice(0, 70)}…${text.slice(-29)}` : text;
}

function activeElement() {
  let active = documentActive(document);
  for (let depth = 0; active && depth < 50; depth++) {
    const shadow = shadowRootOf(active);
    const inner = shadow ? shadowActive(shadow) : null;
    const doc = inner ? null : documentIn(active);
    const next = inner || (doc && documentActive(doc));
    if (!next) return active;
    active = next;
  }
  return active;
}

// Whether the keyboard gets there, beyond what the role tells.
function isReachable(element) {
  if (isEditingHost(element)) return true;
  const index = attribute(element, 'tabindex');
  return index !== null && Number(index) >= 0 && index.trim() !== '';
}

function optionOfSelect(element) {
  return tagOf(element) === 'option' && closest(element, 'select') !== null;
}

// What is drawn by SVG may have links, buttons and text; a picture has none.
function isOpen(element, role) {
  return role === 'img' && namespaceOf(element) === SVG && !hasAttribute(element, 'role');
}

function isToggle(control) {
  return tagOf(control) === 'input' &&
    (inputType(control) === 'checkbox' || inputType(control) === 'radio');
}

function labelsShownControl(label) {
  const control = labelControl(label);
  return control !== null && drawn(control) === true;
}

function labelsHiddenControl(label) {
  const control = labelControl(label);
  return control !== null && isToggle(control) && drawn(control) !== true;
}

function join(states, state) {
  return states === '' ? state : `${states}, ${state}`;
}

// Drops text that the name, made of the same content, has said already.
function dropSpokenText(entry, from) {
  if (entry.name === '' || from === 'none' || entry.role === 'row') return;
  if (entry.role === 'cell' && from === 'content' &&
      entry.children.some((child) => child.role !== 'text' && child.role !== 'img')) {
    // Its text is told where it stands, between what else is in it.
    entry.name = '';
    return;
  }
  entry.children = entry.children.filter((child) => {
    if (child.role === 'text') return from === 'author' && !saidIn(child.name, entry.name) &&
      entry.role !== 'button' && entry.role !== 'link';
    return child.ref !== 0 || child.children.length > 0 || (child.role !== 'img' && child.name === '');
  });
  if (entry.role === 'cell' || entry.role === 'gridcell' || entry.role === 'columnheader' || entry.role === 'rowheader' || entry.role === 'treeitem') {
    return;
  }
  // A picture or heading inside a link or button repeats it.
  entry.children = entry.children.filter((child) =>
    !(from === 'content' && (child.role === 'img' || (child.role === 'heading' && entry.role !== 'treeitem')) &&
      saidIn(child.name, entry.name) && child.children.length === 0));
}

function dropNameText(entry) {
  const [first] = entry.children;
  if (first && first.role === 'text' && collapse(first.name) === entry.name) entry.children.shift();
}

function saidIn(text, name) {
  return name.includes(collapse(text));
}

// Whether an entry says anything at all.
function keep(entry) {
  // An empty cell keeps the others in their columns.
  if (entry.role === 'row') return entry.ref !== 0 || entry.children.some(tells);
  return tells(entry) || CELLS.has(entry.role) || entry.role === 'separator' || entry.role === 'progressbar' || entry.role === 'meter' ||
    entry.role === 'alert' || entry.role === 'status' && entry.states !== '';
}

function tells(entry) {
  return entry.ref !== 0 || entry.name !== '' || entry.children.length > 0;
}

// Puts the only thing in an item or cell in its place, and plain text behind its role.
function hoist(entry) {
  const { role, children } = entry;
  if (role === 'row' && entry.ref === 0) return foldRow(entry);
  if (entry.ref !== 0 || entry.states !== '' || children.length !== 1) return entry;
  const [child] = children;
  if (child.role === 'text') {
    if (entry.name === '' || entry.name === collapse(child.name)) {
      entry.name = collapse(child.name);
      entry.children = [];
    }
    return entry;
  }
  const wraps = role === 'listitem' || role === 'cell' || role === 'group' && entry.name === '';
  return wraps ? child : entry;
}

// A row of plain cells is one line.
function foldRow(row) {
  const cells = row.children;
  const plain = cells.length > 0 && cells.every((cell) =>
    (cell.role === 'cell' || cell.role === 'columnheader' || cell.role === 'rowheader') &&
    cell.ref === 0 && cell.states === '' && cell.children.length === 0);
  if (plain) {
    const header = cells.every((cell) => cell.role === 'columnheader');
    row.name = cells.map((cell) => cell.name).join(' | ');
    row.children = [];
    if (header) row.states = join(row.states, 'header');
  } else {
    // The cells below say the same.
    row.name = '';
  }
  return row;
}

function statesOf(element, tag, role, active) {
  let states = '';
  const aria = (name) => attribute(element, `aria-${name}`);
  const toggle = tag === 'input' && isToggle(element);
  if (toggle ? checkedOf(element) : aria('checked') === 'true') states = join(states, 'checked');
  if (toggle ? indeterminateOf(element) : aria('checked') === 'mixed') states = join(states, 'mixed');
  if (isDisabled(element)) states = join(states, 'disabled');
  if (element === active && role !== 'generic' && role !== 'document') states = join(states, 'focused');
  if (aria('pressed') === 'true') states = join(states, 'pressed');
  if (aria('pressed') === 'mixed') states = join(states, 'mixed');
  if (aria('selected') === 'true') states = join(states, 'selected');
  const details = tag === 'summary' ? parentNode(element) : null;
  const expanded = details && isElement(details) && tagOf(details) === 'details'
    ? String(isOpened(details)) : aria('expanded');
  if (expanded === 'true') states = join(states, 'expanded');
  if (expanded === 'false') states = join(states, 'collapsed');
  if (role === 'heading') states = join(states, `level=${headingLevel(element, tag)}`);
  if (INTERACTIVE.has(role) && hasOwnState(tag, element, 'required')) states = join(states, 'required');
  if (INTERACTIVE.has(role) && hasOwnState(tag, element, 'readonly')) states = join(states, 'readonly');
  if (isModal(element, tag, role)) states = join(states, 'modal');
  if (aria('busy') === 'true') states = join(states, 'busy');
  const popup = aria('haspopup');
  if (popup && popup !== 'false' && role !== 'combobox') states = join(states, popup === 'true' ? 'popup' : `popup=${word(popup)}`);
  const sort = aria('sort');
  if (sort && sort !== 'none') states = join(states, `sort=${word(sort)}`);
  states = placesOf(states, aria, role);
  const invalid = aria('invalid');
  if (invalid && invalid !== 'false') states = join(states, 'invalid');
  const current = aria('current');
  if (current && current !== 'false') states = join(states, current === 'true' ? 'current' : `current=${word(current)}`);
  const value = shownValue(element, tag, role);
  if (value) states = join(states, `value=${quote(value)}`);
  return states;
}

// Where an item stands in a set of which the page may have a part only, and how large a table is.
function placesOf(states, aria, role) {
  const size = whole(aria('setsize'));
  const at = whole(aria('posinset'));
  if (at && size) states = join(states, `pos=${at}/${size}`);
  else if (at) states = join(states, `pos=${at}`);
  if (role === 'table' || role === 'grid' || role === 'treegrid') {
    const rows = whole(aria('rowcount'));
    if (rows) states = join(states, `rows=${rows}`);
  }
  if (role === 'row') {
    const row = whole(aria('rowindex'));
    if (row) states = join(states, `row=${row}`);
  }
  return states;
}

function whole(text) {
  return text && /^\d{1,9}$/.test(text.trim()) ? text.trim() : '';
}

function isModal(element, tag, role) {
  if (tag === 'dialog' && matches(element, ':modal')) return true;
  return (role === 'dialog' || role === 'alertdialog') && attribute(element, 'aria-modal') === 'true';
}

function hasOwnState(tag, element, name) {
  const native = (tag === 'input' || tag === 'textarea' || tag === 'select') && hasAttribute(element, name);
  return native || attribute(element, `aria-${name}`) === 'true';
}

function word(text) {
  return text.replace(/[^\w-]/g, '').slice(0, 20);
}

function headingLevel(element, tag) {
  const level = Number(attribute(element, 'aria-level'));
  if (level >= 1) return Math.floor(level);
  return /^h[1-6]$/.test(tag) ? Number(tag[1]) : 2;
}

function shownValue(element, tag, role) {
  if (role === 'textbox' || role === 'searchbox' || role === 'combobox' || role === 'spinbutton' ||
      role === 'slider') {
    const value = tag === 'select' ? '' : fieldValue(element) ??
      attribute(element, 'aria-valuetext') ?? attribute(element, 'aria-valuenow') ?? '';
    return cut(collapse(value));
  }
  if (role === 'progressbar' || role === 'meter' || role === 'scrollbar') {
    return attribute(element, 'aria-valuetext') ?? attribute(element, 'aria-valuenow') ??
      attribute(element, 'value') ?? '';
  }
  if (tag === 'input' && (inputType(element) === 'color' || inputType(element) === 'file')) {
    return cut(collapse(inputValue(element)));
  }
  return '';
}

function isDisabled(element) {
  if (isHtml(element) && matches(element, ':disabled')) return true;
  return closest(element, '[aria-disabled=true]') !== null;
}

function quote(text) {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

// Writes entries as lines, within the bounds.
class Writer {
  constructor(options) {
    this.lines = [];
    this.left = options.maxBytes;
    this.maxDepth = options.maxDepth ?? Infinity;
    this.onlyInteractive = options.interactiveOnly;
    this.truncated = false;
    this.full = false;
    this.base = options.depth ?? 0;
    this.newFrom = options.newFrom;
    this.frames = [];
    this.fresh = [];
  }

  all(entries, depth) {
    for (const entry of entries) {
      if (this.full) return;
      this.entry(entry, depth);
    }
  }

  entry(entry, depth) {
    if (depth >= this.maxDepth) {
      this.truncated = true;
      return;
    }
    if (this.onlyInteractive && !(entry.ref !== 0 && entry.role !== 'heading' && entry.role !== 'img')) {
      this.all(entry.children, depth);
      return;
    }
    this.line(entry, depth);
    const inner = this.onlyInteractive ? depth : depth + 1;
    if (entry.frame !== undefined && !this.full) {
      this.frames.push([this.lines.length - 1, this.base + inner, entry.frame]);
    }
    this.all(entry.children, inner);
  }

  line(entry, depth) {
    let line = '  '.repeat(Math.min(this.base + depth, 40)) + entry.role;
    const name = entry.role === 'text' ? collapse(entry.name).slice(0, MAX_TEXT) : entry.name;
    if (name !== '') line += ` ${quote(name)}`;
    if (entry.ref !== 0) line += ` @e${entry.ref}`;
    if (entry.states !== '') line += ` [${entry.states}]`;
    const size = byteLength(line) + 1;
    if (size > this.left) {
      this.truncated = true;
      this.full = true;
      return;
    }
    this.left -= size;
    if (entry.ref >= this.newFrom) this.fresh.push(this.lines.length);
    this.lines.push(line);
  }
}

function byteLength(text) {
  // Plain text is the rule, and counting it is fast.
  if (/^[\x00-\x7f]*$/.test(text)) return text.length;
  return new TextEncoder().encode(text).length;
}

function snapshotFrom(root, options, whole) {
  sweepRefs();
  closedRoots.waiting.length = 0;
  const modals = topModals();
  let walk;
  let entries;
  let next = options.next;
  // Each walk may meet a modal dialog that the one before knew nothing of.
  for (let tries = 0; tries < 4; tries++) {
    walk = new Walk({ ...options, next }, modals);
    entries = [];
    if (root) walk.visit(root, entries, 0);
    next = walk.counter.next;
    if (!walk.lateModal) break;
  }
  // What nobody was shown before is new, but for what a document shows at first.
  // A walk that repeats the last one marks what that would have marked.
  if (!options.again) known.newFrom = known.shownOnce ? (known.shownUpTo ?? 0) + 1 : Infinity;
  const { newFrom } = known;
  if (whole) known.shownOnce = true;
  known.shownUpTo = next - 1;
  const writer = new Writer({ ...options, newFrom });
  writer.all(entries, 0);
  return {
    text: writer.lines.join('\n'),
    lines: writer.lines.length,
    next,
    url: location.href,
    title: titleOf(document),
    truncated: walk.truncated || writer.truncated,
    frames: writer.frames,
    fresh: writer.fresh,
    hosts: closedRoots.waiting.length,
    modal: modals.size > 0,
  };
}

function snapshot(options) {
  return snapshotFrom(documentElementOf(document), options, true);
}

function snapshotOf(options) {
  const found = locate(options.target, true);
  if (found.is) return found;
  return { is: 'ok', value: snapshotFrom(found.node, options, false) };
}
