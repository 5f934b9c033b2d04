// Field values as they are kept. What a field cannot take is a problem {error, description},
// thrown; the caller gathers them by field.

export class ValueProblem extends Error {
  constructor(error, text) {
    super(text);
    this.error = error;
  }
}

/** `2026-01-05T10:11:12Z`: stamps have whole seconds. */
export function stampText(milliseconds) {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The value kept for a JSON value; `current` is what a map or list of fields is merged into. */
export function acceptValue(field, input, current) {
  if (input === null || input === undefined || input === '') {
    return emptyValue(field, current);
  }
  switch (field.type) {
    case 'choice':
      return acceptChoice(field, input);
    case 'reference':
    case 'integer':
      return wholeNumber(input);
    case 'ids':
      return list(input).map(wholeNumber);
    case 'texts':
      return list(input).map(String);
    case 'bool':
      return input === true || input === 'true';
    case 'tags':
      return acceptTags(input);
    case 'datetime':
      return acceptDatetime(input);
    case 'email':
      return acceptEmail(input);
    case 'map':
      return acceptMap(field, input, current);
    case 'custom':
      return acceptCustom(field, input, current);
    default:
      return acceptText(field, input);
  }
}

/** What a field holds in a new record that does not name it. */
export function emptyValue(field, current) {
  switch (field.type) {
    case 'tags':
    case 'ids':
    case 'texts':
      return [];
    case 'bool':
      return false;
    case 'map':
      return current ?? Object.fromEntries(field.keys.map((key) => [key, null]));
    case 'custom':
      return current ?? Object.keys(field.fields).map((id) => ({ id: Number(id), value: null }));
    default:
      return null;
  }
}

function acceptText(field, input) {
  if (typeof input === 'object') {
    throw new ValueProblem('InvalidFormat', 'is not properly formatted');
  }
  const text = String(input);
  if (field.length !== undefined && text.length > field.length) {
    throw new ValueProblem('ValueTooLong', `is too long (maximum is ${field.length} characters)`);
  }
  return text;
}

function acceptChoice(field, input) {
  if (!field.values.includes(input)) {
    throw new ValueProblem('InvalidValue', `${input} is not included in the list`);
  }
  return input;
}

function wholeNumber(input) {
  if (!/^\d{1,15}$/.test(String(input))) {
    throw new ValueProblem('InvalidValue', 'is invalid');
  }
  return Number(input);
}

function list(input) {
  return Array.isArray(input) ? input : [input];
}

/** Lower case, without blanks inside, each once, in order of the alphabet. */
function acceptTags(input) {
  const words = Array.isArray(input) ? input.map(String) : String(input).split(/[\s,]+/);
  const tags = words.map((word) => word.trim().toLowerCase().replace(/\s+/g, '_')).filter(Boolean);
  return [...new Set(tags)].sort();
}

function acceptDatetime(input) {
  const milliseconds = Date.parse(String(input));
  if (Number.isNaN(milliseconds)) {
    throw new ValueProblem('InvalidFormat', 'is not properly formatted');
  }
  return stampText(milliseconds);
}

function acceptEmail(input) {
  const text = String(input).trim().toLowerCase();
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) {
    throw new ValueProblem('InvalidFormat', ` ${input} is not properly formatted`);
  }
  return text;
}

function acceptMap(field, input, current) {
  const known = Object.entries(input).filter(([key]) => field.keys.includes(key));
  const values = known.map(([key, value]) => [key, value === '' ? null : value]);
  return { ...emptyValue(field, current), ...Object.fromEntries(values) };
}

/** [{id, value}] or {id: value}; ids that the account does not have are ignored. */
function acceptCustom(field, input, current) {
  const pairs = Array.isArray(input)
    ? input.map((entry) => [String(entry?.id), entry?.value])
    : Object.entries(input);
  const given = new Map(pairs);
  return emptyValue(field, current).map(({ id, value }) => {
    const wanted = given.get(String(id));
    return { id, value: wanted === undefined ? value : wanted === '' ? null : wanted };
  });
}
