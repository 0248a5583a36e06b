// What can be called from outside. Every answer is JSON, in one text.

const functions = {
  snapshot, snapshotOf, content, contentOf, boxesInView, drawMarks, point, fillable, typable, focusable, focus, setField, kept,
  checked, selectable, select, opensList, listOption, visible, several, fileField, clearFiles, dropPoint, watchDrag,
  dragSeen, reveal: revealed, area, here, middle, scrollPosition,
  setScroll, scrollEnded, watch, followTitle, readForm,
  restoreForm, readScrolls, restoreScrolls, nearEntries,
  foreignFrames, noteFrame, throughFrame, areaThroughFrame,
};

Object.defineProperty(globalThis, '__browserd', {
  configurable: true,
  value: {
    version: '',
    call(name, options) {
      const answer = functions[name](options);
      return answer instanceof Promise ? answer.then(JSON.stringify) : JSON.stringify(answer);
    },
    // For the browser, which is told of elements by reference.
    frameElement,
    takeWaiting,
    noteClosed,
    fileFieldNode,
  },
});

// A script's cookie makes no event outside of the page. Only secure contexts have the store.
if (!known.listens && globalThis.cookieStore && typeof __browserdTell === 'function') {
  known.listens = true;
  cookieStore.addEventListener('change', () => __browserdTell('cookie'));
}

// A page nobody looks at has a title, too: the main frame's is told when it is another.
function tellTitle(how = 'title') {
  // The owner keeps 4,096 characters.
  const title = titleOf(document).slice(0, 8192);
  if (title === known.toldTitle) return;
  known.toldTitle = title;
  __browserdTell(`${how} ${title}`);
}

// Also called from outside: a pop-up's empty document leaves this world, but none of what it
// listened to, to the next document, in which the script does not run again.
function followTitle() {
  known.toldTitle = undefined;
  tellTitle();
  // It is changed in the head, whoever does it; the rest of the page is not listened to.
  const head = headOf(document);
  const all = { childList: true, subtree: true, characterData: true };
  if (head) new MutationObserver(() => tellTitle()).observe(head, all);
}

if (!known.followsTitle && globalThis.parent === globalThis && typeof __browserdTell === 'function') {
  known.followsTitle = true;
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', followTitle, { capture: true });
  else followTitle();
  // From the back/forward cache it is shown anew, and nobody remembers its title.
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    known.toldTitle = undefined;
    tellTitle('again');
  });
}

// What is typed is told as it is typed: a page that a dialog holds can't be asked any more. The
// first change at once, before the page hears of it and may open one; on a large page less often.
function tellForm() {
  const begun = performance.now();
  known.formTimer = undefined;
  __browserdTell(`form ${JSON.stringify(readForm({ maxBytes: 256 * 1024 }))}`);
  const now = performance.now();
  known.formRests = now + Math.max(100, 20 * (now - begun));
}

function formChanged() {
  if (known.formTimer !== undefined) return;
  const left = (known.formRests ?? 0) - performance.now();
  if (left <= 0) tellForm();
  else known.formTimer = setTimeout(tellForm, left);
}

if (!known.followsForm && globalThis.parent === globalThis && typeof __browserdTell === 'function') {
  known.followsForm = true;
  for (const type of ['input', 'change']) addEventListener(type, formChanged, { capture: true, passive: true });
}
