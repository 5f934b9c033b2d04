#!/usr/bin/python3
"""Runs once, on a Tryton database whose modules are active: a company in euros and the user of the
tests, who may do everything there. Prints {"user", "password", "company", "currency"}."""
import json
import sys

from trytond.config import config

config.update_etc(sys.argv[1])
# The configuration has to be known before these are imported.
from trytond.pool import Pool  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402

DATABASE = sys.argv[2]
USER = 'syncline'
PASSWORD = 'syncline-of-the-tests'


def make(pool):
    """The records; gives what the tests need to know of them."""
    currency, = pool.get('currency.currency').create([
        {'name': 'Euro', 'symbol': '€', 'code': 'EUR', 'digits': 2, 'rounding': '0.01'}])
    party, = pool.get('party.party').create([{'name': 'The company itself'}])
    company, = pool.get('company.company').create([
        {'party': party.id, 'currency': currency.id}])
    groups = pool.get('res.group').search([])
    pool.get('res.user').create([{
        'name': 'Syncline', 'login': USER, 'password': PASSWORD, 'company': company.id,
        'companies': [('add', [company.id])], 'groups': [('add', [one.id for one in groups])]}])
    return {'user': USER, 'password': PASSWORD, 'company': company.id, 'currency': currency.id}


def main():
    """All of it in one transaction."""
    Pool.start()
    pool = Pool(DATABASE)
    pool.init()
    with Transaction().start(DATABASE, 0) as transaction:
        facts = make(pool)
        transaction.commit()
    print(json.dumps(facts))


main()
