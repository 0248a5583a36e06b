// Fields for files, and what opens a chooser for one.

const isFileField = (element) => tagOf(element) === 'input' && inputType(element) === 'file';

// The field that is meant: it, the one its label is for, or the only one in it. A field is often
// hidden behind a button.
function fileFieldOf(target) {
  const found = controlOf(target);
  if (found.is) return found;
  if (isFileField(found.node)) return { node: found.node };
  const inside = Array.from(elementQueryAll(found.node, 'input[type=file]'));
  return inside.length === 1 ? { node: inside[0] } : { node: found.node };
}

const isMany = reader(HTMLInputElement.prototype, 'multiple');

// Whether files go into a field at once or by a chooser that a click opens.
function fileField({ target, count }) {
  const found = fileFieldOf(target);
  if (found.is) return found;
  const element = found.node;
  if (!isFileField(element)) return ok('opens');
  if (isDisabled(element)) return { is: 'disabled' };
  if (hasAttribute(element, 'webkitdirectory')) return { is: 'noFiles', what: 'the field takes a folder, not files' };
  if (count > 1 && !isMany(element)) return { is: 'noFiles', what: 'the field takes one file only' };
  return ok('field');
}

// For the browser, which is told of elements by reference.
function fileFieldNode({ target }) {
  const found = fileFieldOf(target);
  return found.node && isFileField(found.node) ? found.node : null;
}

function clearFiles({ target }) {
  const found = fileFieldOf(target);
  if (found.is) return found;
  setInputValue(found.node, '');
  changed(found.node);
  return ok(null);
}
