// The main content as Markdown: what a person came to read, without what is around it.

const ASIDE = 'nav,aside,header,footer,[role=navigation],[role=complementary],[role=banner],[role=contentinfo],[role=search]';
const BLOCKS = oneOf(
  'address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer form ' +
  'h1 h2 h3 h4 h5 h6 header hgroup html hr legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul');
const linkHref = reader(HTMLAnchorElement.prototype, 'href');
const pictureSource = reader(HTMLImageElement.prototype, 'src');

// The element whose text is the page's own: what says so of itself, if it has enough of the text.
function mainContent() {
  const body = bodyOf(document) || documentElementOf(document);
  if (!body) return null;
  const whole = textContent(body).length;
  let best = null;
  let most = 0;
  const found = documentQueryAll(document, 'main,[role=main],article,[itemprop=articleBody]');
  for (let index = 0; index < found.length && index < 200; index++) {
    const length = drawn(found[index]) === true ? textContent(found[index]).length : 0;
    // Of two with the same text the outer one stands first.
    if (length > most) [best, most] = [found[index], length];
  }
  return best && most * 5 > whole ? best : body;
}

class Markdown {
  constructor(maxLength, whole) {
    this.left = MAX_NODES;
    this.room = maxLength;
    this.cut = false;
    this.whole = whole;
  }

  take(element, depth) {
    if (this.left-- <= 0 || depth > MAX_DEPTH / 2 || this.room < 0) {
      this.cut = true;
      return false;
    }
    return true;
  }

  // Returns the element's blocks, each without empty lines around it.
  blocks(element, depth) {
    const out = [];
    let line = '';
    const end = () => {
      const text = tidy(line);
      if (text !== '') this.add(out, startsSafely(text));
      line = '';
    };
    const visit = (child) => {
      if (nodeType(child) === TEXT) {
        line += this.words(child);
        return;
      }
      if (!isElement(child) || !this.shows(child)) return;
      const tag = tagOf(child);
      if (BLOCKS.has(tag) || documentIn(child)) {
        end();
        this.block(child, tag, out, depth + 1);
      } else if (this.holdsBlocks(child)) {
        end();
        for (const block of this.blocks(child, depth + 1)) out.push(block);
      } else {
        line += this.inline(child, tag, depth + 1);
      }
    };
    if (this.take(element, depth)) this.each(element, visit);
    end();
    return out;
  }

  add(out, block) {
    if (block.length > this.room) {
      this.cut = true;
      block = block.slice(0, Math.max(0, this.room));
    }
    this.room -= block.length + 2;
    if (block !== '') out.push(block);
  }

  // A text's words, as many as there may still be room for.
  words(node) {
    return escaped(nodeValue(node).slice(0, 4 * Math.max(0, this.room) + 4096));
  }

  each(element, visit) {
    const inner = documentIn(element);
    const root = inner && (bodyOf(inner) || documentElementOf(inner));
    if (root) visit(root);
    else eachFlatChild(element, visit);
  }

  shows(element) {
    const tag = tagOf(element);
    if (UNREAD.has(tag) || tag === 'svg' || localName(element) === 'svg') return false;
    if (attribute(element, 'aria-hidden') === 'true') return false;
    if (!this.whole && matches(element, ASIDE) && !closest(element, 'main,article,[role=main]')) return false;
    return drawn(element) !== false;
  }

  holdsBlocks(element) {
    let found = false;
    eachFlatChild(element, (child) => {
      found ||= isElement(child) && (BLOCKS.has(tagOf(child)) || (tagOf(child).includes('-') && this.holdsBlocks(child)));
    });
    return found;
  }

  block(element, tag, out, depth) {
    if (/^h[1-6]$/.test(tag)) {
      const text = tidy(this.inside(element, depth)).replace(/ *\n */g, ' ');
      if (text) this.add(out, `${'#'.repeat(Number(tag[1]))} ${text}`);
    } else if (tag === 'pre') {
      this.code(element, out);
    } else if (tag === 'hr') {
      this.add(out, '---');
    } else if (tag === 'blockquote') {
      const inner = this.blocks(element, depth).join('\n\n');
      if (inner) out.push(inner.replace(/^/gm, '> ').replace(/^> $/gm, '>'));
    } else if (tag === 'ul' || tag === 'ol' || tag === 'menu' || tag === 'dir') {
      this.list(element, tag, out, depth);
    } else if (tag === 'dt') {
      const text = tidy(this.inside(element, depth));
      if (text) this.add(out, `**${text}**`);
    } else if (tag === 'table' && this.isData(element)) {
      this.table(element, out, depth);
    } else {
      for (const block of this.blocks(element, depth)) out.push(block);
    }
  }

  code(element, out) {
    const text = textContent(element).replace(/^\n|\s+$/g, '');
    if (text === '') return;
    const inner = documentQueryIn(element, 'code') || element;
    const classes = `${attribute(inner, 'class') || ''} ${attribute(element, 'class') || ''}`;
    const language = /(?:language|lang|highlight-source)-([\w+#-]+)/.exec(classes)?.[1] ?? '';
    const fence = '`'.repeat(Math.max(3, ...(text.match(/`+/g) || []).map((run) => run.length + 1)));
    this.add(out, `${fence}${language}\n${text}\n${fence}`);
  }

  list(element, tag, out, depth) {
    if (!this.take(element, depth)) return;
    let number = Number(attribute(element, 'start')) || 1;
    const items = [];
    this.each(element, (child) => {
      if (!isElement(child) || !this.shows(child)) return;
      const blocks = this.blocks(child, depth + 1);
      if (blocks.length === 0) return;
      const mark = tag === 'ol' ? `${number++}. ` : '- ';
      const loose = blocks.some((block, at) => at > 0 && !/^(?:[-\d>]|```)/.test(block));
      const text = blocks.join(loose ? '\n\n' : '\n');
      items.push(mark + text.replace(/\n(?=[^\n])/g, `\n${' '.repeat(mark.length)}`));
    });
    if (items.length > 0) out.push(items.join('\n'));
  }

  // A table that shows data and doesn't just place what is in it.
  isData(table) {
    const role = attribute(table, 'role');
    if (role === 'presentation' || role === 'none') return false;
    return documentQueryIn(table, 'th,caption,thead') !== null && documentQueryIn(table, 'table') === null;
  }

  table(table, out, depth) {
    const rows = [];
    const found = elementQueryAll(table, 'tr');
    for (let index = 0; index < found.length && index < 2000; index++) {
      const cells = [];
      eachChild(found[index], (cell) => {
        if (!isElement(cell) || !/^t[dh]$/.test(tagOf(cell)) || !this.shows(cell)) return;
        const text = this.blocks(cell, depth + 2).join(' ').replace(/\s*\n\s*/g, ' ').replace(/\|/g, '\\|');
        cells.push(text);
        for (let span = Math.min(Number(attribute(cell, 'colspan')) || 1, 50); span > 1; span--) cells.push('');
      });
      if (cells.length > 0) rows.push(cells);
    }
    if (rows.length === 0) return;
    const caption = documentQueryIn(table, 'caption');
    if (caption) {
      const text = tidy(this.inside(caption, depth + 1));
      if (text) this.add(out, `**${text}**`);
    }
    const width = Math.max(...rows.map((row) => row.length));
    const line = (cells) => `| ${Array.from({ length: width }, (_, at) => cells[at] ?? '').join(' | ')} |`;
    const [head, ...rest] = rows;
    this.add(out, [line(head), `|${' --- |'.repeat(width)}`, ...rest.map(line)].join('\n'));
  }

  // The text inside of an element, in one run.
  inside(element, depth) {
    if (!this.take(element, depth)) return '';
    let text = '';
    this.each(element, (child) => {
      if (nodeType(child) === TEXT) text += this.words(child);
      else if (isElement(child) && this.shows(child)) text += this.inline(child, tagOf(child), depth + 1);
    });
    return text;
  }

  inline(element, tag, depth) {
    const around = (mark) => {
      const text = this.inside(element, depth);
      const inner = tidy(text);
      if (inner === '') return text;
      const [, before, after] = /^(\s?)[^]*?(\s?)$/.exec(text);
      return `${before}${mark}${inner}${mark}${after}`;
    };
    switch (tag) {
      case 'br':
        return '\n';
      case 'strong':
      case 'b':
        return around('**');
      case 'em':
      case 'i':
        return around('*');
      case 'del':
      case 's':
        return around('~~');
      case 'code':
      case 'kbd':
      case 'samp': {
        const text = collapse(textContent(element));
        if (text === '') return '';
        return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
      }
      case 'a': {
        const text = tidy(this.inside(element, depth)).replace(/\s*\n\s*/g, ' ');
        const href = hasAttribute(element, 'href') ? linkHref(element) : '';
        if (text === '' || !/^(?:https?|mailto|tel|ftp):/i.test(href)) return text;
        return `[${text}](${inBrackets(href)})`;
      }
      case 'img': {
        const alt = escaped(collapse(attribute(element, 'alt') || ''));
        if (alt === '') return '';
        const source = pictureSource(element);
        return /^https?:/i.test(source) ? `![${alt}](${inBrackets(source)})` : alt;
      }
      case 'input':
      case 'textarea':
      case 'select':
      case 'button':
        return '';
      default:
        return this.inside(element, depth);
    }
  }
}

const documentQueryIn = (element, css) => elementQuery(element, css);

function escaped(text) {
  return text.replace(/[\\`*_[\]<]/g, '\\$&').replace(/[\s\u0000-\u001f]+/g, ' ');
}

// A URL as it stands between round brackets.
function inBrackets(url) {
  return url.replace(/[()\s]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function tidy(text) {
  return text.replace(/[ \t\u00a0]*\n[ \t\u00a0]*/g, '\n').replace(/[ \t]+/g, ' ').trim().replace(/\n{2,}/g, '\n');
}

// What would begin something else at the start of a line.
function startsSafely(text) {
  return text.replace(/^([#>+-])(?=\s)/gm, '\\$1').replace(/^(\d+)([.)])(?=\s)/gm, '$1\\$2');
}

function markdownOf(root, maxLength, whole) {
  const writer = new Markdown(maxLength, whole);
  const out = [];
  if (root) {
    const tag = tagOf(root);
    if (BLOCKS.has(tag)) writer.block(root, tag, out, 0);
    else for (const block of writer.blocks(root, 0)) out.push(block);
  }
  return { content: out.join('\n\n').slice(0, maxLength), truncated: writer.cut };
}

// Every link that is drawn, once for each place it leads to.
function linksOf(root, maxLength) {
  const seen = new Set();
  const lines = [];
  let room = maxLength;
  let truncated = false;
  const add = (element) => {
    if (tagOf(element) !== 'a' || !hasAttribute(element, 'href') || drawn(element) !== true) return;
    const href = linkHref(element);
    if (seen.has(href) || /^javascript:/i.test(href)) return;
    seen.add(href);
    const line = `- [${escaped(nameOf(element, 'link').name)}](${inBrackets(href)})`;
    room -= line.length + 1;
    if (room < 0) truncated = true;
    else lines.push(line);
  };
  everyElement((element) => {
    if (isInside(element, root)) add(element);
    return room < 0;
  });
  return { content: lines.join('\n'), truncated };
}

function isInside(element, root) {
  if (root === documentElementOf(document)) return true;
  for (let node = element; node; node = flatParent(node)) if (node === root) return true;
  return false;
}

function contentIn(root, { format, maxLength }, whole) {
  switch (format) {
    case 'html': {
      const all = root ? outerHtmlOf(root) : '';
      return about(all.slice(0, maxLength), all.length > maxLength);
    }
    case 'markdown': {
      const { content, truncated } = markdownOf(root, maxLength, whole);
      return about(content, truncated);
    }
    case 'links': {
      const { content, truncated } = linksOf(root, maxLength);
      return about(content, truncated);
    }
    default: {
      const { content, truncated } = visibleTextOf(root, maxLength);
      return about(content, truncated);
    }
  }
}

function content(options) {
  if (options.format === 'html') return html(options);
  const main = options.format === 'markdown' ? mainContent() : documentElementOf(document);
  return contentIn(main, options, false);
}

function contentOf(options) {
  const found = locate(options.target);
  if (found.is) return found;
  return { is: 'ok', value: contentIn(found.node, options, true) };
}
