// Roles: WAI-ARIA 1.2 and HTML-AAM, in the words of ARIA.

const ARIA_ROLES = oneOf(
  'alert alertdialog application article banner blockquote button caption cell checkbox code ' +
  'columnheader combobox complementary contentinfo definition deletion dialog directory document ' +
  'emphasis feed figure form generic grid gridcell group heading img image insertion link list ' +
  'listbox listitem log main marquee math menu menubar menuitem menuitemcheckbox menuitemradio ' +
  'meter navigation none note option paragraph presentation progressbar radio radiogroup region ' +
  'row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status strong ' +
  'subscript superscript switch tab table tablist tabpanel term textbox time timer toolbar tooltip ' +
  'tree treegrid treeitem mark suggestion comment');

const SIMPLE = {
  article: 'article', aside: 'complementary', blockquote: 'blockquote', button: 'button',
  caption: 'caption', code: 'code', datalist: 'listbox', dd: 'definition', del: 'deletion',
  details: 'group', dfn: 'term', dialog: 'dialog', dt: 'term', em: 'emphasis', fieldset: 'group',
  figure: 'figure', h1: 'heading', h2: 'heading', h3: 'heading', h4: 'heading', h5: 'heading',
  h6: 'heading', hgroup: 'group', hr: 'separator', html: 'document', ins: 'insertion',
  li: 'listitem', main: 'main', mark: 'mark', math: 'math', menu: 'list', meter: 'meter',
  nav: 'navigation', ol: 'list', ul: 'list', optgroup: 'group', option: 'option',
  output: 'status', p: 'paragraph', progress: 'progressbar', s: 'deletion', search: 'search',
  strong: 'strong', sub: 'subscript', sup: 'superscript', summary: 'button', table: 'table',
  tbody: 'rowgroup', textarea: 'textbox', tfoot: 'rowgroup', thead: 'rowgroup', time: 'time',
  tr: 'row', iframe: 'iframe', frame: 'iframe', video: 'video', audio: 'audio',
  canvas: 'canvas', address: 'group',
};

const INPUTS = {
  button: 'button', submit: 'button', reset: 'button', image: 'button', file: 'button',
  checkbox: 'checkbox', radio: 'radio', range: 'slider', number: 'spinbutton',
  search: 'searchbox', color: 'button',
};

const SECTIONS = oneOf('article complementary main navigation region');
const SECTION_TAGS = oneOf('article aside main nav section');
const LIST_TAGS = oneOf('ul ol menu');
const TABLE_TAGS = oneOf('table tbody thead tfoot tr');
// Roles of digital publishing that lead somewhere.
const OTHER_LINKS = oneOf('doc-backlink doc-biblioref doc-glossref doc-noteref');
const GLOBAL_ATTRIBUTES = ['aria-label', 'aria-labelledby', 'aria-describedby', 'aria-controls',
  'aria-owns', 'aria-live', 'aria-busy', 'aria-current', 'aria-details', 'aria-flowto'];

function implicitRole(element) {
  if (!isHtml(element)) {
    if (namespaceOf(element) !== SVG) return localName(element) === 'math' ? 'math' : 'generic';
    const name = localName(element);
    if (name === 'svg') return 'img';
    if (name === 'a' && (hasAttribute(element, 'href') || hasAttribute(element, 'xlink:href'))) return 'link';
    return 'generic';
  }
  const tag = localName(element);
  switch (tag) {
    case 'a':
      return hasAttribute(element, 'href') || hasAttribute(element, 'onclick') ? 'link' : 'generic';
    case 'area':
      return hasAttribute(element, 'href') ? 'link' : 'generic';
    case 'img':
      return attribute(element, 'alt') === '' && !hasAttribute(element, 'title') &&
        !GLOBAL_ATTRIBUTES.some((name) => hasAttribute(element, name)) ? 'none' : 'img';
    case 'input': {
      const type = inputType(element);
      if (type === 'hidden') return 'none';
      const textual = type === 'text' || type === 'email' || type === 'tel' || type === 'url' ||
        type === 'search';
      if (textual && hasAttribute(element, 'list')) return 'combobox';
      return INPUTS[type] || 'textbox';
    }
    case 'select':
      return hasAttribute(element, 'multiple') || Number(attribute(element, 'size')) > 1
        ? 'listbox' : 'combobox';
    case 'section':
      return named(element) ? 'region' : 'generic';
    case 'form':
      return named(element) ? 'form' : 'generic';
    case 'header':
      return sectionAround(element) ? 'generic' : 'banner';
    case 'footer':
      return sectionAround(element) ? 'generic' : 'contentinfo';
    case 'aside': {
      const around = sectionAround(element);
      return around && around !== 'main' && !named(element) ? 'generic' : 'complementary';
    }
    case 'li': {
      const list = parentNode(element);
      return list && isElement(list) && hasAttribute(list, 'role') && LIST_TAGS.has(tagOf(list)) &&
        roleOf(list) !== 'list' ? 'none' : 'listitem';
    }
    case 'tr':
    case 'tbody':
    case 'thead':
    case 'tfoot':
      return ofNoTable(element) ? 'none' : SIMPLE[tag];
    case 'summary':
      return isSummary(element) ? 'button' : 'generic';
    case 'td':
      if (ofNoTable(element)) return 'none';
      return tableRole(element) === 'grid' ? 'gridcell' : 'cell';
    case 'th': {
      if (ofNoTable(element)) return 'none';
      const scope = attribute(element, 'scope');
      if (scope === 'row' || scope === 'rowgroup') return 'rowheader';
      if (scope === 'col' || scope === 'colgroup') return 'columnheader';
      const row = parentNode(element);
      const section = row && parentNode(row);
      const head = section && isElement(section) && tagOf(section) === 'thead';
      return head || !hasData(row) ? 'columnheader' : 'rowheader';
    }
    default:
      return Object.hasOwn(SIMPLE, tag) ? SIMPLE[tag] : 'generic';
  }
}

function hasData(row) {
  let data = false;
  if (row) eachChild(row, (cell) => { data ||= isElement(cell) && tagOf(cell) === 'td'; });
  return data;
}

function isSummary(element) {
  const parent = parentNode(element);
  return !!parent && isElement(parent) && tagOf(parent) === 'details';
}

function tableRole(cell) {
  const table = closest(cell, 'table');
  const role = table && attribute(table, 'role');
  return role === 'grid' || role === 'treegrid' ? 'grid' : 'table';
}

// A part of a table that is none is none of a table.
function ofNoTable(part) {
  const whole = parentNode(part);
  return !!whole && isElement(whole) && TABLE_TAGS.has(tagOf(whole)) && roleOf(whole) === 'none';
}

// Returns the role of the section that the element is in, '' if it is in none.
function sectionAround(element) {
  for (let node = parentNode(element); node && isElement(node); node = parentNode(node)) {
    const tag = tagOf(node);
    if (hasAttribute(node, 'role')) {
      const role = roleOf(node);
      if (SECTIONS.has(role)) return role;
    } else if (SECTION_TAGS.has(tag)) {
      return tag;
    }
  }
  return '';
}

function named(element) {
  const ids = attribute(element, 'aria-labelledby');
  return collapse(attribute(element, 'aria-label') || '') !== '' ||
    (ids !== null && byIds(element, ids).length > 0) ||
    collapse(attribute(element, 'title') || '') !== '';
}

function isFocusable(element) {
  if (hasAttribute(element, 'tabindex')) return true;
  if (!isHtml(element)) return false;
  switch (localName(element)) {
    case 'a':
    case 'area':
      return hasAttribute(element, 'href');
    case 'button':
    case 'select':
    case 'textarea':
    case 'input':
      return !matches(element, ':disabled');
    case 'summary':
      return isSummary(element);
    case 'iframe':
      return true;
    default:
      return isEditingHost(element);
  }
}

function isEditingHost(element) {
  const editable = attribute(element, 'contenteditable');
  return editable !== null && editable.toLowerCase() !== 'false' && isHtml(element);
}

function roleOf(element) {
  const explicit = attribute(element, 'role');
  if (explicit) {
    for (const word of explicit.toLowerCase().split(/\s+/)) {
      if (OTHER_LINKS.has(word)) return 'link';
      if (!ARIA_ROLES.has(word)) continue;
      if (word === 'none' || word === 'presentation') {
        // Who can be reached or is described is no mere decoration.
        const real = isFocusable(element) ||
          GLOBAL_ATTRIBUTES.some((name) => hasAttribute(element, name));
        if (real) break;
        return 'none';
      }
      if ((word === 'region' || word === 'form') && !named(element)) continue;
      return word === 'image' ? 'img' : word === 'directory' ? 'list' : word;
    }
  }
  const role = implicitRole(element);
  if (role === 'generic' && isEditingHost(element)) return 'textbox';
  return role;
}
