// Locators: from what a caller names to one element, or why not.

function locate(target) {
  if (target.ref !== undefined) return elementOfRef(target.ref);
  try {
    const found = candidates(target);
    const node = found.find((element) => drawn(element) === true) || found[0];
    return node ? { node } : { is: 'notFound' };
  } catch (error) {
    return { is: 'invalid', argument: 'target', reason: String(error.message || error) };
  }
}

function candidates(target) {
  if (target.css !== undefined) return byCss(target.css);
  if (target.xpath !== undefined) return byXpath(target.xpath);
  if (target.text !== undefined) return byText(target.text);
  if (target.label !== undefined) return byLabel(target.label);
  return byRole(target.role.role.toLowerCase(), target.role.name);
}

function byCss(css) {
  const found = [];
  for (const root of everyRoot()) {
    const query = nodeType(root) === DOCUMENT ? documentQueryAll : fragmentQueryAll;
    for (const element of query(root, css)) {
      if (found.length >= 1000) return found;
      found.push(element);
    }
  }
  return found;
}

function byXpath(xpath) {
  const found = [];
  for (const root of everyRoot()) {
    if (nodeType(root) !== DOCUMENT) continue;
    const kind = XPathResult.ORDERED_NODE_SNAPSHOT_TYPE;
    const result = new XPathEvaluator().evaluate(xpath, root, null, kind, null);
    for (let index = 0; index < result.snapshotLength && found.length < 1000; index++) {
      const node = result.snapshotItem(index);
      if (isElement(node)) found.push(node);
    }
  }
  return found;
}

// Sorts matches: the same text first, then those that contain it.
function ranked(wanted) {
  const whole = collapse(wanted).toLowerCase();
  if (whole === '') throw new Error('the text to look for is empty');
  const exact = [];
  const partial = [];
  return {
    add(element, text) {
      const has = collapse(text).toLowerCase();
      if (has === whole) exact.push(element);
      else if (has.includes(whole)) partial.push(element);
    },
    matches(text) {
      return collapse(text).toLowerCase().includes(whole);
    },
    all: () => exact.concat(partial),
  };
}

function byText(wanted) {
  const found = ranked(wanted);
  everyElement((element) => {
    const tag = tagOf(element);
    if (UNREAD.has(tag)) return false;
    if (tag === 'input') {
      const type = inputType(element);
      if (type === 'submit' || type === 'button' || type === 'reset') found.add(element, inputValue(element));
      return false;
    }
    const text = textContent(element);
    if (text.length > 100000 || !found.matches(text)) return false;
    // The smallest element that shows it: none of its own elements does.
    let inChild = false;
    eachChild(element, (child) => {
      inChild ||= isElement(child) && !UNREAD.has(tagOf(child)) && found.matches(textContent(child));
    });
    if (!inChild) found.add(element, text);
    return false;
  });
  return found.all();
}

function byRole(role, name) {
  const wanted = role === 'image' ? 'img' : role;
  const found = name === null || name === undefined || name === '' ? null : ranked(name);
  const all = [];
  everyElement((element) => {
    if (roleOf(element) !== wanted || drawn(element) === false) return false;
    if (found) found.add(element, nameOf(element, wanted).name);
    else all.push(element);
    return false;
  });
  return found ? found.all() : all;
}

function byLabel(label) {
  const found = ranked(label);
  everyElement((element) => {
    const role = roleOf(element);
    if (!INTERACTIVE.has(role) || role === 'link') return false;
    const labelled = labelsOf(element)?.length > 0 || hasAttribute(element, 'aria-label') ||
      hasAttribute(element, 'aria-labelledby') || role === 'textbox' || role === 'searchbox';
    if (labelled) found.add(element, nameOf(element, role).name);
    return false;
  });
  return found.all();
}
