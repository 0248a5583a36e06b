// Fields and other controls: what can be done with them, and doing it.

const TYPED = oneOf('text search email url tel password number');
const PICKED = oneOf('date time month week datetime-local color range');
const setInputValue = setter(HTMLInputElement.prototype, 'value');
const setSelected = setter(HTMLOptionElement.prototype, 'selected');
const optionValue = reader(HTMLOptionElement.prototype, 'value');
const isMultiple = reader(HTMLSelectElement.prototype, 'multiple');
const selectInput = caller(HTMLInputElement.prototype, 'select');
const selectArea = caller(HTMLTextAreaElement.prototype, 'select');
const setInputRange = caller(HTMLInputElement.prototype, 'setSelectionRange');
const setAreaRange = caller(HTMLTextAreaElement.prototype, 'setSelectionRange');
const send = caller(EventTarget.prototype, 'dispatchEvent');

function setter(prototype, name) {
  const { set } = Object.getOwnPropertyDescriptor(prototype, name);
  return (node, value) => set.call(node, value);
}

const ok = (value) => ({ is: 'ok', value });
const invalid = (argument, reason) => ({ is: 'invalid', argument, reason });

// The control that is meant: a label stands for its own.
function controlOf(target) {
  const found = locate(target);
  if (found.is) return found;
  const control = tagOf(found.node) === 'label' ? labelControl(found.node) : null;
  return { node: control || found.node };
}

// What a field lacks to be written into; undefined if nothing.
function lacks(element) {
  if (!isVisible(element)) return { is: 'notVisible' };
  if (isDisabled(element)) return { is: 'disabled' };
  const tag = tagOf(element);
  const readonly = ((tag === 'input' || tag === 'textarea') && matches(element, ':read-only')) ||
    attribute(element, 'aria-readonly') === 'true';
  return readonly ? { is: 'readOnly' } : undefined;
}

function isEditable(element) {
  const tag = tagOf(element);
  if (tag === 'textarea') return true;
  if (tag === 'input') return TYPED.has(inputType(element));
  return isHtml(element) && isContentEditable(element);
}

function fillable({ target, text }) {
  const found = controlOf(target);
  if (found.is) return found;
  const element = found.node;
  const tag = tagOf(element);
  const type = tag === 'input' ? inputType(element) : '';
  if (tag === 'select') return invalid('target', 'it is a <select>; use select');
  if (type === 'checkbox' || type === 'radio') return invalid('target', `it is a ${type}; use check`);
  if (type === 'file') return invalid('target', 'it takes files, not text');
  if (!isEditable(element) && !PICKED.has(type)) {
    return invalid('target', 'it is not a field that takes text');
  }
  const missing = lacks(element);
  if (missing && !(missing.is === 'readOnly' && PICKED.has(type) && !hasAttribute(element, 'readonly'))) {
    return missing;
  }
  if (type === 'number' && text.trim() !== '' && !Number.isFinite(Number(text))) {
    return invalid('text', 'the field takes numbers only');
  }
  return ok(PICKED.has(type) ? 'set' : 'insert');
}

function typable({ target }) {
  const found = controlOf(target);
  if (found.is) return found;
  if (!isEditable(found.node)) return focusable({ target });
  return lacks(found.node) || ok(true);
}

function focusable({ target }) {
  const found = controlOf(target);
  if (found.is) return found;
  if (!isVisible(found.node)) return { is: 'notVisible' };
  if (isDisabled(found.node)) return { is: 'disabled' };
  return ok(true);
}

// Gives the focus; `select` says what of its text is selected then.
function focus({ target, select }) {
  const found = controlOf(target);
  if (found.is) return found;
  const element = found.node;
  if (isHtml(element)) focusOf(element);
  else if (namespaceOf(element) === SVG) svgFocus(element);
  const active = activeElement();
  const has = active === element || (active && reachesUp(active, element)) ||
    (active && isHtml(element) && isContentEditable(element) && reachesUp(element, active));
  if (!has && isEditable(element)) return { is: 'unfocused' };
  if (select === 'keep') return ok(null);
  const rich = isHtml(element) && isContentEditable(element);
  const heard = rich ? selectionHeard(ownerDocument(element)) : null;
  selectText(element, select === 'all');
  return heard ?? ok(null);
}

const listenTo = caller(EventTarget.prototype, 'addEventListener');

// Rich editors go by the event, and it comes a frame later; none does if nothing was changed.
function selectionHeard(page) {
  return new Promise(done => {
    listenTo(page, 'selectionchange', () => setTimeout(done, 0, ok(null)), { once: true });
    setTimeout(done, 100, ok(null));
  });
}

function reachesUp(node, ancestor) {
  for (let at = node; at; at = flatParent(at)) if (at === ancestor) return true;
  return false;
}

function selectText(element, all) {
  const tag = tagOf(element);
  try {
    if (tag === 'input') {
      const end = inputValue(element).length;
      if (all) selectInput(element);
      else setInputRange(element, end, end);
    } else if (tag === 'textarea') {
      const end = areaValue(element).length;
      if (all) selectArea(element);
      else setAreaRange(element, end, end);
    } else if (isHtml(element) && isContentEditable(element)) {
      const selection = windowOf(ownerDocument(element)).getSelection();
      selection.selectAllChildren(element);
      if (!all) selection.collapseToEnd();
    }
  } catch {
    // Numbers and e-mail addresses have no range; the caret is where the focus put it.
  }
}

function changed(element) {
  send(element, new Event('input', { bubbles: true, composed: true }));
  send(element, new Event('change', { bubbles: true }));
}

function setField({ target, text }) {
  const found = controlOf(target);
  if (found.is) return found;
  const element = found.node;
  focusOf(element);
  setInputValue(element, text);
  const now = inputValue(element);
  const same = inputType(element) === 'color' ? now.toLowerCase() === text.toLowerCase()
    : inputType(element) === 'range' ? Number(now) === Number(text) : now === text || now.startsWith(text);
  changed(element);
  return same || text === '' ? ok(null)
    : invalid('text', `a ${inputType(element)} field doesn't take it; write ${sampleOf(inputType(element))}`);
}

function sampleOf(type) {
  return { date: '2026-12-31', time: '23:59', month: '2026-12', week: '2026-W53', color: '#aabbcc',
    'datetime-local': '2026-12-31T23:59', range: 'a number within its bounds' }[type];
}

// Null if the field holds the text, written the page's way; otherwise what is wrong.
async function kept({ target, text }) {
  // What a framework does about the input it does before its next timer.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const found = controlOf(target);
  if (found.is) return found;
  const held = tagOf(found.node) === 'textarea' || tagOf(found.node) === 'input'
    ? rawValue(found.node) : innerTextOf(found.node);
  const plain = (value) => value.replace(/\r\n?/g, '\n').replace(/\u00a0/g, ' ').trim();
  const bare = (value) => value.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();
  if (plain(held) === plain(text) || (bare(text) !== '' && bare(held) === bare(text))) return ok(null);
  if (tagOf(found.node) === 'input' && inputType(found.node) === 'number' && Number(held) === Number(text) && held !== '') {
    return ok(null);
  }
  if (!isHtml(found.node) || !oneLine(found.node)) {
    if (collapse(held) === collapse(text)) return ok(null);
  }
  return ok(`the field holds ${held.length} characters other than the ${text.length} that were filled in`);
}

function rawValue(element) {
  return tagOf(element) === 'textarea' ? areaValue(element) : inputValue(element);
}

function oneLine(element) {
  return tagOf(element) === 'input';
}

function checked({ target }) {
  const found = controlOf(target);
  if (found.is) return found;
  const element = found.node;
  if (isToggle(element)) {
    const on = checkedOf(element) && !indeterminateOf(element);
    return ok({ checked: on, radio: inputType(element) === 'radio' });
  }
  const role = roleOf(element);
  const state = attribute(element, 'aria-checked') ?? attribute(element, 'aria-pressed');
  if (state === null && !oneOf('checkbox radio switch menuitemcheckbox menuitemradio').has(role)) {
    return invalid('target', 'it is nothing that can be checked');
  }
  return ok({ checked: state === 'true', radio: role === 'radio' || role === 'menuitemradio' });
}

// Whether options can be chosen: at once in a `<select>`, or one by one in a list of the page's own.
function selectable({ target, values }) {
  const found = controlOf(target);
  if (found.is) return found;
  const element = found.node;
  if (tagOf(element) !== 'select') return listed(element, values);
  if (!isVisible(element)) return { is: 'notVisible' };
  if (isDisabled(element)) return { is: 'disabled' };
  if (values.length > 1 && !isMultiple(element)) {
    return invalid('values', 'only one option can be chosen here');
  }
  for (const value of values) {
    const told = typeof value === 'number' ? `number ${value}` : quote(value.slice(0, 100));
    const option = optionFor(element, value);
    if (!option) return { is: 'noOption', what: `no option ${told}` };
    if (optionDisabled(option)) return { is: 'noOption', what: `the option ${told} is disabled` };
  }
  return ok('select');
}

const LISTS = oneOf('combobox listbox menu tree grid radiogroup');

function listed(element, values) {
  const role = roleOf(element);
  const popup = attribute(element, 'aria-haspopup');
  const opens = role === 'combobox' || (popup !== null && popup !== 'false' && popup !== 'dialog');
  if (!opens && !LISTS.has(role)) {
    return invalid('target', 'it is no list of options; click it, then click the option');
  }
  if (!isVisible(element)) return { is: 'notVisible' };
  if (isDisabled(element)) return { is: 'disabled' };
  const many = attribute(element, 'aria-multiselectable') === 'true';
  if (values.length !== 1 && !many) return invalid('values', 'one option can be chosen here');
  return ok(opens ? 'opens' : 'list');
}

// Whether a list of the page's own has to be opened by a click.
function opensList({ target }) {
  const found = controlOf(target);
  if (found.is) return found;
  return ok(attribute(found.node, 'aria-expanded') !== 'true');
}

const OPTIONS = oneOf('option menuitem menuitemradio menuitemcheckbox treeitem radio gridcell');

// Where to click for an option of the list that belongs to an element, once it is there.
async function listOption({ target, value }) {
  const found = controlOf(target);
  if (found.is) return found;
  const options = [];
  for (const within of listsOf(found.node)) {
    for (const element of byCss('[role]')) {
      if (OPTIONS.has(roleOf(element)) && element !== found.node && reachesUp(element, within) && isVisible(element)) {
        options.push(element);
      }
    }
    if (options.length > 0) break;
  }
  const names = options.map((option) => collapse(nameOf(option, roleOf(option)).name));
  const wanted = typeof value === 'number' ? '' : collapse(value).toLowerCase();
  let index = typeof value === 'number' ? value : options.findIndex((option) => attribute(option, 'data-value') === value);
  if (index < 0) index = names.findIndex((name) => name.toLowerCase() === wanted);
  const option = options[index];
  if (!option) {
    const some = names.slice(0, 8).map((name) => quote(name.slice(0, 40))).join(', ');
    const told = typeof value === 'number' ? `number ${value}` : quote(value.slice(0, 100));
    return { is: 'noOption', what: `no option ${told} in the list${some ? ` of ${some}` : ''}` };
  }
  if (isDisabled(option)) return { is: 'disabled' };
  if (meet(option).is !== 'ok') reveal(option, 'nearest');
  if (!(await isStable(option))) return { is: 'moving' };
  return meet(option);
}

// What the options of a list may be in: what it controls, itself, and the rest of the page.
function listsOf(element) {
  const ids = `${attribute(element, 'aria-controls') || ''} ${attribute(element, 'aria-owns') || ''}`;
  const root = rootOf(element);
  const byId = nodeType(root) === DOCUMENT ? documentById : fragmentById;
  const named = ids.split(/\s+/).filter(Boolean).map((id) => byId(root, id)).filter(Boolean);
  return [...named, element, documentElementOf(documentOf(root) || document)];
}

function optionFor(select, value) {
  const options = Array.from(optionsOf(select));
  if (typeof value === 'number') return options[value];
  const label = collapse(value);
  const labelled = (option) => collapse(optionLabel(option) || optionText(option));
  return options.find((option) => optionValue(option) === value) ||
    options.find((option) => labelled(option) === label) ||
    options.find((option) => labelled(option).toLowerCase() === label.toLowerCase());
}

function select({ target, values }) {
  const ready = selectable({ target, values });
  if (ready.is !== 'ok') return ready;
  const element = controlOf(target).node;
  focusOf(element);
  const wanted = new Set(values.map((value) => optionFor(element, value)));
  let different = false;
  for (const option of optionsOf(element)) {
    if (optionSelected(option) !== wanted.has(option)) different = true;
  }
  if (isMultiple(element)) {
    for (const option of optionsOf(element)) setSelected(option, wanted.has(option));
  } else {
    for (const option of wanted) setSelected(option, true);
  }
  if (different) changed(element);
  return ok(null);
}

function visible({ target }) {
  const found = locate(target);
  if (found.is) return found;
  return isVisible(found.node) ? ok(true) : { is: 'notVisible' };
}

function revealed({ target }) {
  const found = locate(target);
  if (found.is) return found;
  reveal(found.node);
  return ok(null);
}

// The element's box in the page, scrolled into view first.
async function area({ target }) {
  const found = locate(target);
  if (found.is) return found;
  const element = found.node;
  if (!isVisible(element)) return { is: 'notVisible' };
  reveal(element);
  if (!(await isStable(element))) return { is: 'moving' };
  const rect = rectOf(element);
  const start = toTop(ownerDocument(element), rect.left, rect.top);
  const end = toTop(ownerDocument(element), rect.right, rect.bottom);
  // A frame's own viewport is led on to the page by the frames around it.
  const isTop = globalThis.parent === globalThis;
  const scrolled = isTop ? { x: scrollX, y: scrollY } : { x: 0, y: 0 };
  return ok({
    x: start.x + scrolled.x, y: start.y + scrolled.y, width: end.x - start.x, height: end.y - start.y,
  });
}
