// Values of OData V4: what a property takes from JSON and from a literal, and how two compare.
// Kept rows hold text, numbers, booleans and null; a moment is text in UTC, `...Z`.

const momentPattern =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,12}))?)?(Z|[+-]\d{2}:\d{2})$/;
const guidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const decimalPattern = /^-?\d+(\.\d+)?$/;

/** What is wrong with a value. kind: type, length or choice. */
export class ValueProblem extends Error {
  constructor(kind, property, value, limit = 0) {
    super(`Property '${property}' has invalid value '${value}'`);
    Object.assign(this, { kind, property, value, limit });
  }
}

/** A moment as text that sorts: UTC with seven digits of the second. Null: it is none. */
export function momentKey(text) {
  const match = momentPattern.exec(text);
  const ms = match ? Date.parse(`${match[1]}:${match[2] ?? '00'}${match[4]}`) : NaN;
  if (Number.isNaN(ms)) {
    return null;
  }
  const fraction = (match[3] ?? '').padEnd(7, '0').slice(0, 7);
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** The same without the zeros at its end, as both platforms show it. */
export function momentText(key) {
  return key.replace(/\.?0+Z$/, 'Z');
}

/** What two values of a property are compared by; null is before everything. */
export function comparable(property, value) {
  if (value === null || value === undefined) {
    return null;
  }
  switch (property.type) {
    case 'Edm.DateTimeOffset':
      return momentKey(value);
    case 'Edm.Decimal':
    case 'Edm.Int32':
      return Number(value);
    case 'Edm.Guid':
      return value.toLowerCase();
    default:
      return value;
  }
}

export function compareValues(left, right) {
  if (left === right) {
    return 0;
  }
  if (left === null || right === null) {
    return left === null ? -1 : 1;
  }
  return left < right ? -1 : 1;
}

/** The kept value of one that came as JSON. `decimalText`: decimals come as text. */
export function acceptValue(name, property, value, { decimalText = false } = {}) {
  if (value === null) {
    return null;
  }
  if (!hasJsonType(property, value, decimalText)) {
    throw new ValueProblem('type', name, value);
  }
  if (property.choices && !property.choices.includes(value)) {
    throw new ValueProblem('choice', name, value);
  }
  if (property.length && [...value].length > property.length) {
    throw new ValueProblem('length', name, value, property.length);
  }
  return property.type === 'Edm.DateTimeOffset' ? momentText(momentKey(value)) : value;
}

function hasJsonType({ type }, value, decimalText) {
  switch (type) {
    case 'Edm.Boolean':
      return typeof value === 'boolean';
    case 'Edm.Int32':
      return Number.isInteger(value);
    case 'Edm.Decimal':
      return decimalText
        ? typeof value === 'string' && decimalPattern.test(value)
        : typeof value === 'number';
    case 'Edm.DateTimeOffset':
      return typeof value === 'string' && momentKey(value) !== null;
    case 'Edm.Guid':
      return typeof value === 'string' && guidPattern.test(value);
    default:
      return typeof value === 'string';
  }
}

/**
 * The value of a literal in a URL, or undefined where it is none of this property's type: text in
 * quotes; moments, GUIDs and numbers without. Literals of V2 (datetime'...') are never right.
 */
export function literalValue(property, token) {
  if (token === 'null') {
    return null;
  }
  const quoted = /^'((?:[^']|'')*)'$/s.exec(token);
  switch (property.type) {
    case 'Edm.String':
      return quoted ? quoted[1].replaceAll("''", "'") : undefined;
    case 'Edm.Boolean':
      return token === 'true' || token === 'false' ? token === 'true' : undefined;
    case 'Edm.Decimal':
      return decimalPattern.test(token) ? Number(token) : undefined;
    case 'Edm.Int32':
      return /^-?\d+$/.test(token) ? Number(token) : undefined;
    case 'Edm.DateTimeOffset':
      return momentKey(token) ? token : undefined;
    case 'Edm.Guid':
      return guidPattern.test(token) ? token.toLowerCase() : undefined;
    default:
      return undefined;
  }
}
