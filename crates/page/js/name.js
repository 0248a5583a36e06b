// Names: accname 1.2 with HTML-AAM.

const FROM_CONTENT = oneOf(
  'button cell checkbox columnheader gridcell heading link math menuitem menuitemcheckbox ' +
  'menuitemradio option radio row rowheader switch tab tooltip treeitem');
const UNNAMEABLE = oneOf(
  'caption code definition deletion emphasis generic insertion mark none paragraph strong ' +
  'subscript superscript term time suggestion');
const INLINE = oneOf(
  'a abbr b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small ' +
  'span strike strong sub sup time tt u var ruby rt rp slot');
const UNREAD = oneOf('script style noscript template head meta link title base embed param source track');
// They stand apart from the words around them, however they are drawn.
const APART_INLINE = oneOf('img input select textarea button canvas video audio meter progress iframe object');
const MAX_NAME = 400;

const inputValue = reader(HTMLInputElement.prototype, 'value');
const areaValue = reader(HTMLTextAreaElement.prototype, 'value');
const selectedOptions = reader(HTMLSelectElement.prototype, 'selectedOptions');
const optionText = reader(HTMLOptionElement.prototype, 'text');
const optionLabel = reader(HTMLOptionElement.prototype, 'label');
const labelReaders = {
  input: reader(HTMLInputElement.prototype, 'labels'),
  textarea: reader(HTMLTextAreaElement.prototype, 'labels'),
  select: reader(HTMLSelectElement.prototype, 'labels'),
  button: reader(HTMLButtonElement.prototype, 'labels'),
  meter: reader(HTMLMeterElement.prototype, 'labels'),
  output: reader(HTMLOutputElement.prototype, 'labels'),
  progress: reader(HTMLProgressElement.prototype, 'labels'),
};
const labelControl = reader(HTMLLabelElement.prototype, 'control');

function labelsOf(element) {
  const tag = tagOf(element);
  return Object.hasOwn(labelReaders, tag) ? labelReaders[tag](element) : null;
}

function byIds(element, ids) {
  const root = rootOf(element);
  const find = nodeType(root) === DOCUMENT ? documentById : fragmentById;
  const found = [];
  for (const id of ids.trim().split(/\s+/).slice(0, 50)) {
    const target = id && isConnected(element) ? find(root, id) : null;
    if (target) found.push(target);
  }
  return found;
}

// Returns the accessible name; `from` tells the content apart from what the author wrote.
function nameOf(element, role) {
  if (UNNAMEABLE.has(role) && !hasAttribute(element, 'aria-labelledby')) {
    return { name: collapse(attribute(element, 'title') || '').slice(0, MAX_NAME), from: 'title' };
  }
  const seen = new Set([element]);
  const found = ownName(element, role, seen, true);
  if (found) return { name: cut(collapse(found.name)), from: found.from };
  return { name: '', from: 'none' };
}

function cut(text) {
  return text.length > MAX_NAME ? text.slice(0, MAX_NAME - 1) + '…' : text;
}

function ownName(element, role, seen, mayRefer) {
  const ids = mayRefer && attribute(element, 'aria-labelledby');
  if (ids) {
    const words = [];
    for (const target of byIds(element, ids)) {
      words.push(target === element
        ? (ownName(element, role, seen, false) || { name: '' }).name
        : spoken(target, new Set(seen).add(target), 0, true));
    }
    const name = collapse(words.join(' '));
    if (name) return { name, from: 'author' };
  }
  const label = collapse(attribute(element, 'aria-label') || '');
  if (label) return { name: label, from: 'author' };
  const native = nativeName(element, seen);
  if (native) return { name: native, from: 'author' };
  if (FROM_CONTENT.has(role)) {
    const content = collapse(contentName(element, seen, 0));
    if (content) return { name: content, from: 'content' };
  }
  const title = collapse(attribute(element, 'title') || '');
  if (title) return { name: title, from: 'title' };
  const placeholder = role === 'textbox' || role === 'searchbox' || role === 'combobox' ||
    role === 'spinbutton';
  if (placeholder) {
    const hint = collapse(attribute(element, 'placeholder') ||
      attribute(element, 'aria-placeholder') || '');
    if (hint) return { name: hint, from: 'author' };
  }
  return null;
}

function nativeName(element, seen) {
  if (!isHtml(element)) {
    if (namespaceOf(element) !== SVG || localName(element) !== 'svg') return '';
    return firstTitle(element);
  }
  const tag = localName(element);
  const labels = labelsOf(element);
  if (labels && labels.length > 0) {
    const words = [];
    for (let index = 0; index < labels.length && index < 20; index++) {
      const label = labels[index];
      if (!seen.has(label)) words.push(spoken(label, new Set(seen).add(label), 0, true));
    }
    const name = collapse(words.join(' '));
    if (name) return name;
  }
  switch (tag) {
    case 'input': {
      const type = inputType(element);
      if (type === 'submit' || type === 'reset' || type === 'button') {
        const value = collapse(inputValue(element));
        if (value) return value;
        return type === 'submit' ? 'Submit' : type === 'reset' ? 'Reset' : '';
      }
      if (type === 'image') {
        return collapse(attribute(element, 'alt') || attribute(element, 'title') || '') || 'Submit';
      }
      // What the browser writes on it.
      if (type === 'file' && !hasAttribute(element, 'title')) {
        return hasAttribute(element, 'multiple') ? 'Choose Files' : 'Choose File';
      }
      return '';
    }
    case 'img':
    case 'area':
      return collapse(attribute(element, 'alt') || '');
    case 'fieldset':
      return childName(element, 'legend', seen);
    case 'table':
      return childName(element, 'caption', seen) || collapse(attribute(element, 'summary') || '');
    case 'figure':
      return childName(element, 'figcaption', seen);
    case 'optgroup':
    case 'option':
      return collapse(attribute(element, 'label') || '');
    default:
      return '';
  }
}

function firstTitle(svg) {
  let title = '';
  eachChild(svg, (child) => {
    if (!title && isElement(child) && localName(child) === 'title') title = collapse(textContent(child));
  });
  return title;
}

function childName(element, tag, seen) {
  let found = null;
  eachChild(element, (child) => {
    if (!found && isElement(child) && tagOf(child) === tag) found = child;
  });
  return found && !seen.has(found) ? collapse(spoken(found, new Set(seen).add(found), 0, true)) : '';
}

// What an element adds to another's name.
function spoken(element, seen, depth, referred) {
  if (!referred) {
    const shown = drawn(element);
    if (shown === false || attribute(element, 'aria-hidden') === 'true') return '';
    if (shown === null) return contentName(element, seen, depth, false, true);
  }
  // A control in a name stands there with its value.
  const role = roleOf(element);
  const value = controlValue(element, role);
  if (value) return value;
  const label = collapse(attribute(element, 'aria-label') || '');
  if (label) return label;
  if (value !== null && !referred) return '';
  const native = tagOf(element) === 'label' ? '' : nativeName(element, seen);
  if (native) return native;
  const content = contentName(element, seen, depth, referred);
  // White space alone still parts the words around it.
  return collapse(content) ? content : attribute(element, 'title') || content;
}

// The value of a control inside of a name, such as a field in its own label.
function controlValue(element, role) {
  switch (role) {
    case 'textbox':
    case 'searchbox':
      return fieldValue(element) ?? '';
    case 'combobox':
    case 'listbox': {
      if (tagOf(element) === 'select') {
        return Array.from(selectedOptions(element), optionText).join(' ');
      }
      return fieldValue(element) ?? '';
    }
    case 'slider':
    case 'spinbutton':
    case 'progressbar':
    case 'meter':
      return attribute(element, 'aria-valuetext') ?? attribute(element, 'aria-valuenow') ??
        fieldValue(element) ?? '';
    default:
      return null;
  }
}

// What a field holds: masked for passwords, null for what is no field.
function fieldValue(element) {
  switch (tagOf(element)) {
    case 'input':
      return inputType(element) === 'password' ? mask(inputValue(element)) : inputValue(element);
    case 'textarea':
      return areaValue(element);
    default:
      return isEditingHost(element) ? textContent(element) : null;
  }
}

// The same for every password, so that not even the length is shown.
function mask(value) {
  return value === '' ? '' : '••••••';
}

function contentName(element, seen, depth, hiddenToo, elementsOnly) {
  if (depth > 60) return '';
  let name = elementsOnly ? '' : pseudo(element, '::before');
  eachFlatChild(element, (child) => {
    if (name.length > 4 * MAX_NAME) return;
    if (nodeType(child) === TEXT) {
      if (!elementsOnly) name += nodeValue(child).slice(0, 8 * MAX_NAME);
      return;
    }
    if (!isElement(child) || seen.has(child) || UNREAD.has(tagOf(child))) return;
    seen.add(child);
    const tag = tagOf(child);
    if (tag === 'br' || tag === 'wbr') {
      name += ' ';
      return;
    }
    // The items in an item of a tree have names of their own.
    if (!hiddenToo && isGroupOfItem(child, element)) return;
    const undrawn = hiddenToo && drawn(element) === false;
    const inline = !undrawn && !APART_INLINE.has(tag) && styleOf(child).display === 'inline';
    const word = undrawn
      ? contentName(child, seen, depth + 1, true) : spoken(child, seen, depth + 1, false);
    name += inline ? word : ` ${word} `;
  });
  const owned = attribute(element, 'aria-owns');
  for (const child of owned ? byIds(element, owned) : []) {
    if (seen.has(child) || (!hiddenToo && isGroupOfItem(child, element))) continue;
    seen.add(child);
    name += ` ${spoken(child, seen, depth + 1, false)} `;
  }
  return elementsOnly ? name : name + pseudo(element, '::after');
}

function isGroupOfItem(child, element) {
  return attribute(child, 'role') === 'group' && roleOf(element) === 'treeitem';
}

// The text of generated content. Counters and pictures have none.
function pseudo(element, which) {
  const { content, display } = styleOf(element, which);
  if (content === 'none' || content === 'normal' || content === '') return '';
  const spoken = content.includes(' / ') ? content.slice(content.lastIndexOf(' / ') + 3) : content;
  let text = '';
  for (const [, word] of spoken.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
    text += word.replace(/\\(.)/g, '$1');
  }
  return display === 'inline' ? text : ` ${text} `;
}
