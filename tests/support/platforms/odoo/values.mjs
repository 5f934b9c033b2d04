// Field values. Kept: null for "no value", moments as text of UTC with milliseconds. Told: false
// for "no value" but 0 for numbers, moments without their fraction, and which zone is not said.

import { DecimalText } from '../lib/reply.mjs';
import { valueError } from './api_error.mjs';

const formats = {
  date: { pattern: /^\d{4}-\d\d-\d\d$/, length: 10, python: '%Y-%m-%d' },
  datetime: {
    pattern: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/,
    length: 19,
    python: '%Y-%m-%d %H:%M:%S',
  },
};

export function stampText(milliseconds) {
  return new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '');
}

/** The value kept for a JSON value; throws what Python would. `where`: model.field. */
export function acceptValue(field, input, where) {
  const empty = input === false || input === null;
  switch (field.type) {
    case 'boolean':
      return Boolean(input);
    case 'integer':
      return empty || input === '' ? 0 : wholeNumber(input);
    case 'float':
      return empty || input === '' ? 0 : roundedNumber(input, field.scale ?? 2);
    case 'date':
    case 'datetime':
      return empty || input === '' ? null : moment(formats[field.type], input);
    case 'selection':
      if (!empty && !field.choices.includes(input)) {
        throw valueError(`Wrong value for ${where}: ${shownPython(input)}`);
      }
      return empty ? null : input;
    case 'many2one':
      if (!empty && !Number.isInteger(input)) {
        throw valueError(`Wrong value for ${where}: ${shownPython(input)}`);
      }
      return empty ? null : input;
    default:
      return empty ? null : acceptText(field, input);
  }
}

function acceptText(field, input) {
  const text = typeof input === 'string' ? input : shownPython(input);
  return field.size ? [...text].slice(0, field.size).join('') : text;
}

function wholeNumber(input) {
  const number = typeof input === 'string' && !/^\s*-?\d+\s*$/.test(input) ? NaN : Number(input);
  if (Number.isNaN(number)) {
    throw valueError(`invalid literal for int() with base 10: ${shownPython(input)}`);
  }
  return Math.trunc(number);
}

function roundedNumber(input, scale) {
  const number = Number(input);
  if (Number.isNaN(number)) {
    throw valueError(`could not convert string to float: ${shownPython(input)}`);
  }
  return Number(number.toFixed(scale));
}

/** What comes behind the seconds is cut off without a word, a zone too. */
function moment(format, input) {
  const text = String(input).slice(0, format.length);
  const whole = text.length === 10 && format.length === 19 ? `${text} 00:00:00` : text;
  const isoText = `${whole.replace(' ', 'T')}${format.length === 19 ? 'Z' : ''}`;
  if (!format.pattern.test(whole) || Number.isNaN(Date.parse(isoText))) {
    throw valueError(`time data '${text}' does not match format '${format.python}'`);
  }
  return format.length === 19 ? `${whole}.000` : whole;
}

/** As Python writes a value in its messages. */
export function shownPython(value) {
  if (Array.isArray(value)) {
    return `(${value.map(shownPython).join(', ')})`;
  }
  if (typeof value === 'string') {
    return `'${value}'`;
  }
  if (value === null) {
    return 'None';
  }
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value);
}

/** As JSON tells it. `nameOf(model, id)` is what a linked record is called. */
export function showValue(field, value, nameOf) {
  switch (field.type) {
    case 'boolean':
      return Boolean(value);
    case 'integer':
      return value ?? 0;
    case 'float':
      return new DecimalText(Number.isInteger(value ?? 0) ? `${value ?? 0}.0` : String(value));
    case 'datetime':
      return value === null ? false : value.slice(0, 19);
    case 'many2one':
      return value === null ? false : [value, nameOf(field.model, value)];
    default:
      return value ?? false;
  }
}

/** A computed field has no column: its value is made when it is read. */
export function readField(field, row, name) {
  if (!field.computed) {
    return row[name] ?? null;
  }
  const parts = field.computed.map((from) => row[from]).filter((part) => part);
  return parts.length > 0 ? parts.join(', ') : null;
}
