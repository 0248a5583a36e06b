// The page's visible text, through open shadow roots and the frames this world reaches.

const APART = oneOf('p h1 h2 h3 h4 h5 h6 ul ol table pre blockquote');

function visibleText(maxLength) {
  return visibleTextOf(documentElementOf(document), maxLength);
}

function visibleTextOf(root, maxLength) {
  const out = { parts: [], length: 0, pending: '', maxLength, cut: false, left: MAX_NODES };
  if (root) textOf(root, out, 0);
  return { content: out.parts.join('').trim(), truncated: out.cut };
}

// Notes that a space, a line break or a gap comes before the next word. The widest wins.
function gap(out, what) {
  if (what.length > out.pending.length || (what === '\n' && out.pending === ' ')) out.pending = what;
}

function put(out, text) {
  const room = out.maxLength - out.length;
  if (text.length > room) {
    out.cut = true;
    if (room <= 0) return;
    text = text.slice(0, room);
  }
  if (out.parts.length > 0 && out.pending !== '') out.parts.push(out.pending);
  out.pending = '';
  out.parts.push(text);
  out.length += text.length + 2;
}

function textOf(element, out, depth) {
  if (out.cut) return;
  if (out.left-- <= 0 || depth > MAX_DEPTH) {
    out.cut = true;
    return;
  }
  const tag = tagOf(element);
  if (UNREAD.has(tag) && tag !== 'html') return;
  if (tag === 'br') {
    gap(out, '\n');
    return;
  }
  const shown = drawn(element);
  if (shown === false) return;
  const style = styleOf(element);
  const block = !style.display.startsWith('inline') && style.display !== 'contents';
  const edge = !block ? '' : APART.has(tag) ? '\n\n' : style.display === 'table-cell' ? ' ' : '\n';
  gap(out, edge);
  const pre = style.whiteSpace.startsWith('pre');
  const value = tag === 'input' || tag === 'textarea' || tag === 'select' ? '' : null;
  const inner = documentIn(element);
  if (inner) {
    const root = documentElementOf(inner);
    if (root) textOf(root, out, depth + 1);
  } else if (value === null) {
    eachFlatChild(element, (child) => {
      if (nodeType(child) === TEXT) {
        if (shown) words(nodeValue(child), out, pre);
      } else if (isElement(child)) {
        textOf(child, out, depth + 1);
      }
    });
  }
  gap(out, edge);
}

function words(text, out, pre) {
  // White space may fall away; beyond that there is room for no more.
  const most = 4 * Math.max(0, out.maxLength - out.length) + 4096;
  if (text.length > most) text = text.slice(0, most);
  if (pre) {
    if (/\S/.test(text)) put(out, text.replace(/^\n+|\n+$/g, ''));
    return;
  }
  const flat = text.replace(/\s+/g, ' ');
  if (flat === ' ' || flat === '') {
    if (flat === ' ') gap(out, ' ');
    return;
  }
  if (flat.startsWith(' ')) gap(out, ' ');
  put(out, flat.trim());
  if (flat.endsWith(' ')) gap(out, ' ');
}

function about(content, truncated) {
  return { content, truncated, url: location.href, title: titleOf(document) };
}

function html({ maxLength }) {
  const whole = new XMLSerializer();
  const type = document.doctype ? `${whole.serializeToString(document.doctype)}\n` : '';
  const root = documentElementOf(document);
  const all = type + (root ? outerHtmlOf(root) : '');
  return about(all.slice(0, maxLength), all.length > maxLength);
}

const outerHtmlOf = reader(Element.prototype, 'outerHTML');
