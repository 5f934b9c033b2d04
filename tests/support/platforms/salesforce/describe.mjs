// Describe answers, built from the schema.

import { idTypes, numberTypes } from './values.mjs';

export function describeGlobal(schema, version) {
  const sobjects = schema.objects().map((object) => describeFlags(object, version));
  return { encoding: 'UTF-8', maxBatchSize: 200, sobjects };
}

export function describeObject(object, version) {
  return {
    ...describeFlags(object, version),
    fields: object.fields.map((field) => describeField(object, field)),
    childRelationships: [],
    recordTypeInfos: [],
  };
}

function describeFlags(object, version) {
  const path = `/services/data/v${version}/sobjects/${object.name}`;
  return {
    name: object.name,
    label: object.label,
    labelPlural: `${object.label}s`,
    keyPrefix: object.keyPrefix,
    custom: object.name.endsWith('__c'),
    queryable: true,
    retrieveable: true,
    searchable: true,
    createable: true,
    updateable: true,
    deletable: true,
    undeletable: true,
    replicateable: true,
    triggerable: true,
    urls: { sobject: path, describe: `${path}/describe`, rowTemplate: `${path}/{ID}` },
  };
}

function describeField(object, field) {
  const isId = field.type === 'id';
  const isName = field.name === 'Name';
  return {
    name: field.name,
    label: field.label ?? field.name,
    type: field.type,
    soapType: soapType(field),
    length: idTypes.has(field.type) ? 18 : (field.length ?? 0),
    byteLength:
      (idTypes.has(field.type) ? 18 : (field.length ?? 0)) * (idTypes.has(field.type) ? 1 : 3),
    precision: field.precision ?? 0,
    scale: field.scale ?? 0,
    digits: 0,
    custom: field.name.endsWith('__c'),
    externalId: Boolean(field.externalId),
    unique: Boolean(field.unique),
    caseSensitive: Boolean(field.caseSensitive),
    idLookup: isId || Boolean(field.externalId),
    nameField: isName,
    createable: !field.system,
    updateable: !field.system,
    nillable: !field.system && !field.required,
    defaultedOnCreate: Boolean(field.system) || field.default !== undefined,
    filterable: field.type !== 'textarea',
    sortable: field.type !== 'textarea',
    groupable: !['textarea', 'datetime'].includes(field.type) && !numberTypes.has(field.type),
    calculated: false,
    restrictedPicklist: Boolean(field.restricted),
    picklistValues: (field.values ?? []).map((value) => ({
      active: true,
      defaultValue: value === field.default,
      label: value,
      value,
    })),
    referenceTo: field.referenceTo ? [field.referenceTo] : [],
    relationshipName: field.relationshipName ?? null,
  };
}

function soapType(field) {
  if (idTypes.has(field.type)) {
    return 'tns:ID';
  }
  if (field.type === 'datetime') {
    return 'xsd:dateTime';
  }
  if (field.type === 'boolean') {
    return 'xsd:boolean';
  }
  return numberTypes.has(field.type) ? 'xsd:double' : 'xsd:string';
}
