// The walk of a snapshot with nothing folded: every element it comes to, with the role and the
// name that the snapshot would give it. Elements are known by their number in the
// order of the flat tree, through frames.

const numbers = new Map();
const tags = [];

function number(element) {
  numbers.set(element, numbers.size);
  tags.push(localName(element));
  const inner = documentIn(element);
  if (inner && documentElementOf(inner)) number(documentElementOf(inner));
  eachFlatChild(element, (child) => { if (isElement(child)) number(child); });
}

const EMPTY = oneOf('list listitem');

class Whole extends Walk {
  constructor(modals) {
    super({ next: 1, limit: 0, urls: false, hidden: false }, modals);
    this.found = [];
    // Whether what comes is in an element that is told as one line.
    this.within = 0;
  }

  shown(element, tag, into, depth) {
    const role = roleOf(element);
    const { name } = FOLDED.has(role)
      ? { name: cut(collapse(attribute(element, 'aria-label') || '')) } : nameOf(element, role);
    const told = this.tell(element, role, name);
    const closed = CLOSED.has(role) && !isOpen(element, role);
    if (closed) this.within++;
    const inside = [];
    if (tag === 'select') {
      for (const option of optionsOf(element)) {
        this.tell(option, 'option', cut(collapse(optionLabel(option) || optionText(option))));
      }
    } else {
      this.children(element, inside, depth);
    }
    if (closed) this.within--;
    // Nobody is told of what has neither a name nor anything in it.
    const nothing = name === '' && inside.length === 0 && (FOLDED.has(role) || EMPTY.has(role));
    if (nothing) this.found[told].push(true);
    else into.push({ role: 'generic' });
  }

  tell(element, role, name) {
    return this.found.push([numbers.get(element), role, name, this.within > 0, isEditingHost(element)]) - 1;
  }
}

number(documentElementOf(document));
const modals = topModals();
let walk;
for (let tries = 0; tries < 4; tries++) {
  walk = new Whole(modals);
  walk.visit(documentElementOf(document), [], 0);
  if (!walk.lateModal) break;
}
const found = walk.found.map(([element, role, name, within, editing, empty = false]) =>
  ({ element, role, name, within, editing, empty }));
return JSON.stringify({ tags, found });
