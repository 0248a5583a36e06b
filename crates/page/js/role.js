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

const SECTIONING = 'article,aside,main,nav,section,[role=article],[role=complementary],[role=main],' +
  '[role=navigation],[role=region]';
const GLOBAL_ATTRIBUTES = ['aria-label', 'aria-labelledby', 'aria-describedby', 'aria-controls',
  'aria-owns', 'aria-live', 'aria-busy', 'aria-current', 'aria-details', 'aria-flowto'];

function implicitRole(element) {
  if (!isHtml(element)) {
    if (namespaceOf(element) !== SVG) return localName(element) === 'math' ? 'math' : 'generic';
    const name = localName(element);
    if (name === 'svg') return 'img';
    if (name === 'a' && hasAttribute(element, 'href')) return 'link';
    return 'generic';
  }
  const tag = localName(element);
  switch (tag) {
    case 'a':
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
      return insideSection(element) ? 'generic' : 'banner';
    case 'footer':
      return insideSection(element) ? 'generic' : 'contentinfo';
    case 'summary':
      return isSummary(element) ? 'button' : 'generic';
    case 'td':
      return tableRole(element) === 'grid' ? 'gridcell' : 'cell';
    case 'th': {
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

function insideSection(element) {
  const parent = parentNode(element);
  return !!parent && isElement(parent) && closest(parent, SECTIONING) !== null;
}

function named(element) {
  return collapse(attribute(element, 'aria-label') || '') !== '' ||
    hasAttribute(element, 'aria-labelledby') || hasAttribute(element, 'title');
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
