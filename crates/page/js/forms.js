// What was typed and chosen, and where the focus is: read for a checkpoint and put back from
// one. Secrets are never read. A value goes only to a field that is known to be the same one.

const MAX_FIELDS = 500;
const SECRET = oneOf('one-time-code current-password new-password');
const SECRET_NAME = /passw|pwd|passcode|passphrase|secret|\botp\b|cvc|cvv|card.?num/i;
const inputDefault = reader(HTMLInputElement.prototype, 'defaultValue');
const areaDefault = reader(HTMLTextAreaElement.prototype, 'defaultValue');
const checkedDefault = reader(HTMLInputElement.prototype, 'defaultChecked');
const selectedDefault = reader(HTMLOptionElement.prototype, 'defaultSelected');
const setAreaValue = setter(HTMLTextAreaElement.prototype, 'value');
const setChecked = setter(HTMLInputElement.prototype, 'checked');
const clickOn = caller(HTMLElement.prototype, 'click');
const inputStart = reader(HTMLInputElement.prototype, 'selectionStart');
const inputEnd = reader(HTMLInputElement.prototype, 'selectionEnd');
const areaStart = reader(HTMLTextAreaElement.prototype, 'selectionStart');
const areaEnd = reader(HTMLTextAreaElement.prototype, 'selectionEnd');

known.secrets ??= new WeakSet();

function noteSecret(node) {
  if (node && nodeType(node) === ELEMENT && tagOf(node) === 'input' && inputType(node) === 'password') {
    known.secrets.add(node);
  }
}

// A password that is shown is a text field a moment later, and stays a secret.
if (!known.followsSecrets) {
  known.followsSecrets = true;
  const note = (event) => noteSecret(event.composedPath()[0]);
  for (const type of ['input', 'focusin', 'pointerdown']) addEventListener(type, note, { capture: true, passive: true });
  new MutationObserver((records) => {
    for (const { target, oldValue } of records) {
      if ((oldValue || '').trim().toLowerCase() === 'password') known.secrets.add(target);
    }
  }).observe(document, { subtree: true, attributes: true, attributeOldValue: true, attributeFilter: ['type'] });
}

function isSecret(element) {
  if (tagOf(element) === 'input' && inputType(element) === 'password') return true;
  const doc = ownerDocument(element);
  // A frame's own world follows its fields.
  const there = doc === document ? known
    : Object.getOwnPropertyDescriptor(windowOf(doc) || {}, '__browserdRefs')?.value;
  if (there?.secrets?.has(element)) return true;
  const words = (attribute(element, 'autocomplete') || '').toLowerCase().split(/\s+/);
  if (words.some((word) => SECRET.has(word) || word.startsWith('cc-'))) return true;
  return SECRET_NAME.test(attribute(element, 'name') || '') || SECRET_NAME.test(attribute(element, 'id') || '');
}

// Where the element is: tag and place among its like, through shadow trees and frames.
function routeOf(element) {
  const steps = [];
  for (let node = element; node && steps.length < MAX_DEPTH;) {
    const name = localName(node);
    let place = 0;
    const parent = parentNode(node);
    if (parent) {
      let before = true;
      eachChild(parent, (child) => {
        if (child === node) before = false;
        if (before && isElement(child) && localName(child) === name) place++;
      });
    }
    steps.push(name + place);
    if (!parent) break;
    if (nodeType(parent) === DOCUMENT) {
      node = frameElementOf(parent);
      if (node) steps.push('frame');
    } else if (nodeType(parent) === 11) {
      node = hostOf(parent);
      if (node) steps.push('shadow');
    } else {
      node = parent;
    }
  }
  return steps.reverse().join('/');
}

// What makes a field the same one in another document of its page.
function identityOf(element) {
  const tag = tagOf(element);
  const type = tag === 'input' ? inputType(element) : '';
  const toggle = type === 'checkbox' || type === 'radio';
  const label = attribute(element, 'aria-label') || attribute(element, 'placeholder') || '';
  return {
    tag, type, label: label.slice(0, 200),
    id: (attribute(element, 'id') || '').slice(0, 200),
    name: (attribute(element, 'name') || '').slice(0, 200),
    choice: toggle ? (attribute(element, 'value') || '').slice(0, 200) : '',
    place: routeOf(element),
  };
}

const sameField = (a, b) => a.tag === b.tag && a.type === b.type && a.id === b.id && a.name === b.name &&
  a.label === b.label && a.choice === b.choice;

// The value an input of this kind has before anybody touches it.
function untouched(element, type) {
  if (type !== 'range' && type !== 'color') return inputDefault(element);
  const fresh = document.createElement('input');
  for (const name of ['type', 'min', 'max', 'step', 'value']) {
    if (hasAttribute(element, name)) fresh.setAttribute(name, attribute(element, name));
  }
  return inputValue(fresh);
}

function chosen(select) {
  return Array.from(optionsOf(select)).filter(optionSelected).map(optionValue);
}

function chosenByDefault(select) {
  const options = Array.from(optionsOf(select));
  const marked = options.filter(selectedDefault);
  if (isMultiple(select)) return marked.map(optionValue);
  const size = Number(attribute(select, 'size') || 1);
  const one = marked.at(-1) || (size <= 1 ? options.find((option) => !optionDisabled(option)) : undefined);
  return one ? [optionValue(one)] : [];
}

// What a field holds other than at first; undefined if nothing.
function heldBy(element) {
  const tag = tagOf(element);
  if (!isField(element) && isEdited(element)) {
    const html = editedContent(element);
    return html === null ? undefined : [html];
  }
  if (tag === 'textarea') return areaValue(element) !== areaDefault(element) ? [areaValue(element)] : undefined;
  if (tag === 'select') {
    const now = chosen(element);
    return now.join('\n') !== chosenByDefault(element).join('\n') ? now : undefined;
  }
  if (tag !== 'input') return undefined;
  const type = inputType(element);
  if (type === 'checkbox') return checkedOf(element) !== checkedDefault(element) ? [String(checkedOf(element))] : undefined;
  // Of a group only the chosen one is told; it takes the choice from the others.
  if (type === 'radio') return checkedOf(element) && !checkedDefault(element) ? ['true'] : undefined;
  if (!TYPED.has(type) && !PICKED.has(type)) return undefined;
  const now = inputValue(element);
  return now !== untouched(element, type) ? [now] : undefined;
}

function isField(element) {
  const tag = tagOf(element);
  return tag === 'input' || tag === 'textarea' || tag === 'select';
}

// Everything typed on the page, but for secrets. `whole` is false if something was left out.
function readForm({ maxBytes }) {
  const fields = [];
  const secrets = new Set();
  let left = maxBytes;
  let [whole, secret] = [true, false];
  everyElement((element) => {
    const tag = tagOf(element);
    // A frame of another site keeps its fields to itself.
    if ((tag === 'iframe' || tag === 'frame') && !documentIn(element)) [whole, secret] = [false, true];
    if (!isField(element) && !isEdited(element)) return false;
    if (isSecret(element)) {
      noteSecret(element);
      const value = tag === 'input' ? inputValue(element) : '';
      if (value !== '' && tag === 'input') {
        secret = true;
        secrets.add(value);
      }
      return false;
    }
    const held = heldBy(element);
    if (!held && !isField(element)) whole = false;
    if (!held) return false;
    const size = held.reduce((sum, value) => sum + value.length * 3, 400);
    if (size > left || fields.length >= MAX_FIELDS) {
      whole = false;
      return false;
    }
    left -= size;
    fields.push({ ...identityOf(element), held });
    return false;
  });
  // A copy of a secret in another field is one, too.
  const isCopy = (value) => value.length > 3 && (secrets.has(value) || secrets.has(value.replace(/<[^>]*>/g, '')));
  const open = fields.filter(({ held }) => !held.some(isCopy));
  if (open.length < fields.length) secret = true;
  return { url: location.href, fields: open, whole, secret, focus: readFocus() };
}

function readFocus() {
  const element = activeElement();
  if (!element || !isHtml(element) || oneOf('body html iframe frame').has(tagOf(element))) return null;
  const focus = identityOf(element);
  if (isSecret(element)) return focus;
  try {
    const area = tagOf(element) === 'textarea';
    if (area || tagOf(element) === 'input') {
      const [start, end] = area ? [areaStart(element), areaEnd(element)] : [inputStart(element), inputEnd(element)];
      if (Number.isInteger(start) && Number.isInteger(end)) return { ...focus, range: [start, end] };
    }
  } catch {
    // Its kind has no range.
  }
  return focus;
}

// The one element that is the field; null if it isn't there or can't be told from others.
function fieldLike(wanted, all) {
  const like = all.filter(([, identity]) => sameField(identity, wanted));
  const named = wanted.id !== '' || wanted.name !== '';
  if (named && like.length === 1) return like[0][0];
  const there = like.filter(([, identity]) => identity.place === wanted.place);
  return there.length === 1 ? there[0][0] : null;
}

function everyLike(wanted) {
  const tags = new Set(wanted.map(({ tag }) => tag));
  const all = [];
  everyElement((element) => {
    if (tags.has(tagOf(element))) all.push([element, identityOf(element)]);
    return all.length >= 5000;
  });
  return all;
}

function holds(element, held) {
  const now = heldBy(element);
  return now !== undefined && now.join('\n') === held.join('\n');
}

function putInto(element, held) {
  const tag = tagOf(element);
  if (!isField(element)) {
    if (isContentEditable(element)) putEdited(element, held[0]);
    return;
  }
  if (tag === 'textarea') setAreaValue(element, held[0]);
  if (tag === 'select') {
    const wanted = new Set(held);
    for (const option of optionsOf(element)) {
      const on = wanted.has(optionValue(option));
      if (isMultiple(element) || on) setSelected(option, on);
    }
  }
  if (tag === 'input') {
    const type = inputType(element);
    if (type === 'checkbox' || type === 'radio') {
      // Frameworks learn of these by the click.
      const on = held[0] === 'true';
      if (checkedOf(element) !== on) clickOn(element);
      if (checkedOf(element) === on) return;
      setChecked(element, on);
    } else {
      setInputValue(element, held[0]);
    }
  }
  changed(element);
}

// Puts fields and focus back as their elements appear; tells what is as it was.
async function restoreForm({ fields, focus, millis }) {
  const until = performance.now() + millis;
  const put = new Map();
  let focused = focus === null;
  let first = true;
  for (;;) {
    const missing = fields.filter((field) => !put.has(field) || !isConnected(put.get(field)) || !holds(put.get(field), field.held));
    if (missing.length === 0 && focused) break;
    if (!first && performance.now() >= until) break;
    first = false;
    const all = everyLike(focused ? missing : [...missing, focus]);
    for (const field of missing) {
      const element = fieldLike(field, all);
      if (!element || isSecret(element)) continue;
      if (!holds(element, field.held)) putInto(element, field.held);
      put.set(field, element);
    }
    const settled = fields.every((field) => put.has(field)) || performance.now() >= until - 100;
    const element = !focused && settled ? fieldLike(focus, all) : null;
    if (element) {
      focusOf(element, { preventScroll: true });
      focused = activeElement() === element;
      try {
        if (focus.range && tagOf(element) === 'input') setInputRange(element, ...focus.range);
        if (focus.range && tagOf(element) === 'textarea') setAreaRange(element, ...focus.range);
      } catch {
        // Its kind has no range.
      }
    }
    // What a framework does about its input it does before its next timer.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const kept = fields.every((field) => put.has(field) && isConnected(put.get(field)) && holds(put.get(field), field.held));
  return { fields: kept, focus: focused };
}
