-- The demo's ERP: customers and orders, as an in-house system keeps them.
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
    syncline_id text UNIQUE
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

CREATE PUBLICATION syncline FOR TABLE erp.customers, erp.orders;
GRANT USAGE ON SCHEMA erp TO syncline;
GRANT SELECT, INSERT, UPDATE, DELETE ON erp.customers, erp.orders TO syncline;
GRANT INSERT ON erp.writes TO syncline;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA erp TO syncline;
