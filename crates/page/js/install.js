// What can be called from outside. Every answer is JSON, in one text.

const functions = {
  snapshot, snapshotOf, text, html, point, fillable, typable, focusable, focus, setField, kept,
  checked, selectable, select, visible, reveal: revealed, area, here, middle, scrollPosition,
  setScroll, scrollEnded, watch,
};

Object.defineProperty(globalThis, '__browserd', {
  configurable: true,
  value: {
    version: '',
    call(name, options) {
      const answer = functions[name](options);
      return answer instanceof Promise ? answer.then(JSON.stringify) : JSON.stringify(answer);
    },
  },
});

// A script's cookie makes no event outside of the page. Only secure contexts have the store.
if (!known.listens && globalThis.cookieStore && typeof __browserdTell === 'function') {
  known.listens = true;
  cookieStore.addEventListener('change', () => __browserdTell('cookie'));
}
