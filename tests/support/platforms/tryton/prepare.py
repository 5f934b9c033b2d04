#!/usr/bin/python3
"""Runs once, on a Tryton database whose modules are active: a company in euros with the least that
it takes to sell (accounts, two products, goods in stock), the user of the tests and another one, a
person; both may do everything there. Prints {"user", "password", "person", "company", "currency",
"products"}; the person has the same password."""
import json
import sys
from decimal import Decimal

from trytond.config import config

config.update_etc(sys.argv[1])
# The configuration has to be known before these are imported.
from trytond.pool import Pool  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402

DATABASE = sys.argv[2]
USER = 'syncline'
PERSON = 'clerk'
PASSWORD = 'syncline-of-the-tests'
# Code: name, price, in stock.
PRODUCTS = {'LOOM-3': ('Loom', '1500.00', 10), 'CYLINDER-2': ('Cylinder', '480.00', 3)}


def make_company(pool):
    """The company and its money."""
    currency, = pool.get('currency.currency').create([
        {'name': 'Euro', 'symbol': '€', 'code': 'EUR', 'digits': 2, 'rounding': '0.01'}])
    party, = pool.get('party.party').create([{'name': 'The company itself'}])
    company, = pool.get('company.company').create([
        {'party': party.id, 'currency': currency.id}])
    return company, currency


def make_users(pool, company):
    """Who may do everything."""
    groups = pool.get('res.group').search([])
    pool.get('res.user').create([{
        'name': login.capitalize(), 'login': login, 'password': PASSWORD, 'company': company.id,
        'companies': [('add', [company.id])], 'groups': [('add', [one.id for one in groups])]}
        for login in (USER, PERSON)])


def make_accounts(pool, company):
    """The chart that the module brings, as its wizard makes it; gives the account of a kind."""
    wizard = pool.get('account.create_chart', type='wizard')
    session, _, _ = wizard.create()
    chart = wizard(session)
    template = pool.get('ir.model.data').get_id('account', 'account_template_root_en')
    chart.account.account_template = pool.get('account.account.template')(template)
    chart.account.company = company
    chart.transition_create_account()

    def account(kind):
        found, = pool.get('account.account').search([
            (f'type.{kind}', '=', True), ('company', '=', company.id)], limit=1)
        return found
    chart.properties.company = company
    chart.properties.account_receivable = account('receivable')
    chart.properties.account_payable = account('payable')
    chart.transition_create_properties()
    return account


def make_products(pool, account):
    """Goods that are sold, and how many there are."""
    unit, = pool.get('product.uom').search([('name', '=', 'Unit')])
    category, = pool.get('product.category').create([{
        'name': 'Machines', 'accounting': True, 'account_revenue': account('revenue').id,
        'account_expense': account('expense').id}])
    products = {}
    for code, (name, price, _) in PRODUCTS.items():
        template, = pool.get('product.template').create([{
            'name': name, 'type': 'goods', 'list_price': Decimal(price), 'salable': True,
            'default_uom': unit.id, 'sale_uom': unit.id, 'account_category': category.id,
            'products': [('create', [{'suffix_code': code}])]}])
        products[code] = template.products[0].id
    warehouse, = pool.get('stock.location').search([('type', '=', 'warehouse')])
    inventory, = pool.get('stock.inventory').create([{
        'location': warehouse.storage_location.id, 'empty_quantity': 'keep',
        'lines': [('create', [{'product': products[code], 'quantity': quantity}
                              for code, (_, _, quantity) in PRODUCTS.items()])]}])
    pool.get('stock.inventory').confirm([inventory])
    return products


def main():
    """All of it in one transaction."""
    Pool.start()
    pool = Pool(DATABASE)
    pool.init()
    with Transaction().start(DATABASE, 0) as transaction:
        company, currency = make_company(pool)
        make_users(pool, company)
        with transaction.set_context(company=company.id, companies=[company.id]):
            products = make_products(pool, make_accounts(pool, company))
        transaction.commit()
    print(json.dumps({'user': USER, 'password': PASSWORD, 'person': PERSON,
                      'company': company.id, 'currency': currency.id, 'products': products}))


main()
