// Reads and writes the databases of the origin this document has. Runs in stubs only, where no
// script of a page is. A record is one text of tagged JSON: `v` is the value, `o` the objects
// it is made of, so that shared and cyclic ones stay what they are.
class Lost extends Error {}
const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
const BOXES = [Boolean, Number, String, BigInt];
const done = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const ended = transaction => new Promise((resolve, reject) => {
  transaction.oncomplete = resolve;
  transaction.onabort = () => reject(transaction.error ?? new Error('aborted'));
});
const base64 = bytes => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
};
const bytesOf = text => Uint8Array.from(atob(text), char => char.charCodeAt(0));
const define = (object, key, value, enumerable = true) =>
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true });

function encode(root) {
  const objects = [], blobs = [], seen = new Map();
  const plain = value => {
    switch (typeof value) {
      case 'undefined': return ['u'];
      case 'boolean': return value;
      case 'number':
        if (Object.is(value, -0)) return ['n', '-0'];
        return Number.isFinite(value) ? value : ['n', String(value)];
      case 'bigint': return ['i', String(value)];
      case 'string':
        return value.isWellFormed() ? value : ['s', Array.from({ length: value.length }, (_, n) => value.charCodeAt(n))];
      case 'object': {
        if (value === null) return null;
        let at = seen.get(value);
        if (at === undefined) {
          at = objects.push(value) - 1;
          seen.set(value, at);
        }
        return ['r', at];
      }
      default: throw new Lost();
    }
  };
  const entries = object => Object.keys(object).map(key => [plain(key), plain(object[key])]);
  const body = object => {
    const proto = Object.getPrototypeOf(object);
    if (Array.isArray(object)) {
      const keys = Object.keys(object);
      const dense = keys.length === object.length && keys.every((key, n) => key === String(n));
      return dense ? ['A', object.map(plain)] : ['a', object.length, entries(object)];
    }
    if (ArrayBuffer.isView(object)) {
      if (object.buffer.resizable) throw new Lost();
      return ['T', proto.constructor.name, plain(object.buffer), object.byteOffset, object.length ?? object.byteLength];
    }
    if (ERRORS.some(kind => kind.prototype === proto)) {
      const parts = ['message', 'stack', 'cause'].filter(name => Object.hasOwn(object, name));
      return ['E', proto.constructor.name, parts.map(name => [name, plain(object[name])])];
    }
    if (BOXES.some(kind => kind.prototype === proto)) return ['P', plain(object.valueOf())];
    switch (proto) {
      case Object.prototype: return ['O', entries(object)];
      case Date.prototype: return ['D', plain(object.getTime())];
      case Map.prototype: return ['M', [...object].map(([key, value]) => [plain(key), plain(value)])];
      case Set.prototype: return ['S', [...object].map(plain)];
      case RegExp.prototype: return ['R', plain(object.source), object.flags];
      case ArrayBuffer.prototype:
        if (object.resizable) throw new Lost();
        return ['B', base64(new Uint8Array(object))];
      case Blob.prototype: {
        const of = ['L', null, object.type];
        blobs.push([of, object]);
        return of;
      }
      case File.prototype: {
        const of = ['F', null, object.type, plain(object.name), object.lastModified];
        blobs.push([of, object]);
        return of;
      }
      default: throw new Lost();
    }
  };
  const v = plain(root), o = [];
  for (let n = 0; n < objects.length; n += 1) o.push(body(objects[n]));
  return { record: o.length ? { v, o } : { v }, blobs };
}

function decode({ v, o = [] }) {
  const objects = [];
  const plain = value => {
    if (!Array.isArray(value)) return value;
    const [tag, of] = value;
    switch (tag) {
      case 'u': return undefined;
      case 'n': return Number(of);
      case 'i': return BigInt(of);
      case 's': return of.map(code => String.fromCharCode(code)).join('');
      case 'r': return objects[of];
      default: throw new Error('a value of a later version');
    }
  };
  const make = ([tag, a, b, c, d]) => {
    switch (tag) {
      case 'O': return {};
      case 'A': return new Array(a.length);
      case 'a': return new Array(a);
      case 'D': return new Date(plain(a));
      case 'M': return new Map();
      case 'S': return new Set();
      case 'R': return new RegExp(plain(a), b);
      case 'B': return bytesOf(a).buffer;
      case 'T': return null;
      case 'P': return Object(plain(a));
      case 'L': return new Blob([bytesOf(a)], { type: b });
      case 'F': return new File([bytesOf(a)], plain(c), { type: b, lastModified: d });
      case 'E': return new (ERRORS.find(kind => kind.name === a))();
      default: throw new Error('an object of a later version');
    }
  };
  for (const body of o) objects.push(make(body));
  o.forEach(([tag, type, buffer, offset, length], n) => {
    if (tag === 'T') objects[n] = new globalThis[type](plain(buffer), offset, length);
  });
  o.forEach(([tag, a, b], n) => {
    const object = objects[n];
    if (tag === 'A') a.forEach((value, at) => define(object, at, plain(value)));
    if (tag === 'O') a.forEach(([key, value]) => define(object, plain(key), plain(value)));
    if (tag === 'a') b.forEach(([key, value]) => define(object, plain(key), plain(value)));
    if (tag === 'M') a.forEach(([key, value]) => object.set(plain(key), plain(value)));
    if (tag === 'S') a.forEach(value => object.add(plain(value)));
    if (tag === 'E') {
      delete object.stack;
      b.forEach(([key, value]) => define(object, key, plain(value), false));
    }
  });
  return plain(v);
}

const text = value => JSON.stringify(encode(value).record);
const value = text => decode(JSON.parse(text));

// A database that isn't there must not come to be, and the page's own upgrade must not wait.
async function opened(name) {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.transaction.abort();
  const db = await done(request);
  db.onversionchange = () => db.close();
  return db;
}

async function read({ most_blobs, most_text }) {
  const out = { databases: [], lost: [] };
  const lose = word => { if (!out.lost.includes(word)) out.lost.push(word); };
  let size = 0, blobRoom = most_blobs;
  const names = (await indexedDB.databases()).map(({ name }) => name).sort();
  for (const name of names) {
    const db = await opened(name);
    const of = { name: text(name), version: db.version, stores: [] };
    const withBlobs = [];
    const stores = [...db.objectStoreNames];
    // One transaction: the stores are of one moment.
    const transaction = stores.length ? db.transaction(stores, 'readonly') : null;
    for (const store of stores.map(store => transaction.objectStore(store))) {
      const records = [];
      const indexes = [...store.indexNames].map(index => store.index(index)).map(index => ({
        name: text(index.name), key_path: text(index.keyPath), unique: index.unique, multi_entry: index.multiEntry,
      }));
      of.stores.push({
        name: text(store.name), key_path: text(store.keyPath), auto_increment: store.autoIncrement, indexes, records,
      });
      const outOfLine = store.keyPath === null;
      const cursors = store.openCursor();
      const tooLarge = await new Promise((resolve, reject) => {
        cursors.onerror = () => reject(cursors.error);
        cursors.onsuccess = () => {
          const cursor = cursors.result;
          if (!cursor) return resolve(false);
          try {
            const { record, blobs } = encode(cursor.value);
            if (outOfLine) record.k = encode(cursor.primaryKey).record;
            if (blobs.length) {
              withBlobs.push({ record, blobs, records, at: records.push('') - 1 });
            } else {
              size += records[records.push(JSON.stringify(record)) - 1].length;
            }
          } catch (err) {
            if (!(err instanceof Lost)) return reject(err);
            lose('indexed_db');
          }
          if (most_text < size) return resolve(true);
          cursor.continue();
        };
      });
      // A part of an origin would look like the whole.
      if (tooLarge) return JSON.stringify({ databases: [], lost: ['indexed_db'] });
    }
    db.close();
    for (const { record, blobs, records, at } of withBlobs) {
      const length = blobs.reduce((sum, [, blob]) => sum + blob.size, 0);
      if (blobRoom < length) {
        lose('blobs_over_limit');
        records[at] = null;
        continue;
      }
      blobRoom -= length;
      for (const [slot, blob] of blobs) slot[1] = base64(new Uint8Array(await blob.arrayBuffer()));
      records[at] = JSON.stringify(record);
    }
    for (const store of of.stores) {
      const kept = store.records.filter(record => record !== null);
      store.records = kept;
    }
    out.databases.push(of);
  }
  return JSON.stringify(out);
}

// The next key can only be moved by a record; one that has that key would have moved it already.
async function moveGenerator(store, next) {
  const last = next - 1;
  if (last < 1 || 0 < await done(store.count(last))) return;
  if (store.keyPath === null) {
    store.put(0, last);
  } else {
    const path = store.keyPath.split('.');
    store.put(path.reduceRight((inner, name) => define({}, name, inner), last));
  }
  await done(store.delete(last));
}

async function write(databases) {
  for (const of of databases) {
    const name = value(of.name);
    await done(indexedDB.deleteDatabase(name));
    const request = indexedDB.open(name, of.version);
    request.onupgradeneeded = () => {
      for (const store of of.stores) {
        const options = { keyPath: value(store.key_path), autoIncrement: store.auto_increment };
        const made = request.result.createObjectStore(value(store.name), options);
        for (const index of store.indexes) {
          const options = { unique: index.unique, multiEntry: index.multi_entry };
          made.createIndex(value(index.name), value(index.key_path), options);
        }
      }
    };
    const db = await done(request);
    if (of.stores.length) {
      const transaction = db.transaction([...db.objectStoreNames], 'readwrite');
      const whole = ended(transaction);
      whole.catch(() => {});
      for (const store of of.stores) {
        const made = transaction.objectStore(value(store.name));
        for (const record of store.records) {
          const parsed = JSON.parse(record);
          if (parsed.k) made.put(decode(parsed), decode(parsed.k));
          else made.put(decode(parsed));
        }
        if (store.auto_increment && store.next_key) await moveGenerator(made, store.next_key);
      }
      await whole;
    }
    db.close();
  }
}

async function clear() {
  for (const { name } of await indexedDB.databases()) await done(indexedDB.deleteDatabase(name));
  return '{}';
}
