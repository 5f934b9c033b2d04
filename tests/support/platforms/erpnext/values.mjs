// Field values. Kept: moments as text of the site's own time zone with microseconds. Told: without
// a fraction where it is nought, as Python writes them; money and other decimals with a point.

import { DecimalText } from '../lib/reply.mjs';
import { validationError } from './api_error.mjs';

const dataLength = 140;
const order = new Intl.Collator('und', { sensitivity: 'base' });

/** Text as the database compares it: without case, accents and blanks at the end. */
export function collationKey(text) {
  return String(text).normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trimEnd();
}

export function compareText(left, right) {
  const [a, b] = [collationKey(left), collationKey(right)];
  return a === b ? 0 : order.compare(a, b) || (a < b ? -1 : 1);
}

/** `milliseconds` since 1970, in a zone that is so far ahead of UTC. */
export function stampText(milliseconds, utcOffsetMinutes) {
  const local = new Date(milliseconds + utcOffsetMinutes * 60_000).toISOString();
  const micros = String(process.hrtime.bigint() % 1_000n).padStart(3, '0');
  return `${local.slice(0, 23).replace('T', ' ')}${micros}`;
}

/** A moment with all six digits, or null if it is none. */
export function wholeMoment(input) {
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?)?$/.exec(String(input));
  if (!match || Number.isNaN(Date.parse(match[1]))) {
    return null;
  }
  const [, day, time = '00:00:00', fraction = ''] = match;
  return `${day} ${time}.${fraction.padEnd(6, '0')}`;
}

/** The value kept for a JSON value. */
export function acceptValue(doctype, name, input) {
  const field = doctype.fields[name];
  const empty = input === null || input === undefined || input === '';
  switch (field.type) {
    case 'Check':
      return Number(input) ? 1 : 0;
    case 'Int':
      return Math.trunc(Number(input)) || 0;
    case 'Currency':
      return Math.round((Number(input) || 0) * 1e9) / 1e9;
    case 'Date':
    case 'Datetime': {
      const moment = empty ? null : wholeMoment(input);
      if (!empty && moment === null) {
        throw validationError(`${input} is not a valid date string.`);
      }
      return moment !== null && field.type === 'Date' ? moment.slice(0, 10) : moment;
    }
    case 'Select':
      if (!empty && !field.options.includes(input)) {
        const choices = field.options.map((option) => `"${option}"`).join(', ');
        throw validationError(`${name} cannot be "${input}". It should be one of ${choices}`);
      }
      return empty ? null : input;
    default:
      return acceptText(field, name, input);
  }
}

/** A unique field that is empty is null, so that many may be. */
function acceptText(field, name, input) {
  if (input === null || input === undefined || (input === '' && field.unique)) {
    return null;
  }
  const text = typeof input === 'object' ? JSON.stringify(input) : String(input);
  if (field.type !== 'Text' && [...text].length > dataLength) {
    const why = `will get truncated, as max characters allowed is ${dataLength}`;
    throw validationError(`'${name}' ${why}`, 'CharacterLengthExceededError');
  }
  return text;
}

export function showValue(field, value) {
  switch (field.type) {
    case 'Currency':
      return new DecimalText(Number.isInteger(value) ? `${value}.0` : String(value));
    case 'Datetime':
      return value === null ? null : value.replace(/\.000000$/, '');
    default:
      return value;
  }
}
