// Runs in stubs only: makes entries, each with its state, and goes back to the one that was
// shown. States are told as CDP serializes them deeply.
const decode = root => {
  const known = new Map();
  const make = ({ type, value, weakLocalObjectReference: number }) => {
    if (value === undefined && known.has(number)) return known.get(number);
    const note = object => {
      if (number !== undefined) known.set(number, object);
      return object;
    };
    const key = of => (typeof of === 'string' ? of : make(of));
    switch (type) {
      case 'undefined': return undefined;
      case 'null': return null;
      case 'string': case 'boolean': return value;
      case 'number': return Number(value);
      case 'bigint': return BigInt(value);
      case 'date': return new Date(value);
      case 'regexp': return new RegExp(value.pattern, value.flags);
      case 'array': {
        const array = note([]);
        value.forEach(item => array.push(make(item)));
        return array;
      }
      case 'set': {
        const set = note(new Set());
        value.forEach(item => set.add(make(item)));
        return set;
      }
      case 'map': {
        const map = note(new Map());
        value.forEach(([of, item]) => map.set(key(of), make(item)));
        return map;
      }
      case 'object': {
        const object = note({});
        for (const [name, item] of value) {
          Object.defineProperty(object, name,
            { value: make(item), enumerable: true, writable: true, configurable: true });
        }
        return object;
      }
      default: throw new Error('a value of a later version');
    }
  };
  return make(root);
};

const describe = root => {
  const seen = new Map();
  const of = value => {
    if (typeof value !== 'object' || value === null) {
      return [typeof value, Object.is(value, -0) ? '-0' : String(value)];
    }
    if (seen.has(value)) return seen.get(value);
    seen.set(value, seen.size);
    if (value instanceof Date) return ['date', value.getTime()];
    if (value instanceof RegExp) return ['regexp', String(value)];
    if (value instanceof Map) return ['map', [...value].map(([key, item]) => [of(key), of(item)])];
    if (value instanceof Set) return ['set', [...value].map(of)];
    return [Array.isArray(value), Object.keys(value).map(key => [key, of(value[key])])];
  };
  return JSON.stringify(of(root));
};

const rebuild = async (entries, back) => {
  let whole = true;
  const keys = [];
  entries.forEach(([url, told], at) => {
    let state = null;
    try {
      if (told !== null) state = decode(told);
    } catch {
      whole = false;
    }
    if (at === 0) history.replaceState(state, '', url);
    else history.pushState(state, '', url);
    whole &&= describe(history.state) === describe(state);
    keys.push(globalThis.navigation?.currentEntry?.key ?? '');
  });
  if (back > 0) {
    await new Promise(shown => {
      addEventListener('popstate', shown, { once: true });
      history.go(-back);
    });
  }
  return JSON.stringify({ whole, keys });
};
