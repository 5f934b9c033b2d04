-- The demo's ERP, as an in-house system keeps it: customers, orders and what follows from them.
CREATE SCHEMA erp;

CREATE SEQUENCE erp.customer_numbers START 1001;
CREATE TABLE erp.customers (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number       text NOT NULL UNIQUE DEFAULT 'C-' || nextval('erp.customer_numbers'),
    name         text NOT NULL,
    email        text,
    phone        text,
    country      char(2),
    stage        text NOT NULL DEFAULT 'prospect',
    credit_limit numeric(14, 2),
    syncline_id  text UNIQUE
);

CREATE SEQUENCE erp.order_numbers START 50001;
CREATE TABLE erp.orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    erp_number  text NOT NULL UNIQUE DEFAULT 'SO-' || nextval('erp.order_numbers'),
    number      text NOT NULL,
    customer    text NOT NULL,
    amount      numeric(14, 2) NOT NULL,
    currency    char(3) NOT NULL,
    status      text NOT NULL,
    product     text,               -- Orders that sales wrote by hand say neither.
    quantity    integer,
    syncline_id text UNIQUE
);

CREATE TABLE erp.products (
    product   text PRIMARY KEY,
    price     numeric(14, 2) NOT NULL,
    least     numeric(14, 2) NOT NULL,  -- What sales may go down to.
    available integer NOT NULL CHECK (available >= 0)
);
INSERT INTO erp.products VALUES ('LOOM-3', 1500, 1350, 10), ('COG-7', 40, 40, 5),
    ('CYLINDER-2', 480, 480, 3);

CREATE TABLE erp.tax_jurisdictions (
    country      char(2) PRIMARY KEY,
    jurisdiction text NOT NULL,
    rate         numeric(5, 2) NOT NULL,
    registered   boolean NOT NULL
);
INSERT INTO erp.tax_jurisdictions VALUES ('GB', 'United Kingdom', 20, true),
    ('IE', 'Ireland', 23, true), ('FR', 'France', 20, true), ('BR', 'Brazil', 17, false);

CREATE TABLE erp.contracts (
    customer      text PRIMARY KEY,
    level         text NOT NULL,
    covered_until date NOT NULL
);
CREATE TABLE erp.installed (
    serial   text PRIMARY KEY,
    customer text NOT NULL,
    product  text NOT NULL,
    since    date NOT NULL
);

CREATE SEQUENCE erp.shipment_numbers START 70001;
CREATE TABLE erp.shipments (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number    text NOT NULL UNIQUE DEFAULT 'SH-' || nextval('erp.shipment_numbers'),
    reference text NOT NULL,            -- An order's number or a case's.
    customer  text NOT NULL,
    product   text NOT NULL,
    status    text NOT NULL DEFAULT 'planned'
);
CREATE SEQUENCE erp.invoice_numbers START 80001;
CREATE TABLE erp.invoices (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number       text NOT NULL UNIQUE DEFAULT 'IN-' || nextval('erp.invoice_numbers'),
    order_number text NOT NULL,
    customer     text NOT NULL,
    amount       numeric(14, 2) NOT NULL,
    status       text NOT NULL DEFAULT 'open'
);
CREATE SEQUENCE erp.payment_numbers START 90001;
CREATE TABLE erp.payments (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number       text NOT NULL UNIQUE DEFAULT 'PA-' || nextval('erp.payment_numbers'),
    invoice      text NOT NULL,
    order_number text NOT NULL,
    amount       numeric(14, 2) NOT NULL
);
CREATE SEQUENCE erp.credit_numbers START 60001;
CREATE TABLE erp.credit_notes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number      text NOT NULL UNIQUE DEFAULT 'CN-' || nextval('erp.credit_numbers'),
    case_number text NOT NULL,
    customer    text NOT NULL,
    amount      numeric(14, 2) NOT NULL CHECK (amount > 0),
    status      text NOT NULL DEFAULT 'open'
);

-- ---- What workflows have done. Each is one row; none means that it was not there to be done. ----

CREATE FUNCTION erp.create_order(text, text, text, integer, numeric, text)
RETURNS TABLE (erp_number text) LANGUAGE sql AS $$
    UPDATE erp.products SET available = available - $4 WHERE product = $3;
    INSERT INTO erp.orders AS made (number, customer, product, quantity, amount, currency, status)
    VALUES ($1, $2, $3, $4, $5, $6, 'confirmed') RETURNING made.erp_number;
$$;
CREATE FUNCTION erp.cancel_order(text) RETURNS TABLE (erp_number text) LANGUAGE sql AS $$
    UPDATE erp.products SET available = available + quantity FROM erp.orders
    WHERE products.product = orders.product AND orders.erp_number = $1 AND status <> 'cancelled';
    UPDATE erp.orders SET status = 'cancelled' WHERE orders.erp_number = $1
    RETURNING orders.erp_number;
$$;
CREATE FUNCTION erp.create_fulfilment(text, text, text)
RETURNS TABLE (number text) LANGUAGE sql AS $$
    UPDATE erp.products SET available = available - 1 WHERE product = $3;
    INSERT INTO erp.shipments AS made (reference, customer, product)
    VALUES ($1, $2, $3) RETURNING made.number;
$$;
CREATE FUNCTION erp.cancel_fulfilment(text) RETURNS TABLE (number text) LANGUAGE sql AS $$
    UPDATE erp.products SET available = available + 1 FROM erp.shipments
    WHERE products.product = shipments.product AND shipments.number = $1 AND status = 'planned';
    UPDATE erp.shipments SET status = 'cancelled'
    WHERE shipments.number = $1 AND status = 'planned' RETURNING shipments.number;
$$;
CREATE FUNCTION erp.book_credit(text, text, numeric)
RETURNS TABLE (number text) LANGUAGE sql AS $$
    INSERT INTO erp.credit_notes AS made (case_number, customer, amount)
    VALUES ($1, $2, $3) RETURNING made.number;
$$;
CREATE FUNCTION erp.cancel_credit(text) RETURNS TABLE (number text) LANGUAGE sql AS $$
    UPDATE erp.credit_notes SET status = 'cancelled' WHERE credit_notes.number = $1
    RETURNING credit_notes.number;
$$;
CREATE TABLE erp.syncline_operations (
    key     text PRIMARY KEY,
    result  jsonb,
    done_at timestamptz NOT NULL DEFAULT now()
);

-- What the test counts: every write that really happened to an order or customer.
CREATE TABLE erp.writes (
    n      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what   text NOT NULL,
    record bigint NOT NULL,
    kind   text NOT NULL,
    login  text NOT NULL DEFAULT current_user
);
CREATE FUNCTION erp.count_write() RETURNS trigger LANGUAGE plpgsql SECURITY INVOKER AS $$
BEGIN
    INSERT INTO erp.writes (what, record, kind) VALUES (TG_TABLE_NAME, NEW.id, TG_OP);
    RETURN NEW;
END $$;
CREATE TRIGGER count_customers AFTER INSERT OR UPDATE ON erp.customers
    FOR EACH ROW EXECUTE FUNCTION erp.count_write();
CREATE TRIGGER count_orders AFTER INSERT OR UPDATE ON erp.orders
    FOR EACH ROW EXECUTE FUNCTION erp.count_write();

CREATE PUBLICATION syncline FOR TABLE erp.customers, erp.orders, erp.shipments, erp.invoices,
    erp.payments, erp.credit_notes;
GRANT USAGE ON SCHEMA erp TO syncline;
GRANT SELECT, INSERT, UPDATE, DELETE ON erp.customers, erp.orders TO syncline;
GRANT SELECT ON erp.tax_jurisdictions, erp.contracts, erp.installed, erp.invoices, erp.payments
    TO syncline;
GRANT SELECT, UPDATE ON erp.products TO syncline;
GRANT SELECT, INSERT, UPDATE ON erp.shipments, erp.credit_notes, erp.syncline_operations
    TO syncline;
GRANT INSERT ON erp.writes TO syncline;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA erp TO syncline;
