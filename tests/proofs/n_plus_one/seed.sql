-- Users with as many orders each, each order with lines and a customer of its own, each line with a product, each customer with a
-- country of its own. Understood by PostgreSQL and SQLite.
INSERT INTO users (id, name)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
SELECT i, 'user ' || i FROM n;

INSERT INTO countries (id, name)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users} * {orders})
SELECT i, 'country ' || i FROM n WHERE i <= {users} * {orders};

INSERT INTO customers (id, name, country_id)
SELECT id, 'customer ' || id, id FROM countries;

INSERT INTO orders (id, number, status, user_id, customer_id)
SELECT id, 'order ' || id, 'paid', 1 + (id - 1) / {orders}, id FROM customers;

INSERT INTO products (id, name)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users} * {orders} * {lines})
SELECT i, 'product ' || i FROM n WHERE i <= {users} * {orders} * {lines};

INSERT INTO lines (id, quantity, order_id, product_id)
SELECT id, 1 + id % 3, 1 + (id - 1) / {lines}, id FROM products;
