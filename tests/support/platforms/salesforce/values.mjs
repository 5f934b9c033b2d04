// Field values: what a client may send, how it is kept, and how it is shown again.
// Kept: text as text, numbers as numbers, datetimes as milliseconds, ids in 18 characters.

import { DecimalText } from '../lib/reply.mjs';
import { ApiError } from './api_error.mjs';
import { normaliseId } from './record_id.mjs';

export const textTypes = new Set(['string', 'textarea', 'email', 'phone', 'picklist', 'url']);
export const numberTypes = new Set(['double', 'currency', 'percent', 'int']);
export const idTypes = new Set(['id', 'reference']);

/** The value kept for `input`; throws ApiError as Salesforce refuses it. */
export function acceptValue(field, input) {
  if (input === null) {
    return null;
  }
  if (textTypes.has(field.type)) {
    return acceptText(field, input);
  }
  if (numberTypes.has(field.type)) {
    return acceptNumber(field, input);
  }
  if (field.type === 'boolean') {
    if (typeof input !== 'boolean') {
      throw wrongType('boolean', input);
    }
    return input;
  }
  if (field.type === 'datetime') {
    return acceptDatetime(input);
  }
  return acceptReference(field, input);
}

function acceptText(field, input) {
  if (typeof input !== 'string') {
    throw wrongType('string', input);
  }
  const text = input.trim();
  if (text === '') {
    return null;
  }
  if ([...text].length > field.length) {
    const message =
      `${field.label ?? field.name}: data value too large: ${text} ` +
      `(max length=${field.length})`;
    throw new ApiError(400, 'STRING_TOO_LONG', message, [field.name]);
  }
  if (field.type === 'email' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text)) {
    const message = `${field.label}: invalid email address: ${text}`;
    throw new ApiError(400, 'INVALID_EMAIL_ADDRESS', message, [field.name]);
  }
  if (field.restricted && !field.values.includes(text)) {
    const message = `${field.label}: bad value for restricted picklist field: ${text}`;
    const code = 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST';
    throw new ApiError(400, code, message, [field.name]);
  }
  return text;
}

function acceptNumber(field, input) {
  const numeric =
    typeof input === 'string' && /^-?\d+(\.\d+)?$/.test(input.trim()) ? Number(input) : input;
  if (typeof numeric !== 'number' || !Number.isFinite(numeric)) {
    throw wrongType('double', input);
  }
  const rounded = roundHalfUp(numeric, field.scale ?? 0);
  const wholeDigits = (field.precision ?? 18) - (field.scale ?? 0);
  if (Math.abs(rounded) >= 10 ** wholeDigits) {
    const message = `${field.label}: value outside of valid range on numeric field: ${input}`;
    throw new ApiError(400, 'NUMBER_OUTSIDE_VALID_RANGE', message, [field.name]);
  }
  return rounded;
}

/** Rounds the shortest decimal form of `number`, so 1.005 at two places gives 1.01. */
function roundHalfUp(number, scale) {
  const shifted = Number(`${shiftExponent(Math.abs(number), scale)}`);
  const rounded = Number(`${shiftExponent(Math.floor(shifted + 0.5), -scale)}`);
  return number < 0 ? 0 - rounded : rounded;
}

function shiftExponent(number, places) {
  const [digits, exponent = '0'] = String(number).split('e');
  return `${digits}e${Number(exponent) + places}`;
}

function acceptDatetime(input) {
  const milliseconds = typeof input === 'string' ? parseDatetime(input) : null;
  if (milliseconds === null) {
    throw wrongType('datetime', input);
  }
  return milliseconds;
}

function acceptReference(field, input) {
  const id = normaliseId(input);
  if (id === null) {
    const message = `${field.label ?? field.name}: id value of incorrect type: ${input}`;
    throw new ApiError(400, 'MALFORMED_ID', message, [field.name]);
  }
  return id;
}

function wrongType(type, input) {
  const kinds = { number: 'VALUE_NUMBER', boolean: 'VALUE_BOOLEAN', string: 'VALUE_STRING' };
  const kind = kinds[typeof input] ?? (Array.isArray(input) ? 'START_ARRAY' : 'START_OBJECT');
  const shown = typeof input === 'object' ? '' : ` value ${input}`;
  const message = `Cannot deserialize instance of ${type} from ${kind}${shown}`;
  return new ApiError(400, 'JSON_PARSER_ERROR', message);
}

/** Milliseconds of an ISO datetime with any zone form (Z, +00:00, +0000), or null. */
export function parseDatetime(text) {
  const pattern = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$/;
  const match = pattern.exec(text);
  if (!match) {
    return null;
  }
  const zone = match[3] === 'Z' ? 'Z' : `${match[3].slice(0, 3)}:${match[3].slice(-2)}`;
  const milliseconds = Date.parse(`${match[1]}${(match[2] ?? '').slice(0, 4)}${zone}`);
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

/** `2026-01-05T10:11:12.000+0000`; the platform shows whole seconds. */
export function showDatetime(milliseconds) {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.000+0000`;
}

export function showValue(field, value) {
  if (value === null || value === undefined) {
    return field.type === 'boolean' ? false : null;
  }
  if (field.type === 'datetime') {
    return showDatetime(value);
  }
  if (numberTypes.has(field.type) && field.type !== 'int') {
    const digits = String(value);
    return new DecimalText(plainDecimal(digits));
  }
  return value;
}

/** Doubles always show a fraction: 100 is `100.0`. No exponent: precision is at most 18 digits. */
function plainDecimal(digits) {
  if (digits.includes('e')) {
    return Number(digits).toFixed(18).replace(/0+$/, '').replace(/\.$/, '.0');
  }
  return digits.includes('.') ? digits : `${digits}.0`;
}

/** What comparison and ordering see: text without case, ids in 15 characters, whole seconds. */
export function comparable(field, value) {
  if (value === null || value === undefined) {
    return field.type === 'boolean' ? 0 : null;
  }
  if (field.type === 'datetime') {
    return Math.floor(value / 1000);
  }
  if (field.type === 'boolean') {
    return value ? 1 : 0;
  }
  if (idTypes.has(field.type)) {
    return value.slice(0, 15);
  }
  return textTypes.has(field.type) ? value.toLowerCase() : value;
}
