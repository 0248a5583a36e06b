// Locators: from what a caller names to one element, or why not.

// Of several elements none is meant, unless `any` of them will do: then the first is taken.
function locate(target, any) {
  if (target.ref !== undefined) return elementOfRef(target.ref);
  try {
    const found = meant(target);
    if (target.nth !== undefined) {
      const node = found[target.nth < 0 ? found.length + target.nth : target.nth];
      return node ? { node } : { is: 'notFound' };
    }
    if (found.length > 1 && !any) return { is: 'several' };
    return found.length > 0 ? { node: found[0] } : { is: 'notFound' };
  } catch (error) {
    return { is: 'invalid', argument: 'target', reason: String(error.message || error) };
  }
}

// The elements the caller may mean: visible ones before others, those with the whole text or
// name before those that contain it.
function meant(target) {
  const found = candidates(target);
  if (found.length < 2) return found;
  const whole = found.slice(0, found.whole);
  const shown = whole.filter(isShown);
  if (shown.length > 0) return shown;
  const others = found.slice(whole.length).filter(isShown);
  if (others.length > 0) return others;
  return whole.length > 0 ? whole : found;
}

// A box that is drawn by its label is as good as visible.
function isShown(element) {
  return isVisible(element) || (isToggle(element) && isVisible(pointed(element)));
}

// The first of several, each with its number.
function several({ target, next, limit }) {
  const found = meant(target);
  const counter = { next: unusedFrom(next), left: limit };
  const listed = found.slice(0, limit).map((element) => {
    numberOf(element, counter);
    return describe(element);
  });
  return { total: found.length, next: counter.next, listed };
}

function candidates(target) {
  if (target.css !== undefined) return byCss(target.css);
  if (target.xpath !== undefined) return byXpath(target.xpath);
  if (target.text !== undefined) return byText(target.text);
  if (target.label !== undefined) return byLabel(target.label);
  if (target.placeholder !== undefined) return byPlaceholder(target.placeholder);
  if (target.testId !== undefined) return byTestId(target.testId);
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
    all: () => Object.assign(exact.concat(partial), { whole: exact.length }),
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
    // Snapshots print the text of what has no name, such as a list's item, in the name's place.
    if (found) found.add(element, nameOf(element, wanted).name || shortText(element));
    else all.push(element);
    return false;
  });
  return found ? found.all() : all;
}

function shortText(element) {
  const text = textContent(element);
  return text.length <= 2000 ? text : '';
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

function byPlaceholder(placeholder) {
  const found = ranked(placeholder);
  for (const element of byCss('[placeholder],[aria-placeholder],[data-placeholder]')) {
    const own = attribute(element, 'placeholder') ?? attribute(element, 'aria-placeholder') ??
      attribute(element, 'data-placeholder');
    found.add(element, own);
  }
  return found.all();
}

// The first of the usual attributes that has it.
function byTestId(id) {
  for (const name of ['data-testid', 'data-test-id', 'data-test']) {
    const found = byCss(`[${name}="${CSS.escape(id)}"]`);
    if (found.length > 0) return found;
  }
  return [];
}
