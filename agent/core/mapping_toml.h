#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/core/mapping.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// What a platform's profile says about all its objects; the object's own table has the last word.
struct MappingDefaults {
    std::string key;  ///< Empty: every object must name its own.
    std::string marker;
    std::string marker_write_path;
    std::string changed;
    std::string changed_format;
    bool text_only = false;
    bool trim = false;
    bool false_is_null = false;
    bool may_create_with = false;  ///< `[objects.X.create]` and `write_path` are known.
    std::string timestamp_format;  ///< Of fields of type `timestamp` without their own.
    int timestamp_decimals = -1;
    std::map<NativeType, BoxForm> boxes;  ///< Of fields of that type without a format of their own.
};

/// What of the mappings a connector is to be made for; all as it stands, unless a person looks.
struct MappingView {
    std::vector<std::string> objects;  ///< Only these; empty: all.
    bool with_unmapped = false;        ///< ObjectMapping::with_unmapped of each.
    [[nodiscard]] bool has(const ObjectName& object) const;
};

/// All of `[objects]`. Call it after read_object_mappings() has found no problem.
[[nodiscard]] std::vector<MappedObject> mapped_objects(TomlReader& objects);

/// The tables `[objects.<name>]`; `objects` is the reader of `[objects]`. Problems are noted in it.
///
///     [objects.customer]
///     native = "Account"              # required: the platform's own name
///     singular = "Account"            # of one of them; native without its s
///     key = "Id"                      # path of the record's id
///     marker = "Syncline_Id__c"       # path of the field that holds the entity's id
///     changed = "SystemModstamp"      # path of the stamp of the last change
///     changed_format = ""             # of that stamp, see time_format.h
///     filter = "Type = 'Customer'"    # condition in the platform's own language
///     [objects.customer.fields]
///     name = "Name"                   # canonical name = path, everything else by default
///     credit_limit = { path = "CreditLimit__c", type = "decimal", decimals = 2 }
///     tier = { path = "Tier__c", type = "enum", table = { gold = "Gold", basic = "Basic" } }
///     since = { path = "CreatedDate", type = "timestamp", write = false }
///
///     [objects.customer.create]       # what a new record holds beside its fields
///     "Owner.Queue" = "General"
///
/// Of a field: path, write_path, type (auto string integer decimal bool date timestamp enum),
/// write, empty, empty_is_null, text_only, trim, length, format, decimals, table: the members of
/// FieldMapping.
[[nodiscard]] std::vector<ObjectMapping> read_object_mappings(TomlReader& objects,
                                                              const MappingDefaults& defaults,
                                                              const MappingView& view = {});

}  // namespace syncline::agent
