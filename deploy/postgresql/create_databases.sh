#!/bin/sh
# Runs once, on the server's first start: a database and a role of its own for each service, and a role that sees statistics only.
set -eu
run() { psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres "$@"; }
for name in identity catalog workflow documents audit; do
  run --set name="$name" --set password="$(cat "/run/secrets/database_$name")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password' CONNECTION LIMIT 150;
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
run --set password="$(cat /run/secrets/database_watcher)" <<'SQL'
CREATE ROLE watcher LOGIN IN ROLE pg_monitor PASSWORD :'password';
SQL
