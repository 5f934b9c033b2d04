#!/usr/bin/env python3
"""Customers in an SQLite file, spoken for to Syncline's `exec` connector (customers.toml)."""
import json
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
db.row_factory = sqlite3.Row
# Whoever changes a customer leaves a number in `changes`, the newest for each: that is what a
# cursor counts. A read from the beginning so shows every customer that there is.
db.executescript("""
CREATE TABLE IF NOT EXISTS customers (no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, email TEXT,
                                      credit_limit INTEGER, syncline_id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, no INTEGER UNIQUE);
CREATE TRIGGER IF NOT EXISTS made AFTER INSERT ON customers
    BEGIN INSERT OR REPLACE INTO changes (no) VALUES (new.no); END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE ON customers
    BEGIN INSERT OR REPLACE INTO changes (no) VALUES (new.no); END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON customers
    BEGIN INSERT OR REPLACE INTO changes (no) VALUES (old.no); END;
INSERT OR IGNORE INTO changes (no) SELECT no FROM customers;
""")


class Refused(Exception):
    """Its arguments: the class of the error, and what is wrong."""


def one(column, value):
    row = db.execute(f"SELECT * FROM customers WHERE {column} = ?", (value,)).fetchone()
    return dict(row) if row else None


def hello(**_):
    return {"protocol": 1, "capabilities": ["can_fetch", "has_marker", "create_is_idempotent"]}


def read(cursor, max, **_):
    rows = db.execute("SELECT seq, no FROM changes WHERE seq > ? ORDER BY seq LIMIT ?",
                      (int(cursor or 0), max)).fetchall()
    found = {row["no"]: one("no", row["no"]) for row in rows}
    return {"records": [record for record in found.values() if record],
            "deleted": [no for no, record in found.items() if not record],
            "next": str(rows[-1]["seq"]) if rows else cursor or "0", "more": len(rows) == max}


def fetch(record, **_):
    return {"record": one("no", record)}


def find(entity, **_):
    return {"record": one("syncline_id", entity)}


def create(entity, values, **_):
    found = one("syncline_id", entity)  # It was told twice.
    if found:
        return {"record": found, "existed": True}
    names = ", ".join(values)
    db.execute(f"INSERT INTO customers ({names}) VALUES ({', '.join('?' * len(values))})",
               list(values.values()))
    return {"record": one("syncline_id", entity)}


def expect(record, expected, values):
    """What the record must still hold, unless it holds what is wanted already."""
    now = one("no", record)
    if not now:
        raise Refused("not_found", f"there is no customer {record}")
    for name, value in expected.items():
        if now[name] not in (value, values.get(name, value)):
            raise Refused("conflict", f"customer {record}: {name} is {now[name]!r}")


def update(record, values, expected, **_):
    expect(record, expected, values)
    for name, value in values.items():
        db.execute(f"UPDATE customers SET {name} = ? WHERE no = ?", (value, record))
    return {"record": one("no", record)}


def delete(record, expected, **_):
    expect(record, expected, {})
    db.execute("DELETE FROM customers WHERE no = ?", (record,))
    return {}


CALLS = {call.__name__: call for call in (hello, read, fetch, find, create, update, delete)}


def answer(request):
    try:
        call = CALLS.get(request.pop("call"))
        if call is None or request.pop("object", "customers") != "customers":
            raise Refused("invalid", "there is no such call, or no such object")
        with db:
            db.execute("BEGIN IMMEDIATE")
            return {"result": call(**request)}
    except Refused as error:
        return {"error": {"class": error.args[0], "text": error.args[1]}}
    except sqlite3.OperationalError as error:  # Locked, or the disk is full: rolled back.
        return {"error": {"class": "unavailable", "text": str(error)}}
    except (ValueError, sqlite3.IntegrityError) as error:
        return {"error": {"class": "invalid", "text": str(error)}}


for line in sys.stdin:
    asked = json.loads(line)
    number = asked.pop("id")
    print(json.dumps({"id": number, **answer(asked)}), flush=True)
